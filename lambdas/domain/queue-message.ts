import { asciiJson, isObject, type JsonObject } from './canonical.ts';

/** Who brought an event in. */
export type Source = 'webhook' | 'reconcile';

/** An event on its way from ingest or reconcile to process. */
export interface QueueMessage {
  source: Source;
  /** Epoch milliseconds at which it came in. */
  receivedAt: number;
  domain: string;
  event: JsonObject;
}

/** Raise it when the format changes; a reader takes this version and the one before. */
export const QUEUE_MESSAGE_VERSION = 1;

export type DecodedQueueMessage =
  | { ok: true; message: QueueMessage }
  | { ok: false; reason: 'not-json' | 'unknown-version' | 'malformed-message' };

/** The message as ASCII JSON. */
export function encodeQueueMessage(message: QueueMessage): string {
  return asciiJson({ v: QUEUE_MESSAGE_VERSION, ...message });
}

/** Reads a message body; a reason where no version of ours wrote it. */
export function decodeQueueMessage(body: string): DecodedQueueMessage {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { ok: false, reason: 'not-json' };
  }
  if (!isObject(parsed)) return { ok: false, reason: 'malformed-message' };
  if (parsed.v !== QUEUE_MESSAGE_VERSION) return { ok: false, reason: 'unknown-version' };
  const { source, receivedAt, domain, event } = parsed;
  const known = source === 'webhook' || source === 'reconcile';
  if (!known || !Number.isSafeInteger(receivedAt) || typeof domain !== 'string' || !isObject(event)) {
    return { ok: false, reason: 'malformed-message' };
  }
  return { ok: true, message: { source, receivedAt: receivedAt as number, domain, event } };
}
