import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseMessageSort } from '../../lambdas/domain/keys.ts';
import { DOMAIN } from '../../test/support/fixtures/webhooks.ts';
import { drained, startTestStack } from '../../test/support/stacks/local-stack.ts';
import type { LocalStack } from '../local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../local-ledger/options/reconcile-choice.ts';
import type { Usage } from '../local-stack/aws/usage.ts';
import type { EventData } from '../mailgun-twin/traffic/event-parts.ts';
import { usageBetween } from './functions/handler-cpu.ts';
import { withTable } from './stack-table.ts';
import { quantile } from './statistics.ts';
import { ordinaryMail } from './traffic-mix.ts';
import { signedWebhook } from './webhooks.ts';

/** Work done by the stack when this number of webhooks was stored. */
interface Checkpoint {
  readonly events: number;
  /** From the first post to the last stored event, without waits between checkpoints. */
  readonly seconds: number;
  /** AWS calls of ingest and process only. */
  readonly calls: number;
  /** Resident memory. */
  readonly megabytes: Readonly<Record<Box, number>>;
}

export interface PipelineFigures {
  readonly posted: number;
  readonly stored: number;
  readonly checkpoints: readonly Checkpoint[];
  readonly perWebhook: Readonly<Record<Box, BoxFigures>>;
  /** Average number of records in a batch. */
  readonly batchSize: number;
  /** Bytes of log lines, with CloudWatch's overhead per line. */
  readonly logBytesPerWebhook: number;
  /** Time from the response to a webhook until the read API shows the event. */
  readonly secondsToShown: Readonly<Record<'p50' | 'p90' | 'p99', number>>;
}

export interface BoxFigures {
  readonly calls: Readonly<Record<string, number>>;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly cpuMs: number;
}

type Box = 'ingest' | 'process';

const BOXES = ['ingest', 'process'] as const;
const AT_ONCE = 12;
/** CloudWatch bills this overhead for each line. */
const LOG_LINE_OVERHEAD_BYTES = 26;
const DRAINED_EACH_MS = 50;
const FOLLOWED = 400;
const FOLLOWED_EACH_MS = 50;

/** Posts ordinary mail to the local stack as fast as possible, and measures it after each number of webhooks. */
export async function measurePipeline(
  checkpointsAt: readonly number[],
  say: (line: string) => void,
): Promise<PipelineFigures> {
  const stack = await startTestStack({
    reconcile: { ...USUAL_RECONCILE, everySeconds: 3600 },
    overlay: { throttle: { webhook: { ratePerSecond: 10_000, burst: 5000 } } },
  });
  try {
    const last = checkpointsAt.at(-1) ?? 0;
    const mail = ordinaryMail(last, DOMAIN, 1, Date.now);
    const before = await snapshot(stack);
    const checkpoints: Checkpoint[] = [];
    let [posted, seconds] = [0, 0];
    for (const events of checkpointsAt) {
      const start = performance.now();
      const take = events - posted;
      await inParallel(AT_ONCE, limited(mail, take), (event) => post(stack, event));
      await drained(stack, DRAINED_EACH_MS);
      posted = events;
      seconds += (performance.now() - start) / 1000;
      const now = await snapshot(stack);
      const calls = BOXES.reduce((sum, box) => sum + total(now[box].usage) - total(before[box].usage), 0);
      checkpoints.push({
        events,
        seconds,
        calls,
        megabytes: { ingest: now.ingest.megabytes, process: now.process.megabytes },
      });
      say(`${events} webhooks stored after ${seconds.toFixed(1)} s`);
    }
    const after = await snapshot(stack);
    const figuresOf = (box: Box) => perWebhook(before[box], after[box], last);
    const batches = (after.batches - before.batches) / last;
    const logBytes = await logBytesOf(stack);
    return {
      posted: last,
      stored: await storedIn(stack),
      checkpoints,
      perWebhook: { ingest: figuresOf('ingest'), process: figuresOf('process') },
      batchSize: 1 / batches,
      logBytesPerWebhook: logBytes / last,
      secondsToShown: await follow(stack),
    };
  } finally {
    await stack.stop();
  }
}

