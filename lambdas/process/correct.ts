import type { JsonObject } from '../domain/canonical.ts';
import { parseEvent } from '../domain/events/mailgun-event.ts';
import { isHigher, type StatusUpdate, statusOrder, statusUpdateOf } from '../domain/status/status.ts';
import { type Suppression, suppressionOf } from '../domain/status/suppression.ts';
import type { EventRecord, Records } from './ports.ts';

/** An event as it decides a status. */
export interface DecidingEvent {
  event: JsonObject;
  /** Epoch milliseconds. */
  atMs: number;
  eventKey: string;
}

/** Puts back what followed from an event that was stored with other content than Mailgun lists. */
export interface Corrections {
  /** The stored events of the same message and recipient, read strongly. */
  siblings(record: EventRecord): Promise<DecidingEvent[]>;
  /** Overwrites the status; false, and nothing is written, where another event has decided it since `seenOrder`. */
  resetStatus(record: EventRecord, decided: ResetStatus, seenOrder: string | undefined): Promise<boolean>;
  /** Returns the order that decided the status, read strongly; undefined where there is no status. */
  readOrder(record: EventRecord): Promise<string | undefined>;
  /** Removes the suppressions that rest on this event alone, but for those given. */
  withdrawSuppressions(record: EventRecord, kept: readonly Suppression[]): Promise<void>;
  /** Overwrites the stored event; it counts as brought by reconciliation. */
  replaceEvent(record: EventRecord): Promise<void>;
}

export interface ResetStatus extends StatusUpdate {
  order: string;
  atMs: number;
  eventKey: string;
}

/**
 * Puts a stored event right by what Mailgun lists; false where it is not stored. The status is decided again by all
 * events of its message and recipient. The event comes last, so a crash before it leaves it altered, and the next pass
 * of reconciliation sends it again.
 */
export function createCorrect(deps: { records: Records; corrections: Corrections }) {
  const { records, corrections } = deps;
  return async (record: EventRecord): Promise<boolean> => {
    const { eventKey } = record.identity;
    const stored = await corrections.siblings(record);
    if (stored.every((each) => each.eventKey !== eventKey)) return false;
    const events = [
      ...stored.filter((each) => each.eventKey !== eventKey),
      { event: record.event.raw, atMs: record.atMs, eventKey },
    ];
    const decided = events.map(decision).reduce((best, each) => (isHigher(each.order, best.order) ? each : best));
    const seen = await corrections.readOrder(record);
    if (seen !== decided.order && !(await corrections.resetStatus(record, decided, seen))) {
      throw new Error('the status changed while it was corrected');
    }
    const suppression = suppressionOf(record.event);
    await corrections.withdrawSuppressions(record, suppression ? [suppression] : []);
    if (suppression) await records.suppress(record, suppression);
    await corrections.replaceEvent(record);
    return true;
  };
}

function decision({ event, atMs, eventKey }: DecidingEvent): ResetStatus {
  const update = statusUpdateOf(parseEvent(event));
  return { ...update, atMs, eventKey, order: statusOrder(update, atMs, eventKey) };
}
