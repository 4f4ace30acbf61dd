import type { Json, JsonObject } from '../domain/canonical.ts';
import { recipientOf, textAt, valueAt } from '../domain/event.ts';
import type { MessageHistory, StoredEvent, StoredStatus } from '../domain/ports.ts';
import { historyName } from '../domain/status.ts';

/** A message's history by the read API's contract; undefined where nothing is stored of it. */
export function createMessages(history: MessageHistory) {
  return async (messageId: string) => {
    const { statuses, events } = await history.read(messageId);
    if (statuses.length === 0 && events.length === 0) return undefined;
    const ordered = events.toSorted((a, b) => a.atMs - b.atMs || (a.eventKey < b.eventKey ? -1 : 1));
    return {
      messageId,
      recipients: statuses.map((status) => recipientEntry(status, ordered)),
      events: ordered.map(eventEntry),
      next: null,
    };
  };
}

function recipientEntry(status: StoredStatus, events: StoredEvent[]) {
  const own = events.filter(({ event }) => isFor(event, status.recipient));
  const count = (name: string, byMachine: boolean) =>
    own.filter(({ event }) => textAt(event, 'event')?.toLowerCase() === name && isMachine(event) === byMachine).length;
  return {
    recipient: status.recipient,
    status: status.status,
    reason: status.reason,
    statusAt: status.statusAtMs / 1000,
    decidedBy: status.decidedBy,
    source: own.find(({ eventKey }) => eventKey === status.decidedBy)?.source ?? null,
    opens: count('opened', false),
    clicks: count('clicked', false),
    machineOpens: count('opened', true),
    machineClicks: count('clicked', true),
    unsubscribed: own.some(({ event }) => historyName(event) === 'EMAIL_UNSUBSCRIBED'),
  };
}

function isFor(event: JsonObject, recipient: string): boolean {
  return (recipientOf(event) ?? '').toLowerCase() === recipient.toLowerCase();
}

/** Mail clients' proxies and scanners open and click too; Mailgun marks them in `client-info.bot`. */
function isMachine(event: JsonObject): boolean {
  return textAt(event, 'client-info', 'bot') !== undefined;
}

function eventEntry({ eventKey, event, source, receivedAtMs, atMs }: StoredEvent) {
  const raw = (...path: string[]): Json => valueAt(event, ...path) ?? null;
  return {
    key: eventKey,
    event: textAt(event, 'event')?.toLowerCase() ?? '',
    name: historyName(event),
    recipient: recipientOf(event) ?? null,
    timestamp: atMs / 1000,
    receivedAt: new Date(receivedAtMs).toISOString(),
    source,
    severity: raw('severity'),
    reason: raw('reason'),
    tags: Array.isArray(raw('tags')) ? raw('tags') : [],
    userVariables: raw('user-variables'),
    deliveryStatus: raw('delivery-status'),
    url: raw('url'),
  };
}
