import { EVENT_TYPES, eventTypeOf, typeIdsOf } from '../event-types.ts';
import type { MailgunEvent } from '../events/mailgun-event.ts';

/**
 * Returns true if one of the registered webhook types should bring this event. A failure of unknown severity counts
 * where either kind of failure is registered; all other types can only be polled.
 */
export function isExpectedByWebhook({ name, severity }: MailgunEvent, registered: readonly string[]): boolean {
  const types = typeIdsOf(name, severity);
  return types.some((type) => EVENT_TYPES[type].hasWebhook && registered.includes(type));
}

/**
 * Returns the kind of an event that Mailgun lists, and perhaps never posts: of mail that it routes on, by the webhook
 * type, or by the event's name where that is not one; or the `accepted` of a batch as a whole, which has no recipient.
 * Undefined for every other event.
 */
export function doubtfulKindOf({ name, severity, recipient, isInbound }: MailgunEvent): string | undefined {
  if (isInbound) {
    const [type, ...others] = typeIdsOf(name, severity);
    return `routed-${type === undefined || others.length > 0 ? name : type}`;
  }
  return name === 'accepted' && recipient === undefined ? 'batch-accepted' : undefined;
}

/** Returns true for `delivered`, whose webhook Mailgun never retries; all others are retried for hours. */
export function isNeverRetried({ name }: MailgunEvent): boolean {
  return !eventTypeOf(name, undefined).isRetried;
}
