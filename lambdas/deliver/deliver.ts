import {
  type Attempt,
  afterAttempt,
  type Delivery,
  type DeliveryName,
  deliveryBody,
  encodeQueuedEvent,
  eventWithoutAddress,
  isSettled,
  parseQueuedEvent,
  type QueuedEvent,
  reasonOf,
} from '../domain/publishing/delivery.ts';
import { DISABLED_RECEIVE_SECONDS } from '../domain/publishing/delivery-ledger.ts';
import { type ReceiverState, receiverAfter } from '../domain/publishing/receiver-state.ts';
import { isAcknowledgement, type RetrySchedule, retryAfterSeconds } from '../domain/publishing/retry-schedule.ts';
import { signWebhook } from '../domain/publishing/standard-webhook.ts';
import { withAddressesIn } from '../domain/recipients/address.ts';
import { textWithoutAddress } from '../domain/recipients/erasure.ts';
import type { ErasureMarkers } from '../shared/ports.ts';
import type { DeliveryLog, Receiver, ReceiverClient, ReceiverQueue, ReceiverStates } from './ports.ts';

/** A message as the queue hands it over. */
interface ReceivedMessage {
  body: string;
  receiptHandle: string;
  /** Epoch milliseconds at which the queue took it, by the queue's clock. */
  sentAt: number;
}

/** `done`: nothing is left to do for the message; `kept`: it stays in the queue, and comes back. */
export type DeliverResult = 'done' | 'kept';

interface DeliverDeps {
  client: ReceiverClient;
  log: DeliveryLog;
  states: ReceiverStates;
  queue: ReceiverQueue;
  erasures: ErasureMarkers;
  /** Returns the secrets that sign for the receiver now, at least one. */
  secrets: () => Promise<readonly string[]>;
  now: () => number;
  schedule: RetrySchedule;
  disableAfterMs: number;
  /** Called when a delivery goes to the DLQ. */
  onDead: (reason: string, lastStatus: number) => void;
  /** Called when an attempt disables the receiver, and for every message that waits because it is disabled. */
  onDisabled: (state: ReceiverState) => void;
}

/** SQS hides a message for twelve hours at most; one that waits longer is received in between and hidden again. */
const MAX_HIDDEN_SECONDS = 43_000;
/** SQS delays a message for this long at most. */
const MAX_DELAY_SECONDS = 900;
const MAX_WRITES = 5;

