import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ASSUMED,
  AWS_LIMITS,
  BREAK_EVEN_LOG_MONTHS,
  BREAK_EVEN_MONTHS,
  BREAK_EVEN_UTILIZATION,
  dollarsBackedUp,
  dollarsKept,
  dollarsPerWebhook,
  PER_WEBHOOK,
} from '../../../cli/planning/capacity.ts';
import { PRICES } from '../../../cli/planning/prices.ts';
import { graph } from './graph.ts';
import { callsInDay, OTHER_CALLS_A_DAY } from './mailgun-calls.ts';
import { outcomes, SCENARIOS, type ScenarioName } from './scenarios.ts';
import { DEFAULT_STACK, type SimulatedStack } from './settings.ts';
import { type Limit, rateThatMeets, type SimulationResult } from './simulate.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Settings and quotas that limit nothing. */
const WIDE: SimulatedStack = {
  ...DEFAULT_STACK,
  throttlePerSecond: 100_000,
  throttleBurst: 50_000,
  gatewayPerSecond: 100_000,
  maxConcurrency: 1000,
  executions: 50_000,
  warmWritesPerSecond: AWS_LIMITS.tableWritesPerSecond,
  shards: 32,
  parallel: 64,
};

const whole = (value: number) => Math.round(value).toLocaleString('en-US');

interface LimitRow {
  readonly name: string;
  readonly limit: Limit;
  readonly stack: SimulatedStack;
  readonly seconds?: number;
  readonly effect: string;
  readonly change: string;
}

const LIMITS: readonly LimitRow[] = [
  {
    name: `Executions of a **new** account: ${AWS_LIMITS.newAccountExecutions}`,
    limit: 'executions',
    stack: { ...DEFAULT_STACK, executions: AWS_LIMITS.newAccountExecutions },
    effect: 'The gateway returns 5xx',
    change: 'quota `L-B99A9384`',
  },
  {
    name: 'Backlog limit of reconcile',
    limit: 'backlog',
    stack: DEFAULT_STACK,
    effect: 'Runs requeue nothing: watermark-too-old',
    change: '`processing.maxConcurrency`',
  },
  {
    name: 'Process',
    limit: 'process',
    stack: DEFAULT_STACK,
    effect: 'The queue grows: oldest-message',
    change: '`processing.maxConcurrency`, at most 1000',
  },
  {
    name: 'Our throttle',
    limit: 'throttle',
    stack: DEFAULT_STACK,
    effect: '429: webhooks-throttled',
    change: '`throttle.webhook`',
  },
  {
    name: `A new table: ${whole(AWS_LIMITS.newTableWritesPerSecond)} write units a second, then twice the last peak`,
    limit: 'table',
    stack: { ...WIDE, warmWritesPerSecond: AWS_LIMITS.newTableWritesPerSecond },
    effect: 'Claims fail: 503',
    change: 'warm throughput',
  },
  {
    name: '8 listings side by side, both passes',
    limit: 'listings',
    stack: { ...WIDE, parallel: 8 },
    seconds: 30 * HOUR,
    effect: 'Passes fall behind: watermark-too-old',
    change: '`reconcile.parallel`, at most 64',
  },
  {
    name: `A partition of the day index: ${whole(AWS_LIMITS.partitionWritesPerSecond)} writes a second`,
    limit: 'partition',
    stack: { ...WIDE, shards: 1 },
    effect: 'Puts are retried: table-throttled, events-retried',
    change: '`shards`, more domains',
  },
  {
    name: `Executions of the account: ${whole(AWS_LIMITS.executions)}`,
    limit: 'executions',
    stack: { ...WIDE, executions: AWS_LIMITS.executions, maxConcurrency: 167 },
    effect: 'As in a new account',
    change: 'quota `L-B99A9384`',
  },
  {
    name: `The gateway: ${whole(AWS_LIMITS.gatewayPerSecond)} requests a second`,
    limit: 'gateway',
    stack: { ...WIDE, gatewayPerSecond: AWS_LIMITS.gatewayPerSecond },
    effect: '429',
    change: 'quota',
  },
  {
    name: `The table: ${whole(AWS_LIMITS.tableWritesPerSecond)} write units a second`,
    limit: 'table',
    stack: WIDE,
    effect: 'As for a new table',
    change: 'quota',
  },
];

/** Rounds to three digits, the precision of the assumptions. */
const about = (value: number) => whole(Number(value.toPrecision(3)));
const cents = (value: number) => value.toFixed(2);
const percent = (share: number) => `${Math.round(100 * share)} %`;
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function limitTable(): string[] {
  const rows = LIMITS.map(({ name, limit, stack, seconds, effect, change }) =>
    row([name, about(rateThatMeets(limit, stack, seconds)), effect, change]),
  );
  return [row(['limit', 'met at', 'then', 'change']), row(Array(4).fill('---')), ...rows];
}

