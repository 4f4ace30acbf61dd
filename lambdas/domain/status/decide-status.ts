import { EVENT_TYPES, type Status } from '../event-types.ts';
import { parseEvent } from '../events/mailgun-event.ts';
import type { JsonObject } from '../json.ts';
import { NOT_ABOUT_DELIVERY, type StatusUpdate, statusUpdateOf } from './status-update.ts';

const LAST_MS = 9_999_999_999_999;

/**
 * Returns the join as one string: the greater one decides. Precedence first, then the earlier event, then its key,
 * so the winner is a function of the set of events and one conditional update can compare it.
 */
export function statusOrder(update: StatusUpdate, timeMs: number, eventKey: string): string {
  const earliness = String(LAST_MS - timeMs).padStart(13, '0');
  return `${String(update.precedence).padStart(2, '0')}#${earliness}#${eventKey}`;
}

/** The facts encoded in a status order. */
interface ReadOrder {
  /** null for an event that is not about delivery. */
  readonly status: Status | null;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly eventKey: string;
}

/** Parses a status order. */
export function readOrder(order: string): ReadOrder {
  const [precedence, earliness] = order.split('#', 2).map(Number);
  return { status: statusOf(precedence), atMs: LAST_MS - (earliness ?? 0), eventKey: eventKeyInOrder(order) };
}

/** Returns the status that events of a precedence decide: stored statuses name their precedence alone. */
const statusOf = (precedence: number | undefined): Status | null =>
  Object.values(EVENT_TYPES).find((type) => type.precedence === precedence)?.status ?? null;

/** Returns the key of the event in a status order. */
export function eventKeyInOrder(order: string): string {
  return /^\d+#\d+#(.*)$/s.exec(order)?.[1] ?? '';
}

/** Returns true where an order decides against the stored one, if any: by bytes, as the table compares. */
export function isHigher(order: string, stored = ''): boolean {
  return Buffer.compare(Buffer.from(order), Buffer.from(stored)) > 0;
}

/** An event as it decides a status. */
export interface DecidingEvent {
  event: JsonObject;
  /** Epoch milliseconds. */
  atMs: number;
  eventKey: string;
  /** When an operator discarded its effect. */
  distrustedAtMs?: number | undefined;
}

export interface DecidedStatus extends StatusUpdate {
  order: string;
  atMs: number;
  eventKey: string;
}

/** Returns what one event decides: a distrusted one nothing, as if it were not about delivery. */
function decisionOf({ event, atMs, eventKey, distrustedAtMs }: DecidingEvent): DecidedStatus {
  const update = distrustedAtMs === undefined ? statusUpdateOf(parseEvent(event)) : NOT_ABOUT_DELIVERY;
  return { ...update, atMs, eventKey, order: statusOrder(update, atMs, eventKey) };
}

/** Returns false for a correction of what has no status by what decides none: an unsubscribe alone, for example. */
export const concernsStatus = (seenOrder: string, { status }: DecidedStatus): boolean =>
  status !== null || readOrder(seenOrder).status !== null;

/** Returns what the events of a message and recipient decide together; undefined where there are none. */
export function decideStatus(events: readonly DecidingEvent[]): DecidedStatus | undefined {
  const [first, ...others] = events.map(decisionOf);
  return first && others.reduce((best, each) => (isHigher(each.order, best.order) ? each : best), first);
}
