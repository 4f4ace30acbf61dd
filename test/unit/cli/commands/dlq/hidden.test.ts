import { GetQueueAttributesCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { outputOfItsKey, runCommand, stubDeployment } from '../../../../support/cli/command-line.ts';

/** Runs a command on a DLQ that gives these bodies, and reports as many messages. */
async function dlq(args: string[], bodies: string[], reported: number, over: { stopAtReceive?: boolean } = {}) {
  const stop = new AbortController();
  const Attributes = { SentTimestamp: '1790000000000', ApproximateReceiveCount: '1' };
  const batches = [bodies.map((Body, nth) => ({ MessageId: String(nth), ReceiptHandle: 'r', Body, Attributes }))];
  const send = async (command: object) => {
    if (command instanceof GetQueueAttributesCommand) {
      return { Attributes: { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: `${reported}` } };
    }
    if (!(command instanceof ReceiveMessageCommand)) return {};
    if (over.stopAtReceive) stop.abort();
    return { Messages: batches.shift() };
  };
  const deployment = stubDeployment({ clients: { queues: { send } } as never, output: outputOfItsKey });
  const { exitCode, lines, errors } = await runCommand(['dlq', ...args, '--local'], {
    openDeployment: async () => deployment,
    signal: stop.signal,
    sleep: async () => {},
  });
  return { exitCode, text: [...lines, ...errors].join('\n') };
}

const HELD = /The DLQ reports 3( more)?, which another reader may hold for up to 5 minutes/;

test.each([
  [['list'], 0],
  [['redrive', '--yes'], 1],
  [['redrive', '--plan'], 0],
  [['redrive', '--reason', 'unstorable', '--yes'], 1],
  [['discard', '--reason', 'not-json', '--yes'], 1],
])('dlq %j says that another reader may hold all dead letters', async (args, expected) => {
  const { exitCode, text } = await dlq(args, [], 3);

  expect(exitCode).toBe(expected);
  expect(text).toMatch(HELD);
  expect(text).not.toMatch(/[Tt]here are (no|none)/);
});

test.each([
  [['list']],
  [['redrive', '--yes']],
  [['redrive', '--plan']],
  [['redrive', '--reason', 'unstorable', '--yes']],
  [['discard', '--reason', 'not-json', '--yes']],
  [['discard', '--reason', 'not-json', '--plan']],
])('dlq %j says that another reader may hold the others', async (args) => {
  expect((await dlq(args, ['{'], 4)).text).toMatch(HELD);
});

test.each([
  [['list']],
  [['show', 'a']],
  [['redrive', '--yes']],
  [['redrive', '--id', 'a', '--yes']],
  [['discard', '--reason', 'unstorable', '--yes']],
])('dlq %j says nothing of what there is if its scan is interrupted', async (args) => {
  expect(await dlq(args, ['{'], 4, { stopAtReceive: true })).toEqual({
    exitCode: 1,
    text: 'interrupted before all was read; to read all, run the same command again',
  });
});
