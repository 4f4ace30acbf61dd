import { PRICES } from '../../cli/planning/prices.ts';
import { ACCESS_METRICS, METRICS } from '../../lambdas/contract.ts';
import { Synthesized } from '../../test/support/synthesized.ts';
import type { SliceFigures } from './ledger/reconciliation.ts';
import type { PipelineFigures } from './pipeline.ts';
import { BENCH_RATE, type ReceiverFigures } from './receivers.ts';

/** One line of a bill. */
export interface CostLine {
  readonly what: string;
  /** How many of it, and of what. */
  readonly amount: string;
  readonly dollars: number;
}

export interface Costs {
  /** For a million webhooks, publishing off. */
  readonly requestPath: readonly CostLine[];
  /** For a million webhooks and each month that they are kept. */
  readonly keeping: readonly CostLine[];
  /** For a million webhooks: both passes over their slices. */
  readonly reconciliation: readonly CostLine[];
  /** For a million webhooks, where the environment publishes. */
  readonly publishing: readonly CostLine[];
  /** A month, of one environment without traffic. */
  readonly fixed: readonly CostLine[];
  readonly sums: readonly {
    readonly millionsPerMonth: number;
    readonly dollarsPerMonth: number;
    readonly publishingDollars: number;
  }[];
  readonly retainedDays: number;
  readonly functionMegabytes: number;
}

const MILLION = 1e6;
const GIGABYTE = 1e9;
const MONTH_SECONDS = 730 * 3600;
export const MONTH_DAYS = 365.25 / 12;
/** Lambda gives a whole processor at this much memory, and a share of one below it. */
const MEGABYTES_PER_PROCESSOR = 1769;
/** Not measured here: what a call of DynamoDB or SQS takes inside a region. */
const ASSUMED_CALL_MS = 5;
/** Lambda keeps five pollers at an empty queue, each of which asks every 20 s. */
const POLLS_PER_SECOND = 5 / 20;
/** Not measured here: most runs find one slice or none. */
const ASSUMED_RECONCILE_SECONDS = 2;
const PASSES = 2;
const RECEIVER_MEGABYTES = 512;

export const sum = (lines: readonly CostLine[]) => lines.reduce((total, { dollars }) => total + dollars, 0);

/** What the counts of a run come to by the list prices. */
export function costsOf(pipeline: PipelineFigures, slices: readonly SliceFigures[]): Costs {
  const { perWebhook, batchSize, logBytesPerWebhook, tableBytesPerWebhook } = pipeline;
  const { ingest, process } = perWebhook;
  const stack = new Synthesized('prod');
  const { MemorySize, Environment } = stack.named('AWS::Lambda::Function', 'Process').Properties;
  const functionMegabytes: number = MemorySize;
  const retainedDays = Number(Environment.Variables.RETENTION_DAYS);
  const writes = ingest.writeUnits + process.writeUnits;
  const reads = ingest.readUnits + process.readUnits;
  // In ingest one call follows the other; of a batch, one reading and each record's two writes.
  const cpuMs = ((ingest.cpuMs + process.cpuMs) * MEGABYTES_PER_PROCESSOR) / functionMegabytes;
  const billedMs = cpuMs + (2 + 3 / batchSize) * ASSUMED_CALL_MS;
  const gigabyteSeconds = (billedMs / 1000) * (functionMegabytes / 1024);
  const queueRequests = (ingest.calls['sqs.SendMessage'] ?? 0) + 2 / batchSize;
  const invocations = 1 + 1 / batchSize;
  const requestPath = [
    line('HTTP API requests', 1, PRICES.perApiRequest),
    line('function invocations', invocations, PRICES.perInvocation),
    line('function time, GB-seconds', gigabyteSeconds, PRICES.perGigabyteSecond),
    line('write units', writes, PRICES.perWriteUnit),
    line('read units', reads, PRICES.perReadUnit),
    line('queue requests', queueRequests, PRICES.perQueueRequest),
    line('gigabytes of logs', logBytesPerWebhook / GIGABYTE, PRICES.perLogGigabyte),
  ];

  const gigabytes = tableBytesPerWebhook / GIGABYTE;
  const keeping = [
    line('gigabytes in the table', gigabytes, PRICES.perTableGigabyteMonth),
    line('gigabytes of point-in-time recovery', gigabytes, PRICES.perBackupGigabyteMonth),
  ];

  const largest = slices.at(-1);
  const ofSlice = (units = 0) => (PASSES * units) / (largest?.events ?? Number.NaN);
  const reconciliation = [
    line('read units', ofSlice(largest?.readUnits), PRICES.perReadUnit),
    line('write units', ofSlice(largest?.writeUnits), PRICES.perWriteUnit),
  ];

  const publishing = [line('published events', process.calls['dynamodb.UpdateItem'] ?? 0, PRICES.perPublishedEvent)];
  const fixed = fixedCosts(stack, functionMegabytes);
  const perMillion = sum(requestPath) + sum(reconciliation) + (retainedDays / MONTH_DAYS) * sum(keeping);
  return {
    requestPath,
    keeping,
    reconciliation,
    publishing,
    fixed,
    retainedDays,
    functionMegabytes,
    sums: [1, 10, 100].map((millionsPerMonth) => ({
      millionsPerMonth,
      dollarsPerMonth: sum(fixed) + millionsPerMonth * perMillion,
      publishingDollars: millionsPerMonth * sum(publishing),
    })),
  };
}