function loadTable(runs: Record<ScenarioName, SimulationResult>): string[] {
  const head = [
    'load',
    'events',
    'posts refused',
    'brought by reconcile',
    'longest wait in the queue',
    'all stored',
    'dollars',
  ];
  const rows = (Object.keys(SCENARIOS) as ScenarioName[]).map((name) => {
    const run = runs[name];
    const { seconds } = SCENARIOS[name].load;
    return row([
      ...[SCENARIOS[name].name, about(run.events), about(run.refused), about(run.requeued)],
      ...[time(run.longestQueueSeconds), stored(run, seconds), about(run.dollars)],
    ]);
  });
  return [row(head), row(Array(head.length).fill('---')), ...rows];
}

function callsTable(): string[] {
  const head = ['events a day', 'Events API', 'Logs, every slice listed twice', 'Logs, by totals (now)'];
  const rows = [96, 10_000, 1_000_000].map((events) =>
    row([events, ...(['events', 'logs', 'logs with totals'] as const).map((by) => callsInDay(by, events))].map(whole)),
  );
  return [row(head), row(Array(head.length).fill('---')), ...rows];
}

const time = (seconds: number) =>
  seconds < 90
    ? `${about(seconds)} s`
    : seconds < 2 * HOUR
      ? `${whole(seconds / 60)} min`
      : `${(seconds / HOUR).toFixed(1)} h`;

/** Measured from the burst, or after the end of a steady load. */
function stored({ settledAt }: SimulationResult, seconds: number): string {
  if (seconds < DAY && seconds === 2 * HOUR) return `${time(settledAt - HOUR)} after the burst began`;
  return settledAt > seconds ? `${time(settledAt - seconds)} after its end` : 'at once, refused posts by reconcile';
}

function burstGraph({ burst }: Record<ScenarioName, SimulationResult>): string {
  const curve = (name: string, colour: string, of: (sample: SimulationResult['samples'][number]) => number) => ({
    name,
    colour,
    points: burst.samples
      .filter(({ atSecond }) => atSecond >= HOUR - 600 && atSecond < 7 * HOUR)
      .map((sample) => [(sample.atSecond - HOUR + 600) / 60, of(sample)] as const),
  });
  return graph(
    'A minute of 10,000 webhooks a second over 100, by default: events not stored yet',
    'minutes; the burst begins at 10',
    [
      curve('missing, until reconcile or a retry', '#b3261e', ({ missing }) => missing),
      curve('in the queue', '#1a56b0', ({ backlog }) => backlog),
    ],
  );
}

function monthGraph({ month }: Record<ScenarioName, SimulationResult>): string {
  const points = month.samples
    .filter(({ atSecond }) => atSecond < 14 * DAY)
    .map(({ atSecond, acknowledged }) => [atSecond / DAY, acknowledged] as const);
  return graph('The first two weeks of the month: webhooks acknowledged a second', 'days', [
    { name: 'acknowledged a second', colour: '#1a56b0', points },
  ]);
}

