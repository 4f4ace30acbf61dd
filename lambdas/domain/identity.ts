import { createHash } from 'node:crypto';
import type { JsonObject } from './canonical.ts';
import { eventName, eventTimeMs, messageIdOf, recipientOf, textAt } from './event.ts';

const MAX_KEY_PART_BYTES = 200;

/** Where an event is stored, and what it is called outside. */
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
 * A text as part of a key: `-` where it is empty, its hash where it is too long for a key,
 * holds the separator, or would not survive UTF-8.
 */
export function keyPart(text: string): string {
  if (text === '') return '-';
  const fits = Buffer.byteLength(text) <= MAX_KEY_PART_BYTES && !text.includes('#') && text.isWellFormed();
  return fits ? text : `sha256:${createHash('sha256').update(text, 'utf16le').digest('hex')}`;
}

/** Partition of all that belongs to a message. */
export function messagePartition(messageId: string): string {
  return `MSG#${keyPart(messageId)}`;
}

/** The message id that a partition is named after; undefined where only the events know it, or nothing does. */
export function messageIdInPartition(partition: string): string | undefined {
  const [kind, text] = partition.split('#');
  return kind === 'MSG' && text !== undefined && !/^sha256:[0-9a-f]{64}$/.test(text) ? text : undefined;
}

/** Key of a recipient, whatever its case. */
export function recipientKey(recipient: string): string {
  return keyPart(recipient.toLowerCase());
}

/** Partition of all suppressions of a recipient. */
export function suppressionPartition(recipient: string): string {
  return `SUP#${recipientKey(recipient)}`;
}

/** Day of a time in epoch milliseconds, as `YYYY-MM-DD` in UTC. */
export function utcDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/**
 * The event's identity. Mailgun's id is unique within a day only, but inside one message that is enough;
 * without a message the day becomes part of the partition. An event without id is named by what it says.
 */
export function identify(event: JsonObject, domain: string): EventIdentity {
  const messageId = messageIdOf(event);
  const timeMs = eventTimeMs(event);
  const name = keyPart(eventName(event));
  const id = keyPart(textAt(event, 'id') ?? contentId(event));
  const recipient = recipientKey(recipientOf(event) ?? '');
  const day = timeMs === undefined ? '-' : utcDay(timeMs);
  return {
    partition: messageId === undefined ? `NOMSG#${keyPart(domain)}#${day}` : messagePartition(messageId),
    eventSort: `${eventSortPrefix(recipient)}${name}#${id}`,
    statusSort: statusSortOf(recipient),
    eventKey: `${name}#${id}`,
  };
}

/** What a sort key of a message's partition says; the event key is absent in that of a status. */
export function readSort(sort: string): { recipientKey: string; eventKey?: string } {
  const [, recipientKey = '', kind, name = '', id = ''] = sort.split('#');
  return kind === 'E' ? { recipientKey, eventKey: `${name}#${id}` } : { recipientKey };
}

/** Sort keys of a recipient's status, and of its events of one name or of all, up to their id. */
export const statusSortOf = (recipient: string) => `R#${recipient}#STATUS`;
export const eventSortPrefix = (recipient: string, name?: string) =>
  `R#${recipient}#E#${name === undefined ? '' : `${keyPart(name)}#`}`;

function contentId(event: JsonObject): string {
  const timeMs = eventTimeMs(event);
  const second = timeMs === undefined ? '' : Math.floor(timeMs / 1000);
  return createHash('sha256')
    .update(JSON.stringify([eventName(event), second, textAt(event, 'url') ?? '']))
    .digest('hex')
    .slice(0, 32);
}