/** One line of a bill for a million, by what one takes. */
export function line(what: string, perWebhook: number, price: number): CostLine {
  const amount = perWebhook * MILLION;
  const digits = amount < 100 ? 3 : 0;
  return {
    what,
    amount: amount.toLocaleString('en-US', { maximumFractionDigits: digits }),
    dollars: amount * price,
  };
}

/** What the template of prod costs before the first webhook. */
function fixedCosts(stack: Synthesized, functionMegabytes: number): CostLine[] {
  const alarmMetrics = stack.ofType('AWS::CloudWatch::Alarm').reduce((count, { Properties }) => {
    const metrics: { MetricStat?: unknown }[] | undefined = Properties.Metrics;
    return count + (metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1);
  }, 0);
  const { namespace: _space, dimension: _dimension, reasonDimension: _reason, ...names } = METRICS;
  const metrics = Object.keys(names).length + Object.keys(ACCESS_METRICS).length;
  const schedule: string = stack.ofType('AWS::Scheduler::Schedule')[0]?.Properties.ScheduleExpression;
  const [, every = '', unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(schedule) ?? [];
  const runs = MONTH_SECONDS / (Number(every) * (unit === 'hour' ? 3600 : 60));
  const gigabyteSeconds = runs * ASSUMED_RECONCILE_SECONDS * (functionMegabytes / 1024);
  return [
    monthly('metrics, if all occur', metrics, PRICES.perMetricMonth),
    monthly('metrics read by alarms', alarmMetrics, PRICES.perAlarmMetricMonth),
    monthly('dashboards', stack.ofType('AWS::CloudWatch::Dashboard').length, PRICES.perDashboardMonth),
    monthly('secrets', stack.ofType('AWS::SecretsManager::Secret').length, PRICES.perSecretMonth),
    monthly('receives of the empty queue', MONTH_SECONDS * POLLS_PER_SECOND, PRICES.perQueueRequest),
    monthly('runs of reconcile', runs, PRICES.perScheduledRun + PRICES.perInvocation),
    monthly('GB-seconds of reconcile', gigabyteSeconds, PRICES.perGigabyteSecond),
  ];
}

const monthly = (what: string, amount: number, price: number): CostLine => ({
  what,
  amount: Math.round(amount).toLocaleString('en-US'),
  dollars: amount * price,
});

/** How deliver is set up for a receiver, as the template of prod has it. */
function deployedPace(): { batchSize: number; paceMs: number } {
  const receiver = { name: 'bench', url: 'https://bench.mailgun-ledger.internal/', ratePerSecond: BENCH_RATE };
  const stack = new Synthesized('prod', {
    publish: { enabled: true },
    receivers: [{ ...receiver, events: ['message.status.changed'] }],
  });
  const { BatchSize } = stack.named('AWS::Lambda::EventSourceMapping', 'DeliverFunction').Properties;
  const { Environment } = stack.named('AWS::Lambda::Function', 'DeliverFunction').Properties;
  const [, paceMs] = /paceMs\W+(\d+)/.exec(JSON.stringify(Environment.Variables.RECEIVERS)) ?? [];
  return { batchSize: BatchSize, paceMs: Number(paceMs) };
}

/** What a million deliveries to one receiver come to by the list prices, beside the events of the bus. */
export function costsOfDelivery({ perDelivery, bytesPerDelivery }: ReceiverFigures): CostLine[] {
  const { publish, deliver } = perDelivery;
  const { batchSize, paceMs } = deployedPace();
  // The requests of a batch begin one pace after the other, so a function waits more than it works.
  const gigabyteSeconds = (paceMs / 1000) * (RECEIVER_MEGABYTES / 1024);
  return [
    line('queue requests', 1 + 2 / batchSize, PRICES.perQueueRequest),
    line('function invocations', 1 / batchSize, PRICES.perInvocation),
    line('function time, GB-seconds', gigabyteSeconds, PRICES.perGigabyteSecond),
    line('write units', publish.writeUnits + deliver.writeUnits, PRICES.perWriteUnit),
    line('read units', publish.readUnits + deliver.readUnits, PRICES.perReadUnit),
    line('gigabytes sent to the internet', bytesPerDelivery / GIGABYTE, PRICES.perGigabyteSent),
  ];
}
