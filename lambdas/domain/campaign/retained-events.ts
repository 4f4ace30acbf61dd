import { DAY_SECONDS } from '../../contract.ts';
import type { SliceBounds } from '../ledger/slice.ts';
import type { MailCounts } from './counts.ts';

/** Items expire by when they were received; clocks may be ahead by ten minutes. */
const MARGIN_SECONDS = 3600;

/** Returns from when on (epoch seconds) the table still holds every event that it stored. */
export function retainedFromOf(nowMs: number, retentionDays: number): number {
  return Math.ceil(nowMs / 1000) - retentionDays * DAY_SECONDS + MARGIN_SECONDS;
}

/** A slice, with whether any events of it need to be kept. */
export interface RetainedSlice extends SliceBounds {
  /** Nothing was stored in it, so there is nothing to hold. */
  readonly isEmpty: boolean;
}

/**
 * Returns from when on (epoch seconds) table and archive together hold every event since `from`; undefined where they
 * hold all. The slices are in the order of time, `archived` are the starts of those with an object; before the first one
 * there was no ledger, and so nothing to hold.
 */
export function completeFrom(
  from: number,
  retainedFrom: number,
  slices: readonly RetainedSlice[],
  archived: ReadonlySet<number>,
): number | undefined {
  let position = retainedFrom;
  for (const { start, end, isEmpty } of slices.toReversed()) {
    if (start >= retainedFrom) continue;
    if (position <= from) break;
    if (end < position || !(isEmpty || archived.has(start))) return position;
    position = start;
  }
  return undefined;
}

/**
 * Returns the same for mail that was sent since `from`. It may have been accepted before, since `lookBack`:
 * where some of it has no acceptance, that time counts too.
 */
export function mailCompleteFrom(
  { from, lookBack, retainedFrom }: { from: number; lookBack: number; retainedFrom: number },
  slices: readonly RetainedSlice[],
  archived: ReadonlySet<number>,
  mails: Pick<MailCounts, 'mails' | 'accepted'> | undefined,
): number | undefined {
  const held = completeFrom(from, retainedFrom, slices, archived);
  if (held !== undefined || mails === undefined || mails.accepted === mails.mails) return held;
  return completeFrom(lookBack, retainedFrom, slices, archived);
}
