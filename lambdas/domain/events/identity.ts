import { createHash } from 'node:crypto';
import type { JsonObject } from '../json.ts';
import { eventKeyOf, eventSort, messagePartition, noMessagePartition, recipientKey, statusSort } from '../keys.ts';
import { eventId, eventName, eventTimeMs, messageIdOf } from './event.ts';
import { textAt } from './json-path.ts';
import { recipientOf } from './mailgun-event.ts';

/** Where an event is stored, and its public name. */
export interface EventIdentity {
  partition: string;
  /** Sort key of the event item. */
  eventSort: string;
  /** Sort key of the status that the event may decide. */
  statusSort: string;
  /** `<name>#<id>`, as shown by the read API. */
  eventKey: string;
}

/**
 * Returns the event's identity. Mailgun's id is unique only within a day, which suffices within one message; without a
 * message, the day becomes part of the partition. An event without id is named by a hash of its content.
 */
export function identify(event: JsonObject, domain: string): EventIdentity {
  const messageId = messageIdOf(event);
  const recipient = recipientKey(recipientOf(event) ?? '');
  const eventKey = eventKeyOf(eventName(event), eventId(event) ?? contentId(event));
  return {
    partition: messageId === undefined ? noMessagePartition(domain, eventTimeMs(event)) : messagePartition(messageId),
    eventSort: eventSort(recipient, eventKey),
    statusSort: statusSort(recipient),
    eventKey,
  };
}

function contentId(event: JsonObject): string {
  const timeMs = eventTimeMs(event);
  const second = timeMs === undefined ? '' : Math.floor(timeMs / 1000);
  return createHash('sha256')
    .update(JSON.stringify([eventName(event), second, textAt(event, 'url') ?? '']))
    .digest('hex')
    .slice(0, 32);
}
