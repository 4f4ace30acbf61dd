import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { DEAD_LETTER_ATTRIBUTES } from '../../../lambdas/contract.ts';
import type { Deployment } from '../../target/types.ts';

export interface DeadLetter {
  /** SQS's message id. */
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly reason: string;
  readonly detail: string | undefined;
  /** Epoch milliseconds; of a message that SQS moved here, when it was first sent. */
  readonly sentMs: number;
  readonly receiveCount: number;
}

/** Reason of messages that process never judged: SQS moved them when their tries were used up. */
export const RECEIVES_EXHAUSTED = 'tries-used-up';

/** One run looks at no more of them. */
export const MAX_SCANNED_MESSAGES = 10_000;

const AT_ONCE = 10;
/** A long poll asks all of SQS's servers, so one that brings nothing is the end. */
const WAIT_SECONDS = 1;

/** The dead letters, and the queue they came from. */
export interface DeadLetters {
  /** Up to ten, hidden from others for so long. */
  receive(hideSeconds: number): Promise<DeadLetter[]>;
  /** Lets others see them at once. What fails is no harm: they come back by themselves. */
  giveBack(letters: readonly DeadLetter[]): Promise<void>;
  /** Sends the body to process once more, without what was noted on it. */
  resend(letter: DeadLetter): Promise<void>;
  remove(letter: DeadLetter): Promise<void>;
}

export function openDeadLetters({ clients: { queues }, output }: Deployment): DeadLetters {
  const QueueUrl = output('DeadLettersUrl');
  return {
    async receive(hideSeconds) {
      const { Messages = [] } = await queues.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: AT_ONCE,
          WaitTimeSeconds: WAIT_SECONDS,
          VisibilityTimeout: hideSeconds,
          MessageAttributeNames: Object.values(DEAD_LETTER_ATTRIBUTES),
          MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
        }),
      );
      return Messages.map(letterOf);
    },

    async giveBack(letters) {
      for (let from = 0; from < letters.length; from += AT_ONCE) {
        const Entries = letters.slice(from, from + AT_ONCE).map(({ receiptHandle }, index) => ({
          Id: String(index),
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: 0,
        }));
        await queues.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })).catch(() => {});
      }
    },

    async resend({ body }) {
      await queues.send(new SendMessageCommand({ QueueUrl: output('QueueUrl'), MessageBody: body }));
    },

    async remove({ receiptHandle }) {
      await queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
    },
  };
}

function letterOf({
  MessageId = '',
  ReceiptHandle = '',
  Body = '',
  MessageAttributes,
  Attributes,
}: Message): DeadLetter {
  return {
    id: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    reason: MessageAttributes?.[DEAD_LETTER_ATTRIBUTES.reason]?.StringValue ?? RECEIVES_EXHAUSTED,
    detail: MessageAttributes?.[DEAD_LETTER_ATTRIBUTES.detail]?.StringValue,
    sentMs: Number(Attributes?.SentTimestamp),
    receiveCount: Number(Attributes?.ApproximateReceiveCount),
  };
}

/** Each is hidden for so long while they are looked through. */
const SCAN_VISIBILITY_SECONDS = 60;

/** Every dead letter once, up to `most`; gives all of them back in the end. */
export async function* scanDeadLetters(
  deadLetters: DeadLetters,
  most = MAX_SCANNED_MESSAGES,
): AsyncGenerator<DeadLetter> {
  const held = new Map<string, DeadLetter>();
  try {
    while (held.size < most) {
      const letters = await deadLetters.receive(SCAN_VISIBILITY_SECONDS);
      const fresh = letters.filter(({ id }) => !held.has(id));
      for (const letter of letters) held.set(letter.id, { ...letter, body: '' });
      yield* fresh;
      if (fresh.length === 0) return;
    }
  } finally {
    await deadLetters.giveBack([...held.values()]);
  }
}
