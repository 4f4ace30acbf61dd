import { type BadParameter, badParameter } from '../../../api/read-parameters.ts';
import { LAST_MS } from '../../../api/time.ts';
import { DAY_MS, MAX_AHEAD_MS } from '../../contract.ts';
import type { TimeRange } from '../../domain/events/day-index.ts';
import { isTime } from './cursor.ts';

/** Times of a query in epoch milliseconds. */
export interface RangeQuery {
  readonly day?: number | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** Most days of one query. */
export const MAX_DAYS = 31;

/** Returns the stretch of a query: its day, or from (a day before the end) to (now), at most 31 days apart. */
export function rangeOf(query: RangeQuery, nowMs: number): TimeRange | BadParameter {
  const toMs = query.to ?? Math.ceil(nowMs / 1000) * 1000;
  return checked(query, { fromMs: query.from ?? Math.max(0, toMs - DAY_MS), toMs }, nowMs, MAX_DAYS);
}

/** Returns the stretch of a query, without an end where it names none. */
export function openRangeOf(query: RangeQuery, nowMs: number): TimeRange | BadParameter {
  const range = { fromMs: query.from ?? 0, toMs: query.to ?? LAST_MS };
  return checked(query, range, nowMs, Number.POSITIVE_INFINITY);
}

/** Returns true for a time that is later than any event's can be. */
export const isToCome = (ms: number, nowMs: number): boolean => ms > nowMs + MAX_AHEAD_MS;

/** What a time has to be for a question that something can match. */
export const TO_COME = 'must not be in the future';

function checked({ day, from, to }: RangeQuery, range: TimeRange, nowMs: number, maxDays: number) {
  if (day !== undefined) {
    if (from !== undefined || to !== undefined) return badParameter('day', 'must be given without from and to');
    return isToCome(day, nowMs) ? badParameter('day', TO_COME) : { fromMs: day, toMs: day + DAY_MS };
  }
  if (range.fromMs >= range.toMs) return badParameter('from', 'must be before to');
  if (isToCome(range.fromMs, nowMs)) {
    return from === undefined ? badParameter('to', 'is in the future: give from, too') : badParameter('from', TO_COME);
  }
  const isTooLong = range.toMs - range.fromMs > maxDays * DAY_MS;
  return isTooLong ? badParameter('from', `must be at most ${maxDays} days before to`) : range;
}

/** The clock of another function may have written a cursor. */
export const MAX_CLOCK_SKEW_MS = 60_000;

/** Returns true if a value of a cursor is the stretch of this query: one that names no end has that of its first page. */
export function isRangeOf(value: unknown, query: RangeQuery, nowMs: number): value is TimeRange {
  const { fromMs, toMs } = (value ?? {}) as Partial<TimeRange>;
  if (!isTime(toMs)) return false;
  const range = rangeOf(query, Math.min(toMs, nowMs + MAX_CLOCK_SKEW_MS));
  return !('ok' in range) && range.fromMs === fromMs && range.toMs === toMs;
}

/** All of time. */
export const EVER: TimeRange = { fromMs: 0, toMs: LAST_MS };
