import type { EventEntry } from '../../api/responses/events.ts';
import type { Json, JsonObject } from '../domain/canonical.ts';
import { eventName, messageIdOf, recipientOf, textAt, valueAt } from '../domain/event.ts';
import type { StoredEvent } from '../domain/read-ports.ts';
import { historyName } from '../domain/status.ts';

/** What Mailgun sends in place of user variables that it could not keep. */
const LOST_VARIABLES = /^Could not load user-variables/i;

/** An event by the read API's contract. */
export function eventEntry({ eventKey, domain, event, source, receivedAtMs, atMs }: StoredEvent): EventEntry {
  const raw = (...path: string[]): Json => valueAt(event, ...path) ?? null;
  const tags = raw('tags');
  return {
    key: eventKey,
    event: eventName(event),
    name: historyName(event) as EventEntry['name'],
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
    deliveryStatus: raw('delivery-status'),
    url: raw('url'),
  };
}

function variablesNote(event: JsonObject): 'lost-by-mailgun' | null {
  return LOST_VARIABLES.test(textAt(event, 'user-variables') ?? '') ? 'lost-by-mailgun' : null;
}

/** Mail clients' proxies and scanners open and click too; Mailgun marks them in `client-info.bot`. */
export function isMachine(event: JsonObject): boolean {
  return textAt(event, 'client-info', 'bot') !== undefined;
}