/** Returns the page and its graphs, keyed by their path below docs/. */
function scalePages(): Record<string, string> {
  const runs = outcomes();
  const { ingestSeconds, batchSeconds, queueSeconds, pageSeconds, pageEvents, requeuesPerSecond } = ASSUMED;
  const text = `# Scale

Written by \`npm run docs\` from a simulation (\`tools/bench/simulation\`): a stack with its settings, AWS's limits as parameters, random arrivals from a seed, a second at a time. Tests hold it to arithmetic within 5 %, and to what the local stack did, rates scaled down, within 15 % ([measured](generated/benchmarks.md#the-simulation-beside-the-local-stack)). Nothing here was run on AWS; quotas are by region and account, and may have changed. Counts per webhook are measured ([benchmarks](generated/benchmarks.md)). Assumed: ingest is busy for ${ingestSeconds} s with a webhook and process for ${batchSeconds} s with a batch, a message waits for ${queueSeconds} s, a listing page of ${pageEvents} takes ${pageSeconds} s with its comparison, reconcile sends ${whole(requeuesPerSecond)} a second.

## Limits

By default and for one domain, in webhooks a second; each with the earlier ones out of its way.

${limitTable().join('\n')}

Messages in flight are limited to ${whole(AWS_LIMITS.messagesInFlight)}; each **failing** one hides for up to 905 s, so 133 failing a second make healthy ones wait: fix the cause. One address takes 1,000 first events of a message a second, one message id 560 events.

## Loads

\`doctor --plan-for <webhooks a second>\` prints what "planned" means: settings, quotas, warm table, dollars.

${loadTable(runs).join('\n')}

![Events that are not stored yet after a burst](generated/scale-burst.svg)

![Webhooks acknowledged a second over two weeks](generated/scale-month.svg)

- **Mailgun retries 429 and 5xx for about 8 hours, except \`delivered\`, which it sends once.** Refused ones come by reconciliation, 30 minutes after their slice ends. Retries of one burst arrive together again, so by default they are refused again.
- **The first second of a burst finds few executions**: Lambda adds ${whole(AWS_LIMITS.executionsPerTenSeconds)} in 10 s. Provisioned concurrency for ingest is the next step, at a fixed price.
- **Comparing 20,000 listed events a second is not proven.** A million took 347 s in one process at 8 pages at once, 116 s of it beyond the listing; at 10,000 webhooks a second that alone is more than one run can do. The simulation counts pages only.
- **Groups.** Messages carry their domain as their group, and those of reconciliation, replay and redrive one of their own. By AWS's [description of fair queues](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html), SQS hands out messages of other groups first while one has 30 messages and a tenth of all in flight. With 5 batches at a time, a message of a quiet domain then waits for the next free batch (${batchSeconds} s); without groups it waits behind 20,000 messages of a burst for ${whole(20_000 / 250)} s. The local queue engine takes the attribute and hands messages out in order of arrival, so that effect is simulated from that description, for the groups that ingest really sends: the quiet domain's events are stored within 1.5 times what they take alone.

Dollars are list prices of us-east-1 (\`cli/planning/prices.ts\`, ${PRICES.date}), on demand, ${cents(dollarsPerWebhook * 1e6)} per million webhooks on their way in, logs included; keeping them costs ${cents(dollarsKept * 1e6)} per million and month, so from 100 a second on \`retentionDays.events\` saves most. Traffic out of AWS and reads are not included. A webhook writes ${PER_WEBHOOK.writeUnits} units.

## Calls to Mailgun

A page of the Events API holds 300 events, one of the Logs API 100, so listing by Logs takes up to three times the calls, and as much more time and waiting for rate limits. Logs says how many events a range holds, so a second pass asks for that total and lists only what has changed ([ADR 0079](adr/0079-ask-for-totals-before-the-second-pass.md)). Calls of a domain in a day in which nothing is missing or late; Mailgun's counts, registered webhooks and redaction add ${OTHER_CALLS_A_DAY}, of which the counts are 24 (at most 30), and the list of all domains adds 24 for each region:

${callsTable().join('\n')}

## What would be cheaper

From \`cli/planning/prices.ts\`; \`doctor --costs\` takes your own last month.

| choice | cheaper from | what it takes |
| --- | --- | --- |
| \`table.class: "infrequent-access"\` | events kept for ${BREAK_EVEN_MONTHS.toFixed(1)} months | reads and writes cost a quarter more; can be changed twice in 30 days |
| \`table.provisioned\` | capacity that is used for ${percent(BREAK_EVEN_UTILIZATION.write)} of the time | a burst beyond it gets 503 until scaling follows, minutes later; the nightly drift shows what scaling changed |
| \`table.pointInTimeRecovery: false\` | at once: ${percent(dollarsBackedUp / dollarsKept)} of what keeping costs | no way back to a minute; \`replay --from-archive\` restores what is sealed |
| \`retentionDays.events\` | at once: ${cents(dollarsKept * 1e6)} per million and month | older events are in the archive alone |
| \`exportLogsTo\`, with less of \`retentionDays.logs\` | logs kept for ${whole(BREAK_EVEN_LOG_MONTHS)} months, longer with little traffic: assumed are records of 5 KB or more, to which Firehose rounds each up | a Firehose stream and a bucket of your own; \`logs\` shows what CloudWatch still has |
| \`executions.ingest\` | in a flood | own peaks above it get 503 too |

The class of logs is no choice: infrequent access would save ${cents((PER_WEBHOOK.logBytes * PRICES.perLogGigabyte) / 2 / 1e3)} per million webhooks, but it has [no metric filters, embedded metrics or subscription filters](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html), and refuses [FilterLogEvents](https://github.com/aws/karpenter-provider-aws/pull/9567): alarms, \`exportLogsTo\` and \`logs\` rest on them. Groups that feed no alarm, as the access log of the read API, would save less than a tenth of what a read costs; a group keeps its class for life. \`retentionDays.logs\` saves little, since logs are paid for as they are written.

Sources: [DynamoDB partitions](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html), [warm throughput](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html), [quotas](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html) · [Lambda scaling](https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html), [pollers](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html) · [SQS quotas](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html) · [API Gateway](https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html). Read in copies of 2026 or before. From memory: that a new account runs 10 to 50 executions, and that the gateway returns 5xx when Lambda refuses.
`;
  return {
    'scale.md': text,
    'generated/scale-burst.svg': burstGraph(runs),
    'generated/scale-month.svg': monthGraph(runs),
  };
}

if (import.meta.main) {
  const stale = Object.entries(scalePages()).filter(([file, text]) => {
    const path = join(import.meta.dirname, '../../../docs', file);
    if (!process.argv.includes('--check')) writeFileSync(path, text);
    return readFileSync(path, 'utf8') !== text;
  });
  for (const [file] of stale) console.error(`docs/${file} is stale: run \`npm run docs\``);
  if (stale.length > 0) process.exitCode = 1;
}
