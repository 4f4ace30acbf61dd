import type { Clock } from '../../mailgun-twin/clock.ts';
import type { Twin } from '../../mailgun-twin/twin.ts';
import type { ReconcileResult, ReconcileSums } from '../controls/reconcile-runs.ts';
import type { ReadyLine } from '../ready-line.ts';
import { type LedgerSlice, type Leftovers, readLedger, readStackStats, type Span } from './read-stack.ts';
import type { ScenarioReporter } from './reporter.ts';

const DRAIN_POLL_MS = 250;
const DRAIN_REPORT_EVERY_MS = 2_000;
/** Failing messages are retried at growing intervals; without progress for this long they count as stuck. */
const DRAIN_PATIENCE_MS = 90_000;

/** Waits until the queue was empty twice in a row, or has stopped shrinking. */
export async function waitUntilDrained(
  controlUrl: string,
  clock: Clock,
  signal: AbortSignal,
  onProgress: (waiting: number) => void,
): Promise<Leftovers> {
  let fewest = Number.POSITIVE_INFINITY;
  let progressAt = clock.now();
  let reportedAt = Number.NEGATIVE_INFINITY;
  for (let calm = 0; ; ) {
    const { queue, deadLetters } = await readStackStats(controlUrl, signal);
    const waiting = queue.visible + queue.inFlight;
    if (waiting < fewest) {
      fewest = waiting;
      progressAt = clock.now();
      if (waiting === 0 || progressAt - reportedAt >= DRAIN_REPORT_EVERY_MS) {
        reportedAt = progressAt;
        onProgress(waiting);
      }
    }
    calm = waiting === 0 ? calm + 1 : 0;
    if (calm === 2 || clock.now() - progressAt > DRAIN_PATIENCE_MS) return { waiting, deadLetters };
    await clock.sleep(DRAIN_POLL_MS);
  }
}

interface SettleOptions {
  readonly ready: ReadyLine;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly reporter: ScenarioReporter;
  /** Seconds after the last event by which every slice must be due. */
  readonly dueAfterSeconds: number;
}

/** State of the ledger after the last run. */
export interface SettledLedger {
  readonly slices: readonly LedgerSlice[];
  readonly leftovers: Leftovers;
}

const NOTHING = { missing: 0, sent: 0 };
const SETTLE_POLL_MS = 500;
/** A killed run may have left its lease, which lasts two minutes. */
const SETTLE_PATIENCE_MS = 240_000;

/** Returns the time range of a twin's listed events; undefined if there are none. */
export function spanOf({ events }: Twin): Span | undefined {
  const times = events.filter(({ listed }) => listed).map(({ data }) => data.timestamp);
  if (times.length === 0) return undefined;
  return { from: Math.floor(Math.min(...times)), to: Math.ceil(Math.max(...times)) };
}

/** Runs reconcile until every slice of a span is settled, or nothing changes any more. */
export async function waitUntilSettled(span: Span, options: SettleOptions): Promise<SettledLedger> {
  const { ready, clock, signal, reporter, dueAfterSeconds } = options;
  let patientUntil = (span.to + dueAfterSeconds) * 1000 + SETTLE_PATIENCE_MS;
  let sums = NOTHING;
  let best = 0;
  for (;;) {
    const before = await readSums(options);
    const run = await reconcile(options);
    const leftovers = await waitUntilDrained(ready.controlUrl, clock, signal, () => {});
    const slices = await readLedger(ready, span, clock, signal);
    const settled = slices.filter(({ state }) => state === 'settled').length;
    const progress = { settled, slices: slices.length };
    if (before.missing > sums.missing) {
      const [missing, sent] = [before.missing - sums.missing, before.sent - sums.sent];
      reporter.reconciled({ by: 'schedule', missing, sent, ...progress });
    }
    sums = await readSums(options);
    if (run.missing > 0 || settled > best) reporter.reconciled({ by: 'scenario', ...run, ...progress });
    if (settled > best) {
      best = settled;
      patientUntil = Math.max(patientUntil, clock.now() + SETTLE_PATIENCE_MS);
    }
    if (isSettled(slices, span, ready.domains) || clock.now() > patientUntil) return { slices, leftovers };
    await clock.sleep(SETTLE_POLL_MS);
  }
}

/** Returns true if every slice is settled, and every domain's ledger has reached the last event. */
function isSettled(slices: readonly LedgerSlice[], { to }: Span, domains: readonly string[]): boolean {
  const reaches = (domain: string) => slices.some((slice) => slice.domain === domain && slice.end >= to);
  return domains.every(reaches) && slices.every(({ state }) => state === 'settled');
}

/** Runs reconcile once; with faults a run may fail, and the next one makes up for it. */
async function reconcile({ ready, signal }: SettleOptions): Promise<Pick<ReconcileResult, 'missing' | 'sent'>> {
  const response = await fetch(`${ready.controlUrl}/reconcile`, { method: 'POST', signal });
  if (!response.ok) return NOTHING;
  const { missing, sent } = (await response.json()) as ReconcileResult;
  return { missing, sent };
}

async function readSums({ ready, signal }: SettleOptions): Promise<Pick<ReconcileSums, 'missing' | 'sent'>> {
  return (await readStackStats(ready.controlUrl, signal)).reconcile;
}
