import {
  type DecidedStatus,
  type DecidingEvent,
  decideStatus,
  eventKeyInOrder,
  isHigher,
} from '../domain/status/decide-status.ts';
import { type Suppression, suppressionOf } from '../domain/status/suppression.ts';
import type { StatusDecision } from '../shared/decide-again.ts';
import type { EventRecord, Records } from './ports.ts';

/** Reverts what followed from an event that was stored with other content than Mailgun lists. */
export interface Corrections extends StatusDecision<EventRecord> {
  /** Withdraws the suppressions that this event alone caused, but for those given and for lifted ones. */
  withdrawSuppressions(record: EventRecord, kept: readonly Suppression[]): Promise<void>;
  /** Overwrites the stored event, which counts as brought by reconciliation, and as trusted. */
  replaceEvent(record: EventRecord): Promise<void>;
}

/** The message comes again. */
const CHANGED = 'the status changed while it was corrected';

/**
 * Corrects a stored event by what Mailgun lists; returns false if it is not stored. The status is decided again by all
 * events of its message and recipient; where this one `decidesNothing`, none is written that is not there. The event
 * comes last, so a crash before it leaves it altered, and the next pass of reconciliation sends it again. It counts even
 * if it was distrusted, since what Mailgun lists is not forged.
 */
export function createCorrect(deps: { records: Records; corrections: Corrections }) {
  const { records, corrections } = deps;
  return async (record: EventRecord, decidesNothing: boolean): Promise<boolean> => {
    const { eventKey } = record.identity;
    // Read before the events: what is distrusted after these were read also changes the order, which refuses the reset.
    const seen = await corrections.readOrder(record);
    const stored = await corrections.siblings(record);
    if (stored.every((each) => each.eventKey !== eventKey)) return false;
    const corrected = { event: record.event.raw, atMs: record.atMs, eventKey };
    const others = stored.filter((each) => each.eventKey !== eventKey);
    const decided = decideStatus([corrected, ...others]) as DecidedStatus;
    const isRight =
      seen === undefined
        ? decidesNothing || (await writeStatus(record, decided, stored))
        : mayStay(seen, decided, stored) || (await corrections.resetStatus(record, decided, seen));
    if (!isRight) throw new Error(CHANGED);
    const suppression = suppressionOf(record.event);
    await corrections.withdrawSuppressions(record, suppression ? [suppression] : []);
    if (suppression) await records.suppress(record, suppression);
    await corrections.replaceEvent(record);
    // Until then a distrusted event still decided nothing.
    const left = await corrections.readOrder(record);
    if (left !== undefined && isHigher(decided.order, left)) throw new Error(CHANGED);
    return true;
  };

  /** Writes a status that is absent; returns false where another event has decided it meanwhile. */
  async function writeStatus(record: EventRecord, decided: DecidedStatus, stored: readonly DecidingEvent[]) {
    await records.upsertStatus(decidingRecord(record, decided), decided);
    const written = await corrections.readOrder(record);
    return written !== undefined && (written === decided.order || mayStay(written, decided, stored));
  }
}

/** Returns the record with which the deciding event, which may be another one, would have written the status. */
function decidingRecord(record: EventRecord, { atMs, eventKey }: DecidedStatus): EventRecord {
  return { ...record, atMs, identity: { ...record.identity, eventKey } };
}

/**
 * Returns true if the status may stay: it is higher, and its deciding event is not stored, no longer or not yet, so the
 * stored events cannot contradict it.
 */
function mayStay(seen: string, decided: DecidedStatus, stored: readonly DecidingEvent[]): boolean {
  // An order does not hold the reason.
  if (seen === decided.order) return false;
  const decidedBy = eventKeyInOrder(seen);
  return isHigher(seen, decided.order) && stored.every(({ eventKey }) => eventKey !== decidedBy);
}
