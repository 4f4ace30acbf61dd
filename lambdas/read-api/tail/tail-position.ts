import { createHash } from 'node:crypto';
import { DAY_MS } from '../../contract.ts';
import { VISIBLE_AFTER_MS } from '../../domain/events/stored-time.ts';
import { isKeyText, isTime } from '../http/cursor.ts';
import { MAX_CLOCK_SKEW_MS, MAX_DAYS } from '../http/range.ts';
import { isEventPlace } from '../messages/events.ts';
import type { IndexedPlace } from '../ports.ts';
import { LATENESS_TIERS, type LatenessTier } from './lateness-tiers.ts';

/** An unfinished sweep of a tier. */
export interface Sweep {
  startedMs: number;
  /** The domain that is read, or was about to be: the names may change between two pages. */
  domain: string;
  /** What is left of the domain ends before this time; absent in cursors of an earlier version. */
  toMs?: number;
  place?: IndexedPlace | undefined;
}

export interface TierPosition {
  /** All events of the tier that were stored up to then are shown. */
  finalMs: number;
  sweep?: Sweep | undefined;
}

/** Position at which the next page of a tail continues. */
export interface TailPosition {
  /** In the order of the tiers. */
  tiers: readonly TierPosition[];
  /** Names of the events of the first tier that are shown although they were stored later than its `finalMs`. */
  shown: string;
}

/** Maximum number of names in a cursor, which is sent in a URL; further events are shown once they are final. */
export const MAX_SHOWN = 400;
const NAME_CHARACTERS = 8;
const ONLY_NAMES = new RegExp(`^(?:[\\w-]{${NAME_CHARACTERS}})*$`);
const EACH_NAME = new RegExp(`.{${NAME_CHARACTERS}}`, 'g');

/** Returns the start of a tail that shows what is stored after a time. */
export function tailStart(fromMs: number): TailPosition {
  return { tiers: LATENESS_TIERS.map(() => ({ finalMs: fromMs })), shown: '' };
}

/** Returns a short hash of where an event is stored. */
export function shownName({ partition, sort }: IndexedPlace): string {
  return createHash('sha256').update(`${partition} ${sort}`).digest('base64url').slice(0, NAME_CHARACTERS);
}

export const joinNames = (names: Iterable<string>): string => [...names].join('');

export function splitNames(shown: string): Set<string> {
  return new Set(shown.match(EACH_NAME));
}

/** Returns the stretch of time in which the events of a tier happened that were stored between these times. */
export function stretchOf({ fromMs, toMs }: LatenessTier, finalMs: number, startedMs: number) {
  return { fromMs: Math.max(0, finalMs - toMs), toMs: startedMs - fromMs + 1 };
}

/** A tail that was left for longer would read all of that time again with each page. */
const MAX_LEFT_MS = 2 * MAX_DAYS * DAY_MS;

/** Returns true if a value of a cursor is a position of a tail of this type, and not of a time to come or long ago. */
export function isTailPosition(value: unknown, type: string | undefined, nowMs: number): value is TailPosition {
  const { tiers, shown } = (value ?? {}) as Partial<TailPosition>;
  return (
    typeof shown === 'string' &&
    ONLY_NAMES.test(shown) &&
    shown.length <= MAX_SHOWN * NAME_CHARACTERS &&
    Array.isArray(tiers) &&
    tiers.length === LATENESS_TIERS.length &&
    LATENESS_TIERS.every((tier, index) => isTierPosition(tiers[index], tier, type, nowMs))
  );
}

function isTierPosition(value: unknown, tier: LatenessTier, type: string | undefined, nowMs: number): boolean {
  const { finalMs, sweep } = (value ?? {}) as Partial<TierPosition>;
  const latestMs = nowMs + MAX_CLOCK_SKEW_MS;
  if (!isTime(finalMs) || finalMs > latestMs || finalMs < nowMs - MAX_LEFT_MS) return false;
  if (sweep === undefined) return true;
  const { startedMs, domain, toMs, place } = (sweep ?? {}) as Partial<Sweep>;
  if (!isTime(startedMs) || startedMs < finalMs - VISIBLE_AFTER_MS || startedMs > latestMs) return false;
  const stretch = stretchOf(tier, finalMs, startedMs);
  return (
    isKeyText(domain) &&
    (toMs === undefined || (isTime(toMs) && toMs > stretch.fromMs && toMs <= stretch.toMs)) &&
    (place === undefined || isEventPlace(place, stretch, type))
  );
}
