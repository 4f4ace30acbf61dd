import {
  type DecidedStatus,
  type DecidingEvent,
  decideStatus,
  eventKeyInOrder,
} from '../domain/status/decide-status.ts';

/** The status of a message and recipient, and the events that decide it. */
export interface StatusDecision<Place> {
  /** Returns the order that decided the status, read consistently; undefined if there is no status. */
  readOrder(place: Place): Promise<string | undefined>;
  /** Returns the stored events of the same message and recipient, read consistently. */
  siblings(place: Place): Promise<DecidingEvent[]>;
  /**
   * Overwrites the status, unless it is so already, and counts it as corrected, unless there never was one; false, and
   * nothing is written, where another event has decided it since `seenOrder`.
   */
  resetStatus(place: Place, decided: DecidedStatus, seenOrder: string): Promise<boolean>;
}

/** Other events may decide meanwhile; more often than this in a row none does. */
const MAX_TRIES = 5;

/**
 * Writes the status that the stored events decide, as distrusted ones do not; leaves one whose deciding event is not
 * stored yet, or no longer. Each attempt is conditional on the order before it, and the last read finds what was
 * written, so an event stored meanwhile counts too. Returns false if the status keeps changing.
 */
export async function decideAgain<Place>(statuses: StatusDecision<Place>, place: Place): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const seen = await statuses.readOrder(place);
    const stored = await statuses.siblings(place);
    const becomes = decideStatus(stored);
    if (becomes === undefined || seen === undefined || seen === becomes.order) return true;
    if (stored.every(({ eventKey }) => eventKey !== eventKeyInOrder(seen))) return true;
    await statuses.resetStatus(place, becomes, seen);
  }
  return false;
}
