import { DAY_SECONDS } from '../../contract.ts';
import type { TimeRange } from '../events/day-index.ts';
import type { SliceOutline } from '../ledger/completeness.ts';
import { type Counts, numberOf, total } from '../ledger/counts.ts';
import { type Slice, stateOf } from '../ledger/slice.ts';
import { MAX_TAGS } from '../ledger/tally.ts';
import type { RetainedSlice } from './retained-events.ts';

/** Types of the day index whose events show that a mail was sent, or refused. */
export const SENDING_TYPES: readonly string[] = ['accepted', 'delivered', 'failed', 'rejected'];

/** Mail may be accepted this long before it is sent: Mailgun takes delivery times up to a week ahead. */
export const LOOK_BACK_SECONDS = 8 * DAY_SECONDS;

/** Listings round times to the second, the millisecond or the microsecond. */
const ROUNDING_MS = 1000;

/** The statistics of a slice for one tag; the statistics as a whole may be long. */
export interface TaggedSlice extends SliceOutline, RetainedSlice {
  /** Events under the tag, by type. */
  readonly counts: Readonly<Counts>;
  /** Events that show that mail was sent, under any tag. */
  readonly sendingEvents: number;
  /** True if mail under the tag may have been sent in it. */
  readonly mayHoldMail: boolean;
  /**
   * True if the slice may hold events of mail under the tag without the tag: untagged ones, or an unsubscribe, whose
   * tags are its own.
   */
  readonly mayHoldTrace: boolean;
  /** True if it has more tags than are counted, so that this one may be left out. */
  readonly isCut: boolean;
}

type TaggedFacts = Pick<Slice, 'start' | 'end' | 'tags' | 'unconfirmed' | 'accepted' | 'expected'> &
  Parameters<typeof stateOf>[0];

/** Returns the figures of a slice for a tag in lower case, summed over its spellings. */
export function taggedSlice(slice: TaggedFacts, tag: string): TaggedSlice {
  const counts = new Map<string, number>();
  const names = Object.keys(slice.tags);
  for (const name of names.filter((each) => each.toLowerCase() === tag)) {
    for (const [type, count] of Object.entries(slice.tags[name] ?? {}))
      counts.set(type, (counts.get(type) ?? 0) + count);
  }
  const { start, end } = slice;
  return {
    start,
    end,
    state: stateOf(slice),
    counts: Object.fromEntries(counts),
    sendingEvents: SENDING_TYPES.reduce((sum, type) => sum + numberOf(slice.tags['*'] ?? {}, type), 0),
    isEmpty: total(slice.expected) === 0,
    isCut: isFull(slice),
    mayHoldMail: isUncertain(slice) || SENDING_TYPES.some((type) => counts.has(type)),
    mayHoldTrace: isUncertain(slice) || counts.size > 0 || Object.hasOwn(slice.tags, '') || hasUnsubscribes(slice),
  };
}

const isFull = ({ tags }: TaggedFacts) => Object.keys(tags).length >= MAX_TAGS;

const hasUnsubscribes = ({ tags }: TaggedFacts) => numberOf(tags['*'] ?? {}, 'unsubscribed') > 0;

/**
 * Returns true where the rows of tags are incomplete: they hold what Mailgun lists and no operator accepted, and a
 * slice with the maximum number of them lacks the others.
 */
function isUncertain(slice: TaggedFacts): boolean {
  return isFull(slice) || stateOf(slice) !== 'settled' || total(slice.unconfirmed) + slice.accepted > 0;
}

/**
 * Returns the time ranges in which mail under a tag may have been sent: slices whose statistics name it, and all time
 * without slices yet. `slices` are ordered by time.
 */
export function timeRangesWithTag(slices: readonly TaggedSlice[], time: TimeRange): TimeRange[] {
  const found: TimeRange[] = [];
  let position = time.fromMs;
  for (const slice of slices) {
    const [startMs, endMs] = [slice.start * 1000, slice.end * 1000];
    if (startMs > position) take(found, position, startMs);
    if (slice.mayHoldMail) take(found, startMs - ROUNDING_MS, endMs + ROUNDING_MS);
    position = Math.max(position, endMs);
  }
  if (position < time.toMs) take(found, position, time.toMs);
  return found
    .map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, time.fromMs), toMs: Math.min(toMs, time.toMs) }))
    .filter(({ fromMs, toMs }) => fromMs < toMs);
}

/** Adds a time range, joined to the one before where they touch. */
function take(found: TimeRange[], fromMs: number, toMs: number): void {
  const last = found.at(-1);
  if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
  else found.push({ fromMs, toMs });
}
