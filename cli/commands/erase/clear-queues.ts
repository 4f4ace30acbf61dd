import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { recipientOf } from '../../../lambdas/domain/events/mailgun-event.ts';
import { decodeQueueMessage, encodeQueueMessage, REDRIVE_GROUP } from '../../../lambdas/domain/events/queue-message.ts';
import { asciiJson, isObject, type JsonObject } from '../../../lambdas/domain/json.ts';
import {
  encodeQueuedEvent,
  eventWithoutAddress,
  parseQueuedEvent,
  type QueuedEvent,
} from '../../../lambdas/domain/publishing/delivery.ts';
import { isOf, textWithoutAddress, withoutAddress } from '../../../lambdas/domain/recipients/erasure.ts';
import type { CliContext } from '../../command.ts';
import { VISIBILITY_SECONDS as SCAN_SECONDS, showAgain } from '../../queue-scan.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';
import { receiversOf } from '../receivers/open.ts';

/** The outcome of a message: it stays as it is, is deleted, or is replaced by one with this body. */
type ClearedMessage = 'kept' | 'deleted' | { readonly body: string };

export interface SearchedQueue {
  readonly queueUrl: string;
  /** Judges the body of a message. */
  readonly clear: (body: string) => ClearedMessage;
  /** Queue and group of the replacement. @default the same queue, with the message's attributes */
  readonly sendTo?: { readonly queueUrl: string; readonly groupId: string };
  /** Waits this long for messages that another reader holds. @default 120 */
  readonly heldSeconds?: number;
}

export interface Cleared {
  received: number;
  sentBack: number;
  deleted: number;
  /** Held by another reader to the end, so that it is not known whose they are. */
  hidden: number;
}

/** A message is hidden for this long once it is received; after a crash it shows again by itself. */
const VISIBILITY_SECONDS = 120;
/** A queue is spread over servers, so one empty response proves little. */
const EMPTY_RECEIVES = 2;
const RETRY_SECONDS = 2;

/**
 * Receives every message of a queue, and replaces or deletes those that must not stay. Messages that an earlier run
 * held when it was killed are waited for.
 */
export async function clearQueue(
  client: SQSClient,
  { queueUrl: QueueUrl, clear, sendTo, heldSeconds = VISIBILITY_SECONDS }: SearchedQueue,
  { now, sleep, signal }: Pick<CliContext, 'now' | 'sleep' | 'signal'>,
): Promise<Cleared> {
  const cleared: Cleared = { received: 0, sentBack: 0, deleted: 0, hidden: 0 };
  const others = new Map<string, { receipt: string; untilMs: number }>();
  let waitedSeconds = 0;
  try {
    for (let empty = 0; !signal.aborted; ) {
      const messages = await receive();
      const fresh = messages.filter(({ MessageId = '' }) => !others.has(MessageId));
      empty = fresh.length === 0 ? empty + 1 : 0;
      for (const message of fresh) await handle(message);
      if (empty < EMPTY_RECEIVES) continue;
      const own = [...others.values()].filter(({ untilMs }) => untilMs > now()).length;
      cleared.hidden = Math.max(0, (await messagesIn(client, QueueUrl)).hidden - own);
      if (cleared.hidden === 0 || waitedSeconds > heldSeconds) break;
      await sleep(RETRY_SECONDS * 1000);
      waitedSeconds += RETRY_SECONDS;
    }
    return cleared;
  } finally {
    await showAgain(
      client,
      QueueUrl,
      [...others.values()].map(({ receipt }) => receipt),
    );
  }

  async function receive(): Promise<Message[]> {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: VISIBILITY_SECONDS,
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['All'],
      }),
    );
    return Messages;
  }

  async function handle({ MessageId = '', ReceiptHandle = '', Body = '', MessageAttributes }: Message): Promise<void> {
    cleared.received += 1;
    const outcome = clear(Body);
    if (outcome === 'kept') {
      others.set(MessageId, { receipt: ReceiptHandle, untilMs: now() + VISIBILITY_SECONDS * 1000 });
      return;
    }
    // Sent first: a crash in between leaves two, and the next run finds the one that must not stay.
    if (outcome !== 'deleted') {
      const where = sendTo
        ? { QueueUrl: sendTo.queueUrl, MessageGroupId: sendTo.groupId }
        : { QueueUrl, ...(MessageAttributes && { MessageAttributes }) };
      await client.send(new SendMessageCommand({ ...where, MessageBody: outcome.body }));
    }
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    cleared[outcome === 'deleted' ? 'deleted' : 'sentBack'] += 1;
  }
}

