import { EVENT_TYPES, eventTypeOf, typeIdsOf } from '../event-types.ts';
import { eventName, textAt } from '../events/event.ts';
import { isInbound, recipientOf } from '../events/mailgun-event.ts';
import type { JsonObject } from '../json.ts';

/**
 * Returns whether one of the registered webhook types should bring this event. A failure of unknown severity counts
 * where either kind of failure is registered; all other types can only be polled.
 */
export function isExpectedByWebhook(event: JsonObject, registered: readonly string[]): boolean {
  const types = typeIdsOf(eventName(event), textAt(event, 'severity')?.toLowerCase());
  return types.some((type) => EVENT_TYPES[type].hasWebhook && registered.includes(type));
}

/**
 * Returns the kind of an event that Mailgun lists, and perhaps never posts: of mail that it routes on, by the webhook
 * type, or by the event's name where that is not one; or the `accepted` of a batch as a whole, which has no recipient.
 * Undefined for every other event.
 */
export function doubtfulKindOf(event: JsonObject): string | undefined {
  const name = eventName(event);
  if (isInbound(event)) {
    const [type, ...others] = typeIdsOf(name, textAt(event, 'severity')?.toLowerCase());
    return `routed-${type === undefined || others.length > 0 ? name : type}`;
  }
  return name === 'accepted' && recipientOf(event) === undefined ? 'batch-accepted' : undefined;
}

/** Mailgun never repeats a `delivered` webhook; every other it retries for hours. */
export function isNeverRetried(event: JsonObject): boolean {
  return !eventTypeOf(eventName(event), undefined).isRetried;
}
