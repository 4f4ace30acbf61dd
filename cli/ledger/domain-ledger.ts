import { createLedgerBookTable } from '../../lambdas/adapters/table/reconciliation-state.ts';
import { createSlicesTable } from '../../lambdas/adapters/table/slice-repository.ts';
import { secondPassSeconds } from '../../lambdas/contract.ts';
import { total } from '../../lambdas/domain/counts.ts';
import { isDue, type Slice, sliceFrom } from '../../lambdas/domain/slice.ts';
import type { Target } from '../target.ts';
import { isLookedAtTwice } from './second-look.ts';
import { tableOf } from './table.ts';
import type { LedgerTimes } from './times.ts';

/** `complete`: nothing is missing of all that is due; `unknown`: no ledger is kept, or it is behind. */
export type Completeness = 'complete' | 'incomplete' | 'unknown';

/** How complete one domain is. */
export interface DomainLedger {
  readonly domain: string;
  readonly completeness: Completeness;
  /** Epoch seconds up to which everything is judged; undefined where no ledger is kept. */
  readonly judgedUntil: number | undefined;
  /** Epoch seconds from which on the sums count. */
  readonly since: number;
  readonly expected: number;
  readonly missing: number;
  readonly lost: number;
  /** Stored, not listed by Mailgun, and past the second look. */
  readonly unconfirmed: number;
  readonly openSlices: number;
  readonly stuck: number;
  readonly lastSlice: Slice | undefined;
}

/** Reads the ledger from two second passes ago on, since only then is an event called unconfirmed. */
export async function readDomainLedger(
  target: Target,
  domain: string,
  times: LedgerTimes,
  nowMs: number,
): Promise<DomainLedger> {
  const table = tableOf(target);
  const book = createLedgerBookTable(table);
  const [cursor, open] = await Promise.all([book.readCursor(domain), book.openSlices(domain)]);
  const since = Math.floor(nowMs / 1000) - 2 * secondPassSeconds(times.retentionSeconds) - times.settleSeconds;
  const sums = { expected: 0, missing: 0, lost: 0, unconfirmed: 0 };
  let lastSlice: Slice | undefined;
  for await (const slice of createSlicesTable(table).list(domain, since, Math.ceil(nowMs / 1000))) {
    lastSlice = slice;
    sums.expected += total(slice.expected);
    sums.missing += total(slice.missing);
    sums.lost += total(slice.lost);
    if (isLookedAtTwice(slice, cursor, times)) sums.unconfirmed += total(slice.unconfirmed);
  }
  const isIncomplete = open.length > 0 || sums.missing > 0;
  const isKnown = cursor !== undefined && !isBehind(cursor.position, times, nowMs);
  return {
    domain,
    completeness: isIncomplete ? 'incomplete' : isKnown ? 'complete' : 'unknown',
    judgedUntil: cursor?.position,
    since,
    ...sums,
    openSlices: open.length,
    stuck: open.reduce((sum, { stuck }) => sum + stuck, 0),
    lastSlice,
  };
}

/** Whether the next slice has waited for longer than two runs. */
function isBehind(
  position: number,
  { everySeconds, settleSeconds, sliceSeconds }: LedgerTimes,
  nowMs: number,
): boolean {
  return isDue(sliceFrom(position, sliceSeconds), settleSeconds + 2 * everySeconds, nowMs);
}
