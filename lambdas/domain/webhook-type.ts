import type { JsonObject } from './canonical.ts';
import { eventName, textAt } from './event.ts';

/** Names of events that Mailgun delivers under a webhook of the same name. */
const SAME_NAME = ['accepted', 'delivered', 'opened', 'clicked', 'unsubscribed', 'complained'];

/**
 * Whether one of the registered webhook types should bring this event. A failure of unknown severity counts
 * where either kind of failure is registered; all other types can only be polled.
 */
export function isExpectedByWebhook(event: JsonObject, registered: readonly string[]): boolean {
  const name = eventName(event);
  if (name !== 'failed') return SAME_NAME.includes(name) && registered.includes(name);
  const severity = textAt(event, 'severity')?.toLowerCase();
  const types = ['permanent', 'temporary'].filter(
    (kind) => (severity !== 'permanent' && severity !== 'temporary') || severity === kind,
  );
  return types.some((kind) => registered.includes(`${kind}_fail`));
}

/** Mailgun never repeats a `delivered` webhook; every other it retries for hours. */
export function isNeverRetried(event: JsonObject): boolean {
  return eventName(event) === 'delivered';
}
