import type { EventEntry } from '../../../api/responses/events.ts';
import { textAt, valueAt } from '../../domain/events/event.ts';
import { eventDetails } from '../../domain/events/event-details.ts';
import { parseEvent } from '../../domain/events/mailgun-event.ts';
import { isObject, type Json, type JsonObject } from '../../domain/json.ts';
import { failureClassOf } from '../../domain/status/classify-failure.ts';
import type { StoredEvent } from '../ports.ts';

/** Mailgun's text in place of user variables that it could not keep. */
const LOST_VARIABLES = /^Could not load user-variables/i;

/** An event by the read API's contract. */
export function eventEntry({
  eventKey,
  domain,
  event,
  source,
  receivedAtMs,
  atMs,
  unconfirmedSinceMs,
}: StoredEvent): EventEntry {
  const raw = (...path: string[]): Json => valueAt(event, ...path) ?? null;
  const tags = raw('tags');
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
    severity: raw('severity'),
    reason: raw('reason'),
    failureClass: failureClassOf(parsed),
    tags: Array.isArray(tags) ? tags : [],
    userVariables: raw('user-variables'),
    userVariablesNote: variablesNote(event),
    deliveryStatus: orNull(raw('delivery-status')),
    url: raw('url'),
    testMode: parsed.isTestMode,
    direction: parsed.isInbound ? 'inbound' : 'outbound',
    unconfirmed: unconfirmedSinceMs !== undefined,
    details: eventDetails(event),
  };
}

function variablesNote(event: JsonObject): 'lost-by-mailgun' | null {
  return LOST_VARIABLES.test(textAt(event, 'user-variables') ?? '') ? 'lost-by-mailgun' : null;
}

/** Legacy events that report no delivery have an empty one. */
const orNull = (value: Json) => (isObject(value) && Object.keys(value).length === 0 ? null : value);
