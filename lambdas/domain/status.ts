import type { JsonObject } from './canonical.ts';
import { deliveryCode, eventName, textAt } from './event.ts';
import { type EventType, eventTypeOf, type Status } from './event-types.ts';

/** What one event says about a message and recipient; the highest precedence decides. */
export interface StatusUpdate {
  precedence: number;
  /** null where the event says nothing about delivery. */
  status: Status | null;
  /** Why it failed; null for every other status. */
  reason: string | null;
}

const SUPPRESSED_CODES = new Set([605, 606, 607]);

function typeOf(event: JsonObject): EventType {
  return eventTypeOf(eventName(event), textAt(event, 'severity')?.toLowerCase());
}

/** Returns what the event says about the status of its message and recipient. */
export function statusUpdateOf(event: JsonObject): StatusUpdate {
  const { event: name, precedence, status } = typeOf(event);
  const reason = status === 'FAILED' ? (name === 'failed' ? failureReason(event) : name) : null;
  return { precedence, status, reason };
}

/** Returns true where the status is mostly decided already when such an event comes in. */
export function rarelyChangesStatus(event: JsonObject): boolean {
  return typeOf(event).rarelyChangesStatus;
}

/** Returns true only for a severity that says so: an unknown one must not condemn an address. */
export function isPermanent(event: JsonObject): boolean {
  return textAt(event, 'severity')?.toLowerCase() === 'permanent';
}

function failureReason(event: JsonObject): string {
  const reason = textAt(event, 'reason')?.toLowerCase() ?? 'unknown';
  const code = deliveryCode(event);
  const suppressed = reason.startsWith('suppress-') || (code !== undefined && SUPPRESSED_CODES.has(code));
  return suppressed ? 'suppressed' : reason;
}

const LAST_MS = 9_999_999_999_999;

/**
 * Returns the join as one string: the greater one decides. Precedence first, then the earlier event, then its key,
 * so the winner is a function of the set of events and one conditional update can compare it.
 */
export function statusOrder(update: StatusUpdate, timeMs: number, eventKey: string): string {
  const earliness = String(LAST_MS - timeMs).padStart(13, '0');
  return `${String(update.precedence).padStart(2, '0')}#${earliness}#${eventKey}`;
}

/** Returns true where an order decides against the stored one, if any: by bytes, as the table compares. */
export function isHigher(order: string, stored = ''): boolean {
  return Buffer.compare(Buffer.from(order), Buffer.from(stored)) > 0;
}

/** Returns the name of the event in a message's history. */
export function historyName(event: JsonObject): string {
  return typeOf(event).historyName;
}
