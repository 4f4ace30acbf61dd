import type { JsonObject } from './canonical.ts';
import { eventName } from './event.ts';
import { EVENT_TYPES } from './event-types.ts';
import { parseEvent } from './mailgun-event.ts';
import { statusUpdateOf } from './status.ts';
import { suppressionOf } from './suppression.ts';

/** Names of events whose content, and not their name alone, decides a status or a suppression. */
const DECIDED_BY_CONTENT: readonly string[] = [
  EVENT_TYPES.permanent_fail.event,
  EVENT_TYPES.rejected.event,
  EVENT_TYPES.unsubscribed.event,
];

/** Returns true where two events of this name may differ in what follows from them. */
export function isDecidedByContent(event: JsonObject): boolean {
  return DECIDED_BY_CONTENT.includes(eventName(event));
}

/** Returns what follows from an event for its message and its recipient, as one comparable text. */
export function decidingFacts(event: JsonObject): string {
  const parsed = parseEvent(event);
  return JSON.stringify([statusUpdateOf(parsed), suppressionOf(parsed) ?? null]);
}
