import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { recipientOf } from '../../../lambdas/domain/events/mailgun-event.ts';
import { decodeQueueMessage, encodeQueueMessage, REDRIVE_GROUP } from '../../../lambdas/domain/events/queue-message.ts';
import { recipientKey } from '../../../lambdas/domain/keys.ts';
import { textWithoutAddress, withoutAddress } from '../../../lambdas/domain/recipients/erasure.ts';
import type { CliContext } from '../../command.ts';

export interface Queues {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly deadLettersUrl: string;
}

export interface Cleared {
  received: number;
  sentBack: number;
  deleted: number;
  /** In somebody else's hands to the end, so that nobody knows whose they are. */
  hidden: number;
}

/** A message is hidden for so long once it is received; after a crash it shows again by itself. */
const VISIBILITY_SECONDS = 120;
/** A queue is spread over servers, so one empty answer proves little. */
const EMPTY_RECEIVES = 2;
const RETRY_SECONDS = 2;

/**
 * Looks through all dead letters; sends those of the recipient back to the queue, where they become tombstones. Those
 * that an earlier run had in hand when it was killed are waited for.
 */
export async function clearDeadLetters(
  queues: Queues,
  recipient: string,
  { now, sleep, signal }: Pick<CliContext, 'now' | 'sleep' | 'signal'>,
): Promise<Cleared> {
  const { client, queueUrl, deadLettersUrl: QueueUrl } = queues;
  const cleared: Cleared = { received: 0, sentBack: 0, deleted: 0, hidden: 0 };
  const others = new Map<string, { receipt: string; untilMs: number }>();
  let waitedSeconds = 0;
  try {
    for (let empty = 0; !signal.aborted; ) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: VISIBILITY_SECONDS,
          WaitTimeSeconds: 1,
        }),
      );
      const fresh = Messages.filter(({ MessageId = '' }) => !others.has(MessageId));
      empty = fresh.length === 0 ? empty + 1 : 0;
      for (const { MessageId = '', ReceiptHandle: receipt = '', Body = '' } of fresh) {
        cleared.received += 1;
        const outcome = outcomeOf(Body, recipient);
        if (outcome === 'kept') {
          others.set(MessageId, { receipt, untilMs: now() + VISIBILITY_SECONDS * 1000 });
          continue;
        }
        // Sent first: a crash in between leaves two, of which process stores one.
        if (outcome !== 'deleted') {
          const message = { QueueUrl: queueUrl, MessageBody: outcome.body, MessageGroupId: REDRIVE_GROUP };
          await client.send(new SendMessageCommand(message));
        }
        await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receipt }));
        cleared[outcome === 'deleted' ? 'deleted' : 'sentBack'] += 1;
      }
      if (empty < EMPTY_RECEIVES) continue;
      const own = [...others.values()].filter(({ untilMs }) => untilMs > now()).length;
      cleared.hidden = Math.max(0, (await messagesIn(client, QueueUrl)).hidden - own);
      if (cleared.hidden === 0 || waitedSeconds > VISIBILITY_SECONDS) break;
      await sleep(RETRY_SECONDS * 1000);
      waitedSeconds += RETRY_SECONDS;
    }
    return cleared;
  } finally {
    for (const { receipt: ReceiptHandle } of others.values()) {
      // It shows again by itself.
      await client
        .send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }))
        .catch(() => {});
    }
  }
}

/** How much a queue holds, as it reports it. */
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

/**
 * What becomes of a dead letter. One that is no message of this version tells nothing but that it names the recipient;
 * it is deleted, and reconciliation misses its event if it was one.
 */
function outcomeOf(body: string, recipient: string): 'kept' | 'deleted' | { body: string } {
  const decoded = decodeQueueMessage(body);
  if (!decoded.ok) return textWithoutAddress(plainText(body), recipient) === plainText(body) ? 'kept' : 'deleted';
  const { message } = decoded;
  if (recipientKey(recipientOf(message.event) ?? '') === recipientKey(recipient)) return { body };
  const event = withoutAddress(message.event, recipient);
  return event === message.event ? 'kept' : { body: encodeQueueMessage({ ...message, event }) };
}

/** Bodies are ASCII, so an address may stand there escaped. */
function plainText(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}
