import type { JsonObject } from '../canonical.ts';
import { EVENT_TYPES, eventTypeOf, typeIdsOf } from '../event-types.ts';
import { eventName, textAt } from '../events/event.ts';

/**
 * Whether one of the registered webhook types should bring this event. A failure of unknown severity counts
 * where either kind of failure is registered; all other types can only be polled.
 */
export function isExpectedByWebhook(event: JsonObject, registered: readonly string[]): boolean {
  const types = typeIdsOf(eventName(event), textAt(event, 'severity')?.toLowerCase());
  return types.some((type) => EVENT_TYPES[type].hasWebhook && registered.includes(type));
}

/** Mailgun never repeats a `delivered` webhook; every other it retries for hours. */
export function isNeverRetried(event: JsonObject): boolean {
  return !eventTypeOf(eventName(event), undefined).isRetried;
}
