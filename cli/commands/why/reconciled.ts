import { createReconciliationStateRepository } from '../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createSliceRepository } from '../../../lambdas/adapters/table/slice-repository.ts';
import { storedTimeOf } from '../../../lambdas/domain/events/stored-time.ts';
import { total } from '../../../lambdas/domain/ledger/counts.ts';
import {
  alignedStart,
  doubtsOf,
  isDue,
  type Slice,
  sliceFrom,
  stateOf,
  type Watermarks,
  wasComparedSince,
} from '../../../lambdas/domain/ledger/slice.ts';
import type { HistoryEvent } from '../../event-history.ts';
import { type LedgerSettings, sliceAt, tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';

/**
 * Reconciliation's result for one event. `slice`: the state of its slice; `not due`: Mailgun may still index it; `due`:
 * the next run compares it; `unknown`: there is no ledger for it. `listed`: if Mailgun lists the event; `never` only
 * after the second pass.
 */
export interface Reconciled {
  readonly slice: 'open' | 'short' | 'settled' | 'unlisted' | 'due' | 'not due' | 'unknown';
  readonly listed: 'yes' | 'never' | 'unknown';
  /** Why it is not known. */
  readonly why: string | null;
}

/** The facts of a domain's ledger that judge one event. */
export interface LedgerView {
  readonly watermarks: Watermarks | undefined;
  readonly slice: Slice | undefined;
  readonly times: LedgerSettings;
  readonly nowMs: number;
}

/** Judges by the stored slice, without calling Mailgun. */
export function reconciled(event: HistoryEvent, { watermarks, slice, times, nowMs }: LedgerView): Reconciled {
  const { atMs, source, receivedAtMs, storedAtMs, unconfirmedSinceMs } = event;
  const unknown = (state: Reconciled['slice'], why: string): Reconciled => ({ slice: state, listed: 'unknown', why });
  // Events that reconciliation brought were listed, also those of a time before the ledger.
  if (source === 'reconcile')
    return { slice: slice === undefined ? 'unknown' : stateOf(slice), listed: 'yes', why: null };
  if (watermarks === undefined) return unknown('unknown', 'no ledger is kept of this domain yet');
  if (slice === undefined) {
    if (atMs / 1000 < watermarks.position) return unknown('unknown', 'the ledger does not cover this time');
    const bounds = sliceFrom(alignedStart(atMs / 1000, times.sliceSeconds), times.sliceSeconds);
    if (!isDue(bounds, times.settleSeconds, nowMs)) return unknown('not due', "Mailgun's own list is not complete yet");
    return unknown('due', 'it has not been compared yet');
  }
  const state = stateOf(slice);
  if (slice.unlisted) return unknown(state, 'Mailgun no longer listed that time');
  if (unconfirmedSinceMs !== undefined) return { slice: state, listed: 'never', why: null };
  if (receivedAtMs === undefined) return unknown(state, 'when it came in is not kept');
  if (!wasComparedSince(slice, storedTimeOf({ receivedAtMs, storedAtMs }), times.settleSeconds)) {
    return unknown(
      state,
      `the last comparison of this time, at ${iso(slice.startedAt ?? slice.passedAt)}, may have come too early for it`,
    );
  }
  // Which events these are is known after the second pass has marked them.
  const undecided = total(doubtsOf(slice).undecided);
  if (undecided > 0) {
    return unknown(state, `${undecided} events of this time are not listed yet`);
  }
  return { slice: state, listed: 'yes', why: null };
}

/** Reads the ledger around each event; a domain and slice is read once. */
export function openReconciled(deployment: Deployment, times: LedgerSettings, nowMs: number) {
  const table = tableOf(deployment);
  const ledger = createReconciliationStateRepository(table);
  const slices = createSliceRepository(table);
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
