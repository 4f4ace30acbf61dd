import type { MailgunEvent } from '../events/mailgun-event.ts';
import { decidingFacts } from '../status/deciding-facts.ts';

// What a pass finds of one event, by what Mailgun lists and what is stored. A redacted copy alone does not count as
// stored (`count-listed.ts`). An event that was sent, and is neither stored nor listed now, stays missing, and the slice
// is short (`count-not-listed.ts`). Before the second pass unconfirmed events read as undecided (`doubtsOf`, `slice.ts`).

/** Two sources round the time of one event apart by at most this. */
export const ROUNDING_MS = 1000;

interface TimedEvent {
  event: MailgunEvent;
  /** Epoch milliseconds. */
  atMs: number;
}

interface StoredEvent extends TimedEvent {
  /** It decides nothing. */
  isDistrusted: boolean;
}

/**
 * Returns true if the stored event decides differently from the listed one, or has another time; false for a tombstone.
 */
export function isAltered(stored: StoredEvent, listed: TimedEvent): boolean {
  if (stored.event.recipient === undefined && listed.event.recipient !== undefined) return false;
  const isElsewhen = Math.abs(stored.atMs - listed.atMs) >= 2 * ROUNDING_MS;
  return isElsewhen || stored.isDistrusted || decidingFacts(stored.event) !== decidingFacts(listed.event);
}

/** Returns what an event is that Mailgun lists. */
export function findingOfListed(
  event: { isStored: boolean; isAltered: boolean },
  isAccepted: boolean,
): 'stored' | 'altered' | 'missing' | 'accepted' {
  if (event.isStored && !event.isAltered) return 'stored';
  if (isAccepted) return 'accepted';
  return event.isAltered ? 'altered' : 'missing';
}

/**
 * Returns true if an earlier pass had listed a stored event: it sent it, or found it in the index and did not call it
 * unconfirmed.
 */
export function wasListedBefore(event: {
  wasSent: boolean;
  /** The index of its part is that of the last pass. */
  isIndexedAsBefore: boolean;
  /** Epoch milliseconds since when the index surely holds it. */
  visibleFromMs: number;
  /** Epoch milliseconds at which the last pass began; undefined before the first. */
  comparedAtMs: number | undefined;
}): boolean {
  return event.wasSent || event.isIndexedAsBefore || event.visibleFromMs <= (event.comparedAtMs ?? 0);
}

/**
 * Returns what a stored event is that Mailgun does not list: `short` if it did before, `unconfirmed` if it never did.
 * Where Mailgun may no longer keep that time, the listing proves nothing: `stored` if it was listed before,
 * `unconfirmed` if it was doubted before, and `unknown` otherwise. `isDoubted`: an earlier pass left it unconfirmed, or
 * it was received later than any webhook of Mailgun's.
 */
export function findingOfStored(
  { wasListed, isDoubted }: { wasListed: boolean; isDoubted: boolean },
  isKept: boolean,
  isAccepted: boolean,
): 'stored' | 'short' | 'unconfirmed' | 'unknown' | 'accepted' {
  if (!isKept && wasListed) return 'stored';
  if (!isKept && !isDoubted) return 'unknown';
  if (isAccepted) return 'accepted';
  return wasListed ? 'short' : 'unconfirmed';
}
