import { createLedgerStateTable } from '../../../lambdas/adapters/table/reconciliation-state.ts';
import { createSlicesTable } from '../../../lambdas/adapters/table/slice-repository.ts';
import { total } from '../../../lambdas/domain/counts.ts';
import type { Watermarks } from '../../../lambdas/domain/slice.ts';
import { alignedStart, isDue, type Slice, sliceFrom, stateOf } from '../../../lambdas/domain/slice.ts';
import { type LedgerTimes, sliceAt, tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';
import type { HistoryEvent } from './history.ts';

/**
 * What reconciliation says of one event. `slice`: the state of the time that it lies in; `not due`: Mailgun may still
 * index it; `due`: the next run looks at it; `unknown`: no ledger is kept of it. `listed`: whether Mailgun lists the
 * event; `never` is said after the second pass.
 */
export interface Reconciled {
  readonly slice: 'open' | 'short' | 'settled' | 'unlisted' | 'due' | 'not due' | 'unknown';
  readonly listed: 'yes' | 'never' | 'unknown';
  /** Why it is not known. */
  readonly why: string | null;
}

/** What is needed of a domain's ledger to judge one event. */
export interface LedgerView {
  readonly watermarks: Watermarks | undefined;
  readonly slice: Slice | undefined;
  readonly times: LedgerTimes;
  readonly nowMs: number;
}

/** Judges by what the slice remembers; nothing is asked of Mailgun. */
export function reconciled(event: HistoryEvent, { watermarks, slice, times, nowMs }: LedgerView): Reconciled {
  const { atMs, source, receivedAtMs, unconfirmedSinceMs } = event;
  const unknown = (state: Reconciled['slice'], why: string): Reconciled => ({ slice: state, listed: 'unknown', why });
  if (watermarks === undefined) return unknown('unknown', 'no ledger is kept of this domain yet');
  if (slice === undefined) {
    if (atMs / 1000 < watermarks.position) return unknown('unknown', 'the ledger does not cover this time');
    const bounds = sliceFrom(alignedStart(atMs / 1000, times.sliceSeconds), times.sliceSeconds);
    if (!isDue(bounds, times.settleSeconds, nowMs)) return unknown('not due', "Mailgun's own list is not complete yet");
    return unknown('due', 'it has not been compared yet');
  }
  const state = stateOf(slice);
  // What reconciliation brought, it had from Mailgun's list.
  if (source === 'reconcile') return { slice: state, listed: 'yes', why: null };
  if (slice.unlisted) return unknown(state, 'Mailgun no longer listed that time');
  if (unconfirmedSinceMs !== undefined) return { slice: state, listed: 'never', why: null };
  if (receivedAtMs === undefined) return unknown(state, 'when it came in is not kept');
  if (receivedAtMs > slice.passedAt) {
    return unknown(state, `it came in after this time was last compared, at ${iso(slice.passedAt)}`);
  }
  // Which events these are is known once the second pass has marked them.
  if (slice.finalAt === null && total(slice.unconfirmed) > 0) {
    return unknown(state, `${total(slice.unconfirmed)} events of this time are not listed yet`);
  }
  return { slice: state, listed: 'yes', why: null };
}

/** Reads the ledger around each event; a domain and slice is read once. */
export function openReconciled(deployment: Deployment, times: LedgerTimes, nowMs: number) {
  const table = tableOf(deployment);
  const ledger = createLedgerStateTable(table);
  const slices = createSlicesTable(table);
  const cursors = new Map<string, Promise<Watermarks | undefined>>();
  const found = new Map<string, Promise<Slice | undefined>>();

  const once = <Value>(map: Map<string, Promise<Value>>, key: string, read: () => Promise<Value>) => {
    const held = map.get(key) ?? read();
    map.set(key, held);
    return held;
  };
  return async (event: HistoryEvent): Promise<Reconciled> => {
    const { domain } = event;
    const second = Math.floor(event.atMs / 1000);
    const [watermarks, slice] = await Promise.all([
      once(cursors, domain, () => ledger.readWatermarks(domain)),
      once(found, `${domain} ${second}`, () => sliceAt(slices, domain, second)),
    ]);
    return reconciled(event, { watermarks, slice, times, nowMs });
  };
}