/** Returns how much a queue holds, as it reports it. */
export async function messagesIn(client: SQSClient, QueueUrl: string): Promise<{ all: number; hidden: number }> {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  return {
    all: Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0),
    hidden: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
  };
}

/** Returns true where a body of no known form holds the address; bodies are ASCII, so it may be escaped there. */
function holdsAddress(body: string, address: string): boolean {
  const text = plainText(body);
  return textWithoutAddress(text, address) !== text;
}

function plainText(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}

/** Returns the DLQ of events, whose messages of the recipient are sent to the queue, to become tombstones. */
export function eventDeadLetters(
  { queueUrl, deadLettersUrl }: { queueUrl: string; deadLettersUrl: string },
  recipient: string,
): SearchedQueue {
  return {
    queueUrl: deadLettersUrl,
    clear: (body) => clear(body, recipient),
    sendTo: { queueUrl, groupId: REDRIVE_GROUP },
    heldSeconds: SCAN_SECONDS,
  };
}

/**
 * An unreadable body is only known to contain the recipient; it is deleted, and reconciliation finds its event missing
 * if it was one.
 */
function clear(body: string, recipient: string): ClearedMessage {
  const decoded = decodeQueueMessage(body);
  if (!decoded.ok) return holdsAddress(body, recipient) ? 'deleted' : 'kept';
  const { message } = decoded;
  if (isOf(recipientOf(message.event) ?? '', recipient)) return { body };
  const event = withoutAddress(message.event, recipient);
  return event === message.event ? 'kept' : { body: encodeQueueMessage({ ...message, event }) };
}

/**
 * Returns the queues of published changes that nothing but an operator empties: the DLQs of receivers, and what could
 * not be published. The queues of receivers are not among them: deliver takes the address out of each of their messages
 * within half a day, and most are hidden from anyone else until then.
 */
export function deliveryQueues(deployment: Deployment, recipient: string): SearchedQueue[] {
  const clear = (body: string) => clearDelivery(body, recipient);
  const dead = receiversOf(deployment).map(({ deadLettersUrl }) => ({
    queueUrl: deadLettersUrl,
    clear,
    heldSeconds: SCAN_SECONDS,
  }));
  if (!hasOutput(deployment, 'PublishFailuresUrl')) return dead;
  return [...dead, { queueUrl: deployment.output('PublishFailuresUrl'), clear }];
}

function clearDelivery(body: string, recipient: string): ClearedMessage {
  const event = parseQueuedEvent(body);
  if (typeof event !== 'string') {
    const cleaned = eventWithoutAddress(event, recipient);
    return cleaned === event ? 'kept' : { body: encodeQueuedEvent(cleaned) };
  }
  const failure = unpublished(body);
  if (failure === undefined) return holdsAddress(body, recipient) ? 'deleted' : 'kept';
  const cleaned = eventWithoutAddress(failure, recipient);
  return cleaned === failure ? 'kept' : { body: asciiJson({ ...failure.message, detail: cleaned.detail }) };
}

/** Parses a message of the publish failure queue; returns undefined for any other. */
function unpublished(body: string): (QueuedEvent & { message: JsonObject }) | undefined {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isObject(message)) return undefined;
  const { detailType, detail } = message;
  if (typeof detailType !== 'string' || !isObject(detail) || typeof detail.id !== 'string') return undefined;
  const queued = { detailType, publishedAt: 0, detail: detail as QueuedEvent['detail'], requestedAt: 0 };
  return { ...queued, message: message as JsonObject };
}
