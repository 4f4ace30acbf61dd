import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import {
  deliveredType,
  encodeQueuedEvent,
  parseQueuedEvent,
  type QueuedEvent,
} from '../../../lambdas/domain/publishing/delivery.ts';
import { isNamed } from '../../../lambdas/domain/publishing/standard-webhook.ts';
import type { CliContext } from '../../command.ts';
import { countUnseen, receivedBatches, VISIBILITY_SECONDS } from '../../queue-scan.ts';
import type { Deployment } from '../../target/types.ts';
import { type DeployedReceiver, messagesIn } from './open.ts';

/** Selects dead deliveries; undefined fields do not filter. */
export interface RedeliveryChoice {
  /** Epoch seconds of publication; `to` excluded. */
  readonly from: number;
  readonly to: number;
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  /** Only in a status, not in a suppression. */
  readonly status?: string | undefined;
  /** Only in a suppression, not in a status. */
  readonly kind?: string | undefined;
  readonly message?: string | undefined;
  /** Messages a second. */
  readonly rate: number;
}

/** `left`: in the DLQ, and not wanted; `unreadable`: in the DLQ, and no event; `unseen`: what the DLQ reports besides. */
export interface Redelivered {
  sent: number;
  left: number;
  unreadable: number;
  unseen: number;
}

type Facts = Pick<QueuedEvent, 'detailType' | 'publishedAt'> & { readonly detail: JsonObject };

/** Returns true for a delivery that the choice names, from the queue or from the log. */
export function isWanted({ detailType, publishedAt, detail }: Facts, choice: RedeliveryChoice): boolean {
  const { from, to, id, type, status, kind, message } = choice;
  return (
    publishedAt >= from &&
    publishedAt < to &&
    (id === undefined || isNamed(String(detail.id), id)) &&
    (type === undefined || deliveredType(detailType) === type) &&
    (status === undefined || detail.status === status) &&
    (kind === undefined || detail.kind === kind) &&
    (message === undefined || detail.messageId === message)
  );
}

/**
 * Sends dead deliveries to the receiver's queue again. Each is sent before it is deleted, so an interruption leaves two
 * with the same id, of which the receiver keeps one; the next run continues with the rest of the DLQ.
 */
export async function redeliver(
  deployment: Deployment,
  { queueUrl, deadLettersUrl }: DeployedReceiver,
  choice: RedeliveryChoice,
  context: Pick<CliContext, 'now' | 'sleep' | 'signal'>,
): Promise<Redelivered> {
  const { now, sleep, signal } = context;
  const { queues } = deployment.clients;
  const done: Redelivered = { sent: 0, left: 0, unreadable: 0, unseen: 0 };
  const others = new Map<string, string>();
  try {
    const isKnown = ({ MessageId = '' }: Message) => others.has(MessageId);
    for await (const messages of receivedBatches(receive, isKnown, context)) {
      for (const message of messages) {
        const { MessageId = '', ReceiptHandle = '' } = message;
        // A known one has become visible since; this receipt hides it again.
        if (isKnown(message) || signal.aborted) others.set(MessageId, ReceiptHandle);
        else await handle(message);
      }
    }
    const readLength = () => messagesIn(deployment, deadLettersUrl);
    return { ...done, unseen: await countUnseen(readLength, others.size, context) };
  } finally {
    for (const ReceiptHandle of others.values()) {
      // It shows again by itself.
      const command = { QueueUrl: deadLettersUrl, ReceiptHandle, VisibilityTimeout: 0 };
      await queues.send(new ChangeMessageVisibilityCommand(command)).catch(() => {});
    }
  }

  async function receive(): Promise<Message[]> {
    const { Messages = [] } = await queues.send(
      new ReceiveMessageCommand({
        QueueUrl: deadLettersUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: VISIBILITY_SECONDS,
        WaitTimeSeconds: 1,
      }),
    );
    return Messages;
  }

  async function handle({ MessageId = '', ReceiptHandle = '', Body = '' }: Message): Promise<void> {
    const event = parseQueuedEvent(Body);
    if (typeof event === 'string' || !isWanted(event, choice)) {
      done[typeof event === 'string' ? 'unreadable' : 'left'] += 1;
      others.set(MessageId, ReceiptHandle);
      return;
    }
    const MessageBody = encodeQueuedEvent({ ...event, requestedAt: now() });
    await queues.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
    await queues.send(new DeleteMessageCommand({ QueueUrl: deadLettersUrl, ReceiptHandle }));
    done.sent += 1;
    await sleep(1000 / choice.rate);
  }
}
