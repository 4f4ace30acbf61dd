import type { EventEntry } from '../../api/responses/events.ts';
import { isObject, type Json, type JsonObject } from '../domain/canonical.ts';
import { eventName, messageIdOf, recipientOf, textAt, valueAt } from '../domain/event.ts';
import type { StoredEvent } from '../domain/read-ports.ts';
import { historyName } from '../domain/status.ts';
import { directionOf, eventDetails, isTestMode } from './event-details.ts';

/** What Mailgun sends in place of user variables that it could not keep. */
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
  return {
    key: eventKey,
    event: eventName(event),
    name: historyName(event),
    messageId: messageIdOf(event) ?? null,
    domain,
    recipient: recipientOf(event) ?? null,
    timestamp: atMs / 1000,
    receivedAt: new Date(receivedAtMs).toISOString(),
    source,
    severity: raw('severity'),
    reason: raw('reason'),
    tags: Array.isArray(tags) ? tags : [],
    userVariables: raw('user-variables'),
    userVariablesNote: variablesNote(event),
    deliveryStatus: orNull(raw('delivery-status')),
    url: raw('url'),
    testMode: isTestMode(event),
    direction: directionOf(event),
    unconfirmed: unconfirmedSinceMs !== undefined,
    details: eventDetails(event),
  };
}

function variablesNote(event: JsonObject): 'lost-by-mailgun' | null {
  return LOST_VARIABLES.test(textAt(event, 'user-variables') ?? '') ? 'lost-by-mailgun' : null;
}

/** Legacy events that report no delivery have an empty one. */
const orNull = (value: Json) => (isObject(value) && Object.keys(value).length === 0 ? null : value);

/** What has been seen in `client-info.bot` for a person. */
const NO_BOT: readonly Json[] = [null, false, '', 'no', 'false', 'none'];

/** Mail clients' proxies and scanners open and click too; Mailgun names them in `client-info.bot`. */
export function isMachine(event: JsonObject): boolean {
  const bot = valueAt(event, 'client-info', 'bot') ?? null;
  return !NO_BOT.includes(typeof bot === 'string' ? bot.trim().toLowerCase() : bot);
}