async function post({ ready }: LocalStack, event: EventData): Promise<void> {
  const { headers, body } = signedWebhook(event);
  const response = await fetch(ready.webhookUrl, { method: 'POST', headers, body });
  if (response.status !== 200) throw new Error(`ingest returned ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

interface Snapshot {
  readonly usage: Usage;
  readonly cpuMs: number;
  readonly megabytes: number;
}

async function snapshot(stack: LocalStack): Promise<Record<Box, Snapshot> & { batches: number }> {
  const { byCaller, processes } = await stack.stats();
  const of = (box: Box): Snapshot => ({ usage: byCaller[box] ?? NOTHING, ...processOf(processes[box] ?? 0) });
  // The poller deletes each batch by one call.
  const batches = byCaller['event-source']?.calls['sqs.DeleteMessageBatch'] ?? 0;
  return { ingest: of('ingest'), process: of('process'), batches };
}

const NOTHING: Usage = { calls: {}, capacity: { read: 0, write: 0 } };

/** Returns CPU time and memory of a process, as reported by `ps`. */
export function processOf(pid: number): { cpuMs: number; megabytes: number } {
  const [kilobytes = '', time = ''] = execFileSync('ps', ['-o', 'rss=,time=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/);
  // [[days-]hours:]minutes:seconds
  const seconds = time.split(/[-:]/).reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuMs: seconds * 1000, megabytes: Number(kilobytes) / 1024 };
}

const total = ({ calls }: Usage) => Object.values(calls).reduce((sum, times) => sum + times, 0);

function perWebhook(before: Snapshot, after: Snapshot, webhooks: number): BoxFigures {
  const { calls, capacity } = usageBetween(before.usage, after.usage, webhooks);
  return {
    calls,
    writeUnits: capacity.write,
    readUnits: capacity.read,
    cpuMs: (after.cpuMs - before.cpuMs) / webhooks,
  };
}

/** Returns the bytes logged so far by the webhook API, ingest and process. */
async function logBytesOf({ logPath }: LocalStack): Promise<number> {
  let bytes = 0;
  for await (const entry of createInterface({ input: createReadStream(logPath) })) {
    const [, source = '', line = ''] = /^\S+ (\S+) (.*)$/.exec(entry) ?? [];
    if (/^(ingest|process)\[|webhook/.test(source)) bytes += Buffer.byteLength(line) + LOG_LINE_OVERHEAD_BYTES;
  }
  return bytes;
}

/** Returns the number of events in the table. */
function storedIn(stack: LocalStack): Promise<number> {
  return withTable(stack, async ({ name: TableName, ask }) => {
    let stored = 0;
    let ExclusiveStartKey: unknown;
    do {
      const page = await ask<ScanPage>('Scan', { TableName, ProjectionExpression: 'sk', ExclusiveStartKey });
      stored += page.Items.filter(({ sk }) => parseMessageSort(sk.S).eventKey !== undefined).length;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return stored;
  });
}

interface ScanPage {
  readonly Items: readonly { readonly sk: { readonly S: string } }[];
  readonly LastEvaluatedKey?: unknown;
}

/** Posts at an even pace, and polls for each event until it is shown. */
async function follow(stack: LocalStack): Promise<PipelineFigures['secondsToShown']> {
  const { apiUrl, apiToken } = stack.ready;
  const shown: Promise<number>[] = [];
  for (const event of ordinaryMail(FOLLOWED, DOMAIN, 2, Date.now)) {
    shown.push(
      post(stack, event).then(async () => {
        const taken = performance.now();
        const { headers } = event.message as { headers: { 'message-id': string } };
        const url = `${apiUrl}/mailgun/messages/${encodeURIComponent(headers['message-id'])}`;
        for (; ; await sleep(20)) {
          const response = await fetch(url, { headers: { authorization: `Bearer ${apiToken}` } });
          if ((await response.text()).includes(event.id)) return (performance.now() - taken) / 1000;
        }
      }),
    );
    await sleep(FOLLOWED_EACH_MS);
  }
  const seconds = await Promise.all(shown);
  return { p50: quantile(seconds, 0.5), p90: quantile(seconds, 0.9), p99: quantile(seconds, 0.99) };
}

function* limited<T>(source: Iterator<T>, count: number): Generator<T> {
  for (let given = 0; given < count; given += 1) {
    const next = source.next();
    if (next.done) return;
    yield next.value;
  }
}

/** Runs `act` on each value of `source`, with up to `hands` calls at once. */
async function inParallel<T>(hands: number, source: Generator<T>, act: (value: T) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: hands }, async () => {
      for (let next = source.next(); !next.done; next = source.next()) await act(next.value);
    }),
  );
}
