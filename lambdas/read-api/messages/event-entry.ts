import type { EventEntry } from '../../../api/responses/events.ts';
import { eventDetails, fieldsAsSent } from '../../domain/events/event-details.ts';
import { parseEvent } from '../../domain/events/mailgun-event.ts';
import { isObject, type Json } from '../../domain/json.ts';
import { failureClassOf } from '../../domain/status/classify-failure.ts';
import type { StoredEvent } from '../ports.ts';

/** Returns an event in the read API's format. */
export function eventEntry({
  eventKey,
  domain,
  event,
  source,
  receivedAtMs,
  atMs,
  unconfirmedSinceMs,
}: StoredEvent): EventEntry {
  const { tags, deliveryStatus, ...sent } = fieldsAsSent(event);
  const parsed = parseEvent(event);
  return {
    key: eventKey,
    event: parsed.name,
    name: parsed.type.historyName,
    messageId: parsed.messageId ?? null,
    domain,
    recipient: parsed.recipient ?? null,
    timestamp: atMs / 1000,
    receivedAt: new Date(receivedAtMs).toISOString(),
    source,
    ...sent,
    failureClass: failureClassOf(parsed),
    tags: tags ?? [],
    deliveryStatus: orNull(deliveryStatus),
    testMode: parsed.isTestMode,
    direction: parsed.isInbound ? 'inbound' : 'outbound',
    unconfirmed: unconfirmedSinceMs !== undefined,
    confirmed: false,
    details: eventDetails(event),
  };
}

/** Returns null for an empty object, as in legacy events that report no delivery. */
const orNull = (value: Json) => (isObject(value) && Object.keys(value).length === 0 ? null : value);
