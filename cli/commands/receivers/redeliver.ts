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

/** A message is hidden for this long once it is received; after a crash it shows again by itself. */
export const VISIBILITY_SECONDS = 300;
/** A queue is spread over servers, so one empty response proves little. */
const EMPTY_RECEIVES = 2;
/** The reported length of a queue lags by up to a minute. */
const MAX_LENGTH_READS = 12;
const LENGTH_READ_INTERVAL_MS = 5000;

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
  { now, sleep, signal }: Pick<CliContext, 'now' | 'sleep' | 'signal'>,
): Promise<Redelivered> {
  const { queues } = deployment.clients;
  const done: Redelivered = { sent: 0, left: 0, unreadable: 0, unseen: 0 };
  const others = new Map<string, string>();
  try {
    // If only known messages appear for one visibility timeout, there are more than can be hidden at once.
    let freshAt = now();
    for (let empty = 0; empty < EMPTY_RECEIVES && now() - freshAt <= VISIBILITY_SECONDS * 1000 && !signal.aborted; ) {
      const messages = await receive();
      empty = messages.length === 0 ? empty + 1 : 0;
      for (const message of messages) {
        const { MessageId = '', ReceiptHandle = '' } = message;
        // A known one has become visible since; this receipt hides it again.
        if (others.has(MessageId) || signal.aborted) others.set(MessageId, ReceiptHandle);
        else {
          await handle(message);
          freshAt = now();
        }
      }
    }
    return { ...done, unseen: await unseen() };
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

  async function unseen(): Promise<number> {
    for (let reads = 1; ; reads += 1) {
      const more = Math.max(0, (await messagesIn(deployment, deadLettersUrl)) - others.size);
      if (more === 0 || reads === MAX_LENGTH_READS || signal.aborted) return more;
      await sleep(LENGTH_READ_INTERVAL_MS);
    }
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
