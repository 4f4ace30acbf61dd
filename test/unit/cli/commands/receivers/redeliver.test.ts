import { GetQueueAttributesCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { VISIBILITY_SECONDS } from '../../../../../cli/queue-scan.ts';
import { encodeQueuedEvent } from '../../../../../lambdas/domain/publishing/delivery.ts';
import { runCommand, stubDeployment } from '../../../../support/cli/command-line.ts';
import { redeliverLine } from '../../../../support/cli/json-lines/receivers.ts';

const START_MS = Date.parse('2026-11-22T12:00:00Z');
const URLS = { url: 'https://crm.example', secretArn: 'a', queueUrl: 'q', deadLettersUrl: 'dlq' };

const dead = (status: string, publishedAt = START_MS / 1000 - 60) => ({
  MessageId: `${status} ${publishedAt}`,
  ReceiptHandle: status,
  Body: encodeQueuedEvent({
    detailType: 'MessageStatusChanged',
    publishedAt,
    requestedAt: 0,
    detail: { id: status, status },
  }),
});

/** Redelivers what FAILED, from a DLQ that gives these receives, then its last for ever, ten seconds apart. */
async function redeliverFailed(receives: (readonly object[])[], lengths: number[], json = true) {
  let nowMs = START_MS;
  const sent: string[] = [];
  const send = async (command: object) => {
    sent.push(command.constructor.name.replace('Command', ''));
    if (command instanceof GetQueueAttributesCommand)
      return { Attributes: { ApproximateNumberOfMessages: lengths.length > 1 ? lengths.shift() : lengths[0] } };
    if (!(command instanceof ReceiveMessageCommand)) return {};
    nowMs += 10_000;
    return { Messages: receives.length > 1 ? receives.shift() : receives[0] };
  };
  const deployment = stubDeployment({
    output: () => JSON.stringify([{ name: 'crm', ...URLS }]),
    clients: { queues: { send } } as never,
  });
  const args = ['receivers', 'redeliver', 'crm', '--local', '--status', 'FAILED', ...(json ? ['--json'] : [])];
  const { exitCode, lines } = await runCommand(args, { openDeployment: async () => deployment, now: () => nowMs });
  return { exitCode, lines, sent, seconds: (nowMs - START_MS) / 1000 };
}

const parsed = (lines: string[]) => lines.map((line) => redeliverLine.parse(JSON.parse(line)));

test('redeliver reaches a wanted delivery behind unwanted ones that reappear', async () => {
  const other = [dead('DELIVERED')];
  const { exitCode, lines } = await redeliverFailed([other, other, other, other, [dead('FAILED')], []], [1]);

  expect(exitCode).toBe(0);
  expect(parsed(lines)).toEqual([{ event: 'redelivered', sent: 1, left: 1, unreadable: 0, unseen: 0 }]);
});

test('redeliver exits with 1 and the number left if more unwanted deliveries appear than it can hide', async () => {
  const { exitCode, lines, seconds } = await redeliverFailed([[dead('DELIVERED')]], [5], false);

  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toBe('The DLQ reports 4 more, not looked at: run the same again.');
  expect(seconds).toBeGreaterThan(VISIBILITY_SECONDS);
});

test('redeliver reads a queue length again that still counts what was sent', async () => {
  const { exitCode, lines, sent } = await redeliverFailed([[dead('FAILED')], []], [1, 1, 0]);

  expect(exitCode).toBe(0);
  expect(parsed(lines)).toMatchObject([{ sent: 1, unseen: 0 }]);
  expect(sent.filter((name) => name === 'GetQueueAttributes')).toHaveLength(3);
});

test('redeliver without times reaches what was published long ago, or is to the clock of this machine still to come', async () => {
  const letters = [dead('FAILED', START_MS / 1000 - 40 * 86_400), dead('FAILED', START_MS / 1000 + 3600)];
  const { lines } = await redeliverFailed([letters, []], [0]);

  expect(parsed(lines)).toMatchObject([{ sent: 2, left: 0 }]);
});
