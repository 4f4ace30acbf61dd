import { asciiJson, isObject, type JsonObject } from '../json.ts';
import { isOf, withoutAddress } from '../recipients/erasure.ts';
import { DELIVERED_TYPES } from './receiver-filter.ts';
import { isAcknowledgement, nextAttemptAt, type RetrySchedule } from './retry-schedule.ts';

/** One publication of an event to one receiver; two with the same id are the same change, published twice. */
export interface DeliveryName {
  receiver: string;
  /** Epoch seconds, as the bus's envelope has them. */
  publishedAt: number;
  /** The idempotency key of the event. */
  id: string;
}

/** One request to a receiver. Without a status there was no response, and `error` has the reason. */
export interface Attempt {
  /** Epoch milliseconds. */
  at: number;
  ms: number;
  status?: number | undefined;
  error?: string | undefined;
}

/** `published`: no attempt yet; `waiting`: the next attempt is planned; `dead`: in the DLQ, or on its way there. */
export type DeliveryState = 'published' | 'waiting' | 'acknowledged' | 'dead';

/** Returns true where a question for one state includes another: what waits is to be attempted, first or again. */
export const isInState = (wanted: DeliveryState, state: DeliveryState): boolean =>
  state === wanted || (wanted === 'waiting' && state === 'published');

/** A delivery as the delivery log holds it. */
export interface Delivery {
  state: DeliveryState;
  /** Raised by every write, for optimistic locking. */
  version: number;
  attempts: readonly Attempt[];
  /** Epoch milliseconds of the write that made it acknowledged or dead. */
  settledAt?: number | undefined;
  /** Epoch milliseconds before which no attempt is made. */
  nextAt?: number | undefined;
}

/** A delivery with what it delivers, as the log has it. */
export interface LoggedDelivery extends Delivery {
  name: DeliveryName;
  detailType: string;
  /** The published event, without an address. */
  detail: JsonObject;
  /** The beginning of the last response, where it was no acknowledgement. */
  response: string | undefined;
}

/** An event on its way to a receiver, as its queue holds it. */
export interface QueuedEvent {
  detailType: string;
  publishedAt: number;
  detail: JsonObject & { id: string };
  /** Epoch milliseconds at which an operator requested it again; 0 if the bus sent it. */
  requestedAt: number;
}

/** Detail type of what `receivers test` sends. */
export const TEST_DETAIL_TYPE = 'ReceiverTest';

const TYPES = new Map<string, string>([
  ...Object.entries(DELIVERED_TYPES).map(([type, detailType]) => [detailType, type] as const),
  [TEST_DETAIL_TYPE, 'receiver.test'],
]);

/** Returns the type of a delivery as receivers get it. */
export const deliveredType = (detailType: string): string => TYPES.get(detailType) ?? detailType;

/**
 * Returns the event in a message of a receiver's queue, or the reason why it holds none. The operator's clock may be
 * wrong, so where `sentAt` says when the queue took the message, a request is of that time; a copy keeps its own.
 */
export function parseQueuedEvent(body: string, sentAt?: number): QueuedEvent | string {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return 'not-json';
  }
  if (!isObject(message)) return 'not-an-event';
  const { 'detail-type': detailType, time, detail, requestedAt: requested = 0, isCopy } = message;
  if (typeof detailType !== 'string' || !TYPES.has(detailType)) return 'unknown-type';
  if (!isObject(detail) || typeof detail.id !== 'string' || detail.id === '') return 'no-id';
  const publishedAt = typeof time === 'string' ? Math.floor(Date.parse(time) / 1000) : Number.NaN;
  if (!Number.isFinite(publishedAt)) return 'no-time';
  if (typeof requested !== 'number') return 'no-time';
  const requestedAt = requested > 0 && isCopy !== true ? (sentAt ?? requested) : requested;
  return { detailType, publishedAt, detail: detail as QueuedEvent['detail'], requestedAt };
}

/**
 * Returns the message by which an operator has an event delivered. `isCopy`: deliver writes it in place of one that it
 * received, so `requestedAt` is by the queue's clock already.
 */
export function encodeQueuedEvent(event: QueuedEvent, isCopy = false): string {
  const { detailType, publishedAt, detail, requestedAt } = event;
  return asciiJson({
    'detail-type': detailType,
    time: new Date(publishedAt * 1000).toISOString(),
    detail,
    ...(requestedAt > 0 && { requestedAt, ...(isCopy && { isCopy }) }),
  });
}

/** Returns the event as it is kept once it must not name this address; the same object where it does not. */
export function eventWithoutAddress(event: QueuedEvent, address: string): QueuedEvent {
  // The delivery is identified by this id.
  const { id, recipient, ...rest } = event.detail;
  const isTheirs = typeof recipient === 'string' && isOf(recipient, address);
  const cleaned = withoutAddress(rest as JsonObject, address);
  if (!isTheirs && cleaned === rest) return event;
  return { ...event, detail: { id, ...cleaned, ...(!isTheirs && recipient !== undefined && { recipient }) } };
}

/** Returns the body of the request; ASCII, so that every library signs the same bytes. */
export function deliveryBody({ detailType, publishedAt, detail: data }: QueuedEvent): string {
  return asciiJson({ type: deliveredType(detailType), timestamp: new Date(publishedAt * 1000).toISOString(), data });
}

/** Returns why a request had no response: the name and code of its error, whose message may quote the URL. */
export function reasonOf(error: unknown): string {
  const { name = 'Error', code } = error as { name?: string; code?: unknown };
  return typeof code === 'string' ? code : name;
}

/** Returns true where nothing is left to do for a message that was requested at this time: only what is dead begins again. */
export function isSettled({ state, settledAt = 0 }: Delivery, requestedAt: number): boolean {
  return state === 'acknowledged' || (state === 'dead' && settledAt > requestedAt);
}

/**
 * Returns the delivery after an attempt. An acknowledged one stays acknowledged, whatever happens to another copy of
 * its message.
 */
export function afterAttempt(
  before: Delivery | undefined,
  attempt: Attempt,
  requestedAt: number,
  schedule: RetrySchedule,
  retryAfterSeconds = 0,
): Delivery {
  const { attempts = [], version = 0 } = before ?? {};
  const after = { version: version + 1, attempts: [...attempts, attempt] };
  const settledAt = attempt.at + attempt.ms;
  if (isAcknowledgement(attempt)) return { ...after, state: 'acknowledged', settledAt };
  if (before !== undefined && isSettled(before, requestedAt)) {
    return { ...after, state: before.state, settledAt: before.settledAt };
  }
  const nextAt = nextAttemptAt(after.attempts, requestedAt, schedule, retryAfterSeconds);
  return nextAt === undefined ? { ...after, state: 'dead', settledAt } : { ...after, state: 'waiting', nextAt };
}
