import type { JsonObject } from '../canonical.ts';
import { parseEvent } from '../events/mailgun-event.ts';
import { isHigher, type StatusUpdate, statusOrder, statusUpdateOf } from './status.ts';

/** An event as it decides a status. */
export interface DecidingEvent {
  event: JsonObject;
  /** Epoch milliseconds. */
  atMs: number;
  eventKey: string;
  /** When it was found that Mailgun does not list it. */
  unconfirmedSinceMs?: number | undefined;
}

export interface DecidedStatus extends StatusUpdate {
  order: string;
  atMs: number;
  eventKey: string;
}

/** Returns what one event decides. */
function decisionOf({ event, atMs, eventKey }: DecidingEvent): DecidedStatus {
  return decided(statusUpdateOf(parseEvent(event)), atMs, eventKey);
}

/** Returns what the events of a message and recipient decide together; undefined where there are none. */
export function decideStatus(events: readonly DecidingEvent[]): DecidedStatus | undefined {
  return highest(events.map(decisionOf));
}

/** Returns the same where the events that Mailgun never listed say nothing about delivery. */
export function decideByConfirmed(events: readonly DecidingEvent[]): DecidedStatus | undefined {
  return highest(
    events.map((each) => (each.unconfirmedSinceMs === undefined ? decisionOf(each) : withoutEffect(each))),
  );
}

const withoutEffect = ({ atMs, eventKey }: DecidingEvent) =>
  decided({ precedence: 0, status: null, reason: null }, atMs, eventKey);

const decided = (update: StatusUpdate, atMs: number, eventKey: string): DecidedStatus => ({
  ...update,
  ...{ atMs, eventKey, order: statusOrder(update, atMs, eventKey) },
});

function highest([first, ...others]: readonly DecidedStatus[]): DecidedStatus | undefined {
  return first && others.reduce((best, each) => (isHigher(each.order, best.order) ? each : best), first);
}
