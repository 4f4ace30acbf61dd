import type { SendMessageCommand } from '@aws-sdk/client-sqs';
import { ASSUMED } from '../../../../../cli/planning/capacity.ts';
import { createEventQueue } from '../../../../../lambdas/adapters/aws/messaging.ts';
import { type QueuedMessage, queueWaits } from '../../../../../tools/bench/simulation/fair-queue.ts';
import { DEFAULT_STACK } from '../../../../../tools/bench/simulation/settings.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const BURST = 20_000;
const QUIET = Array.from({ length: 60 }, (_, second) => ({ domain: 'mg.quiet.example', atSecond: 1 + second }));
const BUSY = Array.from({ length: BURST }, () => ({ domain: 'mg.busy.example', atSecond: 0.5 }));

const { batchSize, maxConcurrency: batches } = DEFAULT_STACK;
const CONSUMERS = { batches, batchSize, batchSeconds: ASSUMED.batchSeconds };

/** Sends webhooks as ingest does; the messages that the queue would get. */
async function sent(webhooks: readonly { domain: string; atSecond: number }[]): Promise<QueuedMessage[]> {
  const messages: QueuedMessage[] = [];
  let atSecond = 0;
  const send = async ({ input }: SendMessageCommand) => messages.push({ atSecond, group: input.MessageGroupId });
  const queue = createEventQueue({ send } as never, 'http://127.0.0.1/queue');
  const event = deliveredEvent();
  for (const { domain, atSecond: at } of webhooks) {
    atSecond = at;
    await queue.send({ event, source: 'webhook', domain, receivedAt: at });
  }
  return messages.toSorted((a, b) => a.atSecond - b.atSecond);
}

/** The longest time between the send of a quiet domain's message and its storing. */
function longestOfQuiet(
  messages: readonly QueuedMessage[],
  isQuiet = (_message: QueuedMessage, _index: number) => true,
) {
  const waits = queueWaits(messages, CONSUMERS);
  const ofQuiet = waits.filter((_wait, index) => isQuiet(messages[index] as QueuedMessage, index));
  return ASSUMED.queueSeconds + Math.max(...ofQuiet) + ASSUMED.batchSeconds;
}

const isOfQuiet = ({ group }: QueuedMessage) => group === 'mg.quiet.example';

test('a burst of 20,000 on one domain delays those of another by less than half, by the groups that ingest sends', async () => {
  const alone = longestOfQuiet(await sent(QUIET));
  const beside = longestOfQuiet(await sent([...BUSY, ...QUIET]), isOfQuiet);

  expect(alone).toBeCloseTo(0.7);
  expect(beside / alone).toBeGreaterThan(1);
  expect(beside / alone).toBeLessThan(1.5);
});

test('without groups the events of other domains wait behind the whole burst', async () => {
  const messages = await sent([...BUSY, ...QUIET]);
  const isQuiet = messages.map(isOfQuiet);
  const blind = messages.map(({ atSecond }) => ({ atSecond, group: undefined }));

  expect(longestOfQuiet(blind, (_message, index) => isQuiet[index] === true)).toBeGreaterThan(70);
});

test('the burst itself is stored at the full rate of process', async () => {
  const waits = queueWaits(await sent([...BUSY, ...QUIET]), CONSUMERS);

  expect(Math.max(...waits)).toBeCloseTo((BURST + QUIET.length) / (batches * (batchSize / ASSUMED.batchSeconds)), -1);
});
