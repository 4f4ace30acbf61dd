import { DeleteMessageCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { type Command, Option } from 'commander';
import { STATUSES, SUPPRESSION_KINDS } from '../../../lambdas/domain/event-types.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { deliveredType, parseQueuedEvent, type QueuedEvent } from '../../../lambdas/domain/publishing/delivery.ts';
import { DELIVERED_TYPES } from '../../../lambdas/domain/publishing/receiver-filter.ts';
import { isNamed } from '../../../lambdas/domain/publishing/standard-webhook.ts';
import type { CliContext } from '../../command.ts';
import { number } from '../../output.ts';
import { countUnseen, receivedBatches, showAgain, VISIBILITY_SECONDS } from '../../queue-scan.ts';
import type { Deployment } from '../../target/types.ts';
import { rangeOf, type TimeOptions, timed } from './list.ts';
import { type DeployedReceiver, messagesIn } from './open.ts';

/** Selects dead deliveries; undefined fields do not filter. */
export interface DeadChoice {
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
}

/** The options that select dead deliveries. */
export interface ChoiceOptions extends TimeOptions, Pick<DeadChoice, 'id' | 'type' | 'status' | 'kind' | 'message'> {}

/** Adds the receiver's name and the options that select its dead deliveries. */
export const choosing = (command: Command, context: CliContext) =>
  timed(command, context, { from: 'any time', to: 'any time' })
    .argument('<name>', 'the receiver')
    .option('--id <id>', 'only the delivery of this webhook-id')
    .addOption(new Option('--type <type>', 'only deliveries of this type').choices(Object.keys(DELIVERED_TYPES)))
    .addOption(new Option('--status <status>', 'only changes to this status').choices(STATUSES))
    .addOption(new Option('--kind <kind>', 'only suppressions of this kind').choices(SUPPRESSION_KINDS))
    .option('--message <message-id>', 'only deliveries about this message');

/** Returns what the options choose: of any time where they name none. */
export function chosenBy(
  { id, type, status, kind, message, ...times }: ChoiceOptions,
  context: CliContext,
): DeadChoice {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = times;
  return { ...rangeOf({ ...times, from, to }, context), id, type, status, kind, message };
}

/** The number of messages: `left`: not chosen; `unreadable`: no event, and not chosen; `unseen`: reported besides. */
export interface DeadCounts {
  chosen: number;
  left: number;
  unreadable: number;
  unseen: number;
}

/** Says what stays in the DLQ, in the words of the commands that take from it. */
export const stayText = ({ left, unreadable }: Omit<DeadCounts, 'chosen'>) =>
  `${number(left)} others and ${number(unreadable)} unreadable messages stay in the DLQ.`;

/** Returns a line where the DLQ reports more than was read. */
export const unseenText = ({ unseen }: Omit<DeadCounts, 'chosen'>) =>
  unseen > 0 ? [`The DLQ reports ${number(unseen)} more, not looked at: run the same again.`] : [];

type Facts = Pick<QueuedEvent, 'detailType' | 'publishedAt'> & { readonly detail: JsonObject };

/** Returns true for a delivery that the choice names, from the queue or from the log. */
export function isWanted({ detailType, publishedAt, detail }: Facts, choice: DeadChoice): boolean {
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

/** What becomes of the messages of a DLQ. */
interface Handling {
  /** Called for each message, with undefined for one that holds no event, and SQS's id of it. */
  isChosen(event: QueuedEvent | undefined, messageId: string): boolean;
  /** Called for each chosen message, which `remove` deletes; without it, they stay. */
  take?(event: QueuedEvent | undefined, remove: () => Promise<unknown>): Promise<void>;
}

/** Reads a receiver's DLQ to its end; what stays shows again at once. */
export async function readDead(
  deployment: Deployment,
  { deadLettersUrl: QueueUrl }: DeployedReceiver,
  { isChosen, take }: Handling,
  context: Pick<CliContext, 'now' | 'sleep' | 'signal'>,
): Promise<DeadCounts> {
  const { queues } = deployment.clients;
  const counts: DeadCounts = { chosen: 0, left: 0, unreadable: 0, unseen: 0 };
  const kept = new Map<string, string>();
  try {
    const isKnown = ({ MessageId = '' }: Message) => kept.has(MessageId);
    for await (const messages of receivedBatches(receive, isKnown, context)) {
      for (const message of messages) {
        const { MessageId = '', ReceiptHandle = '' } = message;
        // A known one has become visible since; this receipt hides it again.
        const stays = isKnown(message) || context.signal.aborted || !(await isRemoved(message));
        if (stays) kept.set(MessageId, ReceiptHandle);
      }
    }
    const readLength = () => messagesIn(deployment, QueueUrl);
    return { ...counts, unseen: await countUnseen(readLength, kept.size, context) };
  } finally {
    await showAgain(queues, QueueUrl, kept.values());
  }

  async function receive(): Promise<Message[]> {
    const { Messages = [] } = await queues.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: VISIBILITY_SECONDS,
        WaitTimeSeconds: 1,
      }),
    );
    return Messages;
  }

  async function isRemoved({ MessageId = '', ReceiptHandle = '', Body = '' }: Message): Promise<boolean> {
    const parsed = parseQueuedEvent(Body);
    const event = typeof parsed === 'string' ? undefined : parsed;
    if (!isChosen(event, MessageId)) {
      counts[event === undefined ? 'unreadable' : 'left'] += 1;
      return false;
    }
    await take?.(event, () => queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })));
    counts.chosen += 1;
    return take !== undefined;
  }
}