/** Delivers the messages of one receiver's queue. Whatever throws leaves its message in the queue. */
export function createDeliver(receiver: Receiver, deps: DeliverDeps) {
  const { client, log, states, queue, now } = deps;

  return async (message: ReceivedMessage): Promise<DeliverResult> => {
    const parsed = parseQueuedEvent(message.body, message.sentAt);
    if (typeof parsed === 'string') return sendAside(message.body, parsed, 0);
    // If the queue's clock is ahead, no attempt would count.
    const event = { ...parsed, requestedAt: Math.min(parsed.requestedAt, now()) };
    const name = { receiver: receiver.name, publishedAt: event.publishedAt, id: event.detail.id };
    const [known, state] = await Promise.all([log.read(name), states.read(receiver.name)]);
    if (known !== undefined && isSettled(known, event.requestedAt)) return settle(event, known);
    if (state.disabledAt !== undefined) {
      deps.onDisabled(state);
      return hide(message, event, DISABLED_RECEIVE_SECONDS);
    }
    const waitMs = known?.state === 'waiting' ? (known.nextAt ?? 0) - now() : 0;
    if (waitMs > 0 && (known?.attempts.at(-1)?.at ?? 0) >= event.requestedAt) {
      return hide(message, event, Math.ceil(waitMs / 1000));
    }
    const { attempt, retryAfter, text } = await post(event);
    const delivery = await record(name, event, known, attempt, { retryAfter, text });
    await noteState(state, attempt, event.detail.id);
    if (isSettled(delivery, event.requestedAt)) return settle(event, delivery);
    return hide(message, event, Math.ceil(((delivery.nextAt ?? 0) - now()) / 1000));
  };

  /** Logs a dead delivery before sending it to the DLQ; after a crash in between the message comes back here. */
  async function settle(event: QueuedEvent, { state, attempts }: Delivery): Promise<DeliverResult> {
    if (state !== 'dead') return 'done';
    const kept = await keptEvent(event);
    return sendAside(encodeQueuedEvent(kept), 'exhausted', attempts.at(-1)?.status ?? 0);
  }

  async function sendAside(body: string, reason: string, lastStatus: number): Promise<DeliverResult> {
    await queue.sendToDlq(body, reason);
    deps.onDead(reason, lastStatus);
    return 'done';
  }

  /** Replaces a message that contains a forbidden address; a crash in between leaves both messages. */
  async function hide({ receiptHandle }: ReceivedMessage, event: QueuedEvent, seconds: number): Promise<DeliverResult> {
    const kept = await keptEvent(event);
    if (kept !== event) {
      await queue.send(encodeQueuedEvent(kept, true), Math.min(MAX_DELAY_SECONDS, Math.max(0, seconds)));
      return 'done';
    }
    await queue.changeVisibility(receiptHandle, Math.min(MAX_HIDDEN_SECONDS, Math.max(0, seconds)));
    return 'kept';
  }

  async function post(event: QueuedEvent): Promise<{ attempt: Attempt; retryAfter: number; text: string }> {
    // A reason may quote the address, too.
    const body = deliveryBody(await keptEvent(event));
    const secrets = await deps.secrets();
    const at = now();
    const signature = signWebhook(event.detail.id, Math.floor(at / 1000), body, secrets);
    const headers = { 'content-type': 'application/json', 'user-agent': 'mailgun-ledger', ...signature };
    try {
      const { status, retryAfter, text } = await client.post(receiver.url, headers, body);
      const seconds = retryAfterSeconds(status, retryAfter, now());
      return { attempt: { at, ms: now() - at, status }, retryAfter: seconds, text };
    } catch (error) {
      return { attempt: { at, ms: now() - at, error: reasonOf(error) }, retryAfter: 0, text: '' };
    }
  }

  /** Returns the event as the queues may keep it; the same object where nothing is left out. */
  async function keptEvent(event: QueuedEvent): Promise<QueuedEvent> {
    const { recipient } = event.detail;
    if (typeof recipient !== 'string' || (await mayName(event))) return event;
    return withAddressesIn(recipient).reduce(eventWithoutAddress, event);
  }

  /** Returns true if the event may contain its recipient, who may have been erased while it was queued. */
  async function mayName({ detail: { recipient } }: QueuedEvent): Promise<boolean> {
    if (!receiver.recipients || typeof recipient !== 'string') return false;
    return (await deps.erasures.among([recipient])).length === 0;
  }

  /** Adds an attempt to the log's current version: another copy of the message may be in flight. */
  async function record(
    name: DeliveryName,
    event: QueuedEvent,
    known: Delivery | undefined,
    attempt: Attempt,
    { retryAfter, text }: { retryAfter: number; text: string },
  ): Promise<Delivery> {
    let before = known;
    for (let write = 0; write < MAX_WRITES; write += 1) {
      const after = afterAttempt(before, attempt, event.requestedAt, deps.schedule, retryAfter);
      const isOurs = await log.write(
        name,
        after,
        logged(event),
        isAcknowledgement(attempt) ? undefined : loggedText(text, event),
      );
      if (isOurs) return after;
      before = await log.read(name);
      // The write whose reply was lost was repeated, and has met itself.
      if (before?.attempts.some(({ at, ms }) => at === attempt.at && ms === attempt.ms)) return before;
    }
    throw new Error('the delivery log changes with every write');
  }

  /** Returns the event without its recipient, so that an erasure need not search the log. */
  function logged(event: QueuedEvent): QueuedEvent {
    const { recipient: _, ...detail } = event.detail;
    return { ...event, detail: detail as QueuedEvent['detail'] };
  }

  /** Receivers like to repeat in their response what they got. */
  function loggedText(text: string, { detail: { recipient } }: QueuedEvent): string {
    return typeof recipient === 'string' ? withAddressesIn(recipient).reduce(textWithoutAddress, text) : text;
  }

  /** Updates the receiver's state; if it has changed meanwhile, the next attempt updates it. */
  async function noteState(before: ReceiverState, attempt: Attempt, id: string): Promise<void> {
    const after = receiverAfter(before, attempt, deps.disableAfterMs, id);
    if (after === before) return;
    const isOurs = await states.replace(receiver.name, before, after);
    if (isOurs && after.disabledAt !== undefined) deps.onDisabled(after);
  }
}
