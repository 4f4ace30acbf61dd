import { type EventIdentity, identify } from '../domain/events/identity.ts';
import type { QueueMessage } from '../domain/events/queue-message.ts';
import type { JsonObject } from '../domain/json.ts';
import { eventSort, statusSort } from '../domain/keys.ts';
import type { RedactedCopies, RedactedCopy } from './ports.ts';

/** Returns where the copies of an event are stored. */
export function copiesOf(event: JsonObject, domain: string, redactedAs: readonly string[]): EventIdentity[] {
  const identity = identify(event, domain);
  return redactedAs.map((recipient) => ({
    ...identity,
    eventSort: eventSort(recipient, identity.eventKey),
    statusSort: statusSort(recipient),
  }));
}

/** Returns the message with the origin of the copy that came first: it is the same event. */
export function withOriginOf(message: QueueMessage, copies: readonly RedactedCopy[]): QueueMessage {
  const [first] = [...copies].sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  if (first === undefined) return message;
  const isByWebhook = copies.some(({ webhookAtMs }) => webhookAtMs !== undefined);
  return { ...message, source: isByWebhook ? 'webhook' : message.source, receivedAt: first.receivedAtMs };
}

/** Merges copies into the event, which is stored by now. Idempotent, wherever it was cut before. */
export async function mergeAll(stored: RedactedCopies, copies: readonly EventIdentity[]): Promise<void> {
  for (const copy of copies) {
    await stored.merge(copy);
    // Strictly afterwards: a repeat that writes a status meanwhile finds the mark, and takes it back itself.
    await stored.dropStatus(copy);
  }
}
