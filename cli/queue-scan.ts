import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { CliContext } from './command.ts';

/** A message is hidden for this long once it is received; after a crash it shows again by itself. */
export const VISIBILITY_SECONDS = 300;
/** A queue is spread over servers, so one empty response proves little. */
const EMPTY_RECEIVES = 2;
/** The reported length of a queue lags by up to a minute. */
const MAX_LENGTH_READS = 12;
const LENGTH_READ_INTERVAL_MS = 5000;

/** Yields the messages of a queue, a batch at a time, until no fresh one comes; known ones come again once visible. */
export async function* receivedBatches<Message>(
  receive: () => Promise<readonly Message[]>,
  isKnown: (message: Message) => boolean,
  { now, signal }: Pick<CliContext, 'now' | 'signal'>,
): AsyncGenerator<readonly Message[]> {
  // If only known messages appear for one visibility timeout, there are more than can be hidden at once.
  let freshAt = now();
  for (let empty = 0; empty < EMPTY_RECEIVES && now() - freshAt <= VISIBILITY_SECONDS * 1000 && !signal.aborted; ) {
    const messages = await receive();
    empty = messages.length === 0 ? empty + 1 : 0;
    const isFresh = messages.some((message) => !isKnown(message));
    yield messages;
    if (isFresh) freshAt = now();
  }
}

/** Returns how many messages a queue reports besides those that were received and are still in it. */
export async function countUnseen(
  readLength: () => Promise<number>,
  received: number,
  { sleep, signal }: Pick<CliContext, 'sleep' | 'signal'>,
): Promise<number> {
  for (let reads = 1; ; reads += 1) {
    const unseen = Math.max(0, (await readLength()) - received);
    if (unseen === 0 || reads === MAX_LENGTH_READS || signal.aborted) return unseen;
    await sleep(LENGTH_READ_INTERVAL_MS);
  }
}

/** Makes received messages visible to others; where that fails, they show again by themselves. */
export async function showAgain(queues: SQSClient, QueueUrl: string, receipts: Iterable<string>): Promise<void> {
  for (const ReceiptHandle of receipts) {
    const command = { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 };
    await queues.send(new ChangeMessageVisibilityCommand(command)).catch(() => {});
  }
}
