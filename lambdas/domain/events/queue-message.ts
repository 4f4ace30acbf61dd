import { createHash } from 'node:crypto';
import { asciiJson, isObject, type JsonObject } from '../json.ts';

/** The source of an event. */
export type Source = 'webhook' | 'reconcile';

/** Facts that the archive holds with an event. */
export interface RestoredFacts {
  /** Epoch milliseconds at which it happened, which a tombstone does not hold. */
  atMs: number;
  byWebhook: boolean;
  /** Epoch milliseconds since when it was known that Mailgun does not list it. */
  unconfirmedSince?: number;
  /** Key that an erased recipient has in place of the address: the event is a tombstone. */
  erasedAs?: string;
}

/** An event on its way from ingest or reconcile to process. */
export interface QueueMessage {
  source: Source;
  /** Epoch milliseconds at which it was received. */
  receivedAt: number;
  domain: string;
  event: JsonObject;
  /** Mailgun lists this event with other content than the stored one, which it replaces. */
  corrects?: boolean | undefined;
  /** Keys of the recipients under which redacted copies of this event are stored, which it replaces. */
  redactedAs?: string[] | undefined;
  /** It was stored before and comes back from the archive: it is not new, and what has expired of it is not stored. */
  restored?: RestoredFacts | undefined;
}

/**
 * A reader takes this version alone. Before raising it, teach readers the new one too, for queue and DLQ hold messages of
 * the old one for days.
 */
export const QUEUE_MESSAGE_VERSION = 1;

/** The form of a message group id of SQS. */
const GROUP = /^[\x21-\x7e]{1,128}$/;

/** The group of messages that an operator sends back from a DLQ. */
export const REDRIVE_GROUP = 'redrive';

/**
 * Returns the group of a message. SQS's fair queues share consumers out between groups: a burst of one domain, or
 * of what reconciliation or a replay brings in, does not delay the webhooks of another.
 */
export function messageGroupOf({ source, domain }: Pick<QueueMessage, 'source' | 'domain'>, isReplay = false): string {
  const group = source === 'webhook' ? domain : `${isReplay ? 'replay' : 'reconcile'}#${domain}`;
  return GROUP.test(group) ? group : createHash('sha256').update(group).digest('hex');
}

type DecodedQueueMessage = { ok: true; message: QueueMessage } | { ok: false; reason: UnreadableReason; where: string };

/** `where` names a place in the body, never its content. */
type UnreadableReason = (typeof UNREADABLE_REASONS)[number];

export const UNREADABLE_REASONS = ['not-json', 'unknown-version', 'malformed-message'] as const;

/** Returns the message as ASCII JSON. */
export function encodeQueueMessage(message: QueueMessage): string {
  return asciiJson({ v: QUEUE_MESSAGE_VERSION, ...message });
}

/** Parses a message body; for a body that no version of ours wrote, returns the reason and, if known, the field. */
export function decodeQueueMessage(body: string): DecodedQueueMessage {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    // The parser's own message quotes the text.
    const position = / at position (\d+)/.exec((error as Error).message)?.[1];
    return { ok: false, reason: 'not-json', where: position === undefined ? 'body' : `character ${position}` };
  }
  if (!isObject(parsed)) return { ok: false, reason: 'malformed-message', where: 'body' };
  if (parsed.v !== QUEUE_MESSAGE_VERSION) return { ok: false, reason: 'unknown-version', where: 'v' };
  const { source, receivedAt, domain, event, corrects, redactedAs, restored } = parsed;
  const malformed = (where: string) => ({ ok: false, reason: 'malformed-message', where }) as const;
  if (source !== 'webhook' && source !== 'reconcile') return malformed('source');
  if (!Number.isSafeInteger(receivedAt)) return malformed('receivedAt');
  if (typeof domain !== 'string') return malformed('domain');
  if (!isObject(event)) return malformed('event');
  if (redactedAs !== undefined && !isTexts(redactedAs)) return malformed('redactedAs');
  if (restored !== undefined && !isRestoredFacts(restored)) return malformed('restored');
  const message: QueueMessage = { source, receivedAt: receivedAt as number, domain, event };
  return {
    ok: true,
    message: {
      ...message,
      ...(corrects === true && { corrects }),
      ...(redactedAs && { redactedAs }),
      ...(restored && { restored }),
    },
  };
}

function isRestoredFacts(value: unknown): value is RestoredFacts {
  if (!isObject(value) || typeof value.byWebhook !== 'boolean' || !Number.isSafeInteger(value.atMs)) return false;
  const { unconfirmedSince, erasedAs } = value;
  if (erasedAs !== undefined && typeof erasedAs !== 'string') return false;
  return unconfirmedSince === undefined || Number.isSafeInteger(unconfirmedSince);
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');
