import { createLedgerBookTable } from '../../../lambdas/adapters/table/reconciliation-state.ts';
import { createSlicesTable } from '../../../lambdas/adapters/table/slice-repository.ts';
import { LONGEST_SLICE_SECONDS } from '../../../lambdas/contract.ts';
import { total } from '../../../lambdas/domain/counts.ts';
import { type Cursor, storedName } from '../../../lambdas/domain/reconcile-ports.ts';
import { alignedStart, isDue, type Slice, sliceFrom, stateOf } from '../../../lambdas/domain/slice.ts';
import { shortName } from '../../../lambdas/domain/tally.ts';
import { hasHadSecondPass, type LedgerTimes, tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';
import type { HistoryEvent } from './history.ts';

/**
 * What reconciliation says of one event. `slice`: the state of the time that it lies in; `not due`: Mailgun may still
 * index it; `due`: the next run looks at it; `unknown`: no ledger is kept of it. `listed`: whether Mailgun lists the
 * event; `not yet` until the second look, and `never` after it.
 */
export interface Reconciled {
  readonly slice: 'open' | 'settled' | 'unlisted' | 'due' | 'not due' | 'unknown';
  readonly listed: 'yes' | 'not yet' | 'never' | 'unknown';
  /** Why it is not known. */
  readonly why: string | null;
}

/** What is needed of a domain's ledger to judge one event. */
export interface LedgerView {
  readonly cursor: Cursor | undefined;
  readonly slice: Slice | undefined;
  readonly times: LedgerTimes;
  readonly nowMs: number;
}

/** Judges by what the slice remembers; nothing is asked of Mailgun. */
export function reconciled(event: HistoryEvent, { cursor, slice, times, nowMs }: LedgerView): Reconciled {
  const { atMs, source, receivedAtMs } = event;
  const unknown = (state: Reconciled['slice'], why: string): Reconciled => ({ slice: state, listed: 'unknown', why });
  if (cursor === undefined) return unknown('unknown', 'no ledger is kept of this domain yet');
  if (slice === undefined) {
    if (atMs / 1000 < cursor.position) return unknown('unknown', 'the ledger does not cover this time');
    const bounds = sliceFrom(alignedStart(atMs / 1000, times.sliceSeconds), times.sliceSeconds);
    if (!isDue(bounds, times.settleSeconds, nowMs)) return unknown('not due', "Mailgun's own list is not complete yet");
    return unknown('due', 'it has not been compared yet');
  }
  const state = stateOf(slice);
  // What reconciliation brought, it had from Mailgun's list.
  if (source === 'reconcile') return { slice: state, listed: 'yes', why: null };
  if (slice.unlisted) return unknown(state, 'Mailgun no longer listed that time');
  if (slice.unconfirmedNames === undefined || slice.passedAt === undefined) {
    return unknown(state, 'it was compared by an earlier version');
  }
  if (receivedAtMs === undefined) return unknown(state, 'when it came in is not kept');
  if (receivedAtMs > slice.passedAt) {
    return unknown(state, `it came in after this time was last compared, at ${iso(slice.passedAt)}`);
  }
  if (Object.hasOwn(slice.unconfirmedNames, shortName(storedName(event)))) {
    return { slice: state, listed: hasHadSecondPass(slice, cursor, times) ? 'never' : 'not yet', why: null };
  }
  if (Object.keys(slice.unconfirmedNames).length < total(slice.unconfirmed)) {
    return unknown(state, `too many events of this time are not listed: ${total(slice.unconfirmed)}`);
  }
  return { slice: state, listed: 'yes', why: null };
}

/** Reads the ledger around each event; a domain and slice is read once. */
export function openReconciled(deployment: Deployment, times: LedgerTimes, nowMs: number) {
  const table = tableOf(deployment);
  const book = createLedgerBookTable(table);
  const slices = createSlicesTable(table);
  const cursors = new Map<string, Promise<Cursor | undefined>>();
  const found = new Map<string, Promise<Slice | undefined>>();

  const once = <Value>(map: Map<string, Promise<Value>>, key: string, read: () => Promise<Value>) => {
    const held = map.get(key) ?? read();
    map.set(key, held);
    return held;
  };
  const sliceAt = async (domain: string, atSeconds: number) => {
    for await (const slice of slices.list(domain, atSeconds - LONGEST_SLICE_SECONDS, atSeconds + 1)) {
      if (slice.start <= atSeconds && atSeconds < slice.end) return slice;
    }
    return undefined;
  };
  return async (event: HistoryEvent): Promise<Reconciled> => {
    const { domain } = event;
    const second = Math.floor(event.atMs / 1000);
    const [cursor, slice] = await Promise.all([
      once(cursors, domain, () => book.readCursor(domain)),
      once(found, `${domain} ${second}`, () => sliceAt(domain, second)),
    ]);
    return reconciled(event, { cursor, slice, times, nowMs });
  };
}
