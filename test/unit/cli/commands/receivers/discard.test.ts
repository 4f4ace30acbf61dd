import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import type { CliContext } from '../../../../../cli/command.ts';
import { encodeQueuedEvent } from '../../../../../lambdas/domain/publishing/delivery.ts';
import { runCommand, stubDeployment } from '../../../../support/cli/command-line.ts';
import { discardDeadLine } from '../../../../support/cli/json-lines/receivers.ts';

const RECEIVER = { name: 'crm', url: 'https://crm.example', secretArn: 'a', queueUrl: 'q', deadLettersUrl: 'dlq' };

const dead = (status: string) =>
  encodeQueuedEvent({
    detailType: 'MessageStatusChanged',
    publishedAt: 1_770_000_000,
    requestedAt: 0,
    detail: { id: status, status },
  });

/** A DLQ that hides what it gives; `heldFrom` is the number of the first receive that gets nothing. */
function createDlq(bodies: string[], heldFrom = Number.POSITIVE_INFINITY) {
  const messages = new Map(bodies.map((Body, nth) => [`${nth}`, { Body, isHidden: false }]));
  let receives = 0;
  const send = async (command: object) => {
    if (command instanceof ReceiveMessageCommand) {
      receives += 1;
      const visible = receives < heldFrom ? [...messages].filter(([, { isHidden }]) => !isHidden) : [];
      for (const [, message] of visible) message.isHidden = true;
      return { Messages: visible.map(([id, { Body }]) => ({ MessageId: id, ReceiptHandle: id, Body })) };
    }
    if (command instanceof ChangeMessageVisibilityCommand) {
      const message = messages.get(String(command.input.ReceiptHandle));
      if (message) message.isHidden = false;
    } else if (command instanceof DeleteMessageCommand) messages.delete(String(command.input.ReceiptHandle));
    else if (command instanceof GetQueueAttributesCommand)
      return { Attributes: { ApproximateNumberOfMessages: messages.size } };
    else throw new Error(`unexpected ${command.constructor.name}`);
    return {};
  };
  return { send, messages, left: () => [...messages.values()].map(({ Body }) => Body) };
}

async function discard(dlq: ReturnType<typeof createDlq>, args: string[], over: Partial<CliContext> = {}) {
  const deployment = stubDeployment({
    output: () => JSON.stringify([RECEIVER]),
    clients: { queues: { send: dlq.send } } as never,
  });
  const { exitCode, json } = await runCommand(['receivers', 'discard', 'crm', '--local', '--json', ...args], {
    openDeployment: async () => deployment,
    ...over,
  });
  const [errors, lines] = [json().filter(isError), json().filter((line) => !isError(line))];
  return { exitCode, errors: JSON.stringify(errors), lines: lines.map((line) => discardDeadLine.parse(line)) };
}

const isError = (line: unknown) => (line as { event: string }).event === 'error';

const [failed, delivered] = [dead('FAILED'), dead('DELIVERED')];
const bodies = [failed, 'no event', delivered];

test.each([
  [
    'all readable ones of a type',
    ['--type', 'message.status.changed'],
    { dead: 2, left: 0, unreadable: 1 },
    ['no event'],
  ],
  ['those of a status', ['--status', 'FAILED'], { dead: 1, left: 1, unreadable: 1 }, ['no event', delivered]],
  ['what holds no event', ['--unreadable'], { dead: 1, left: 2, unreadable: 0 }, [failed, delivered]],
])('discard deletes %s, and leaves the rest', async (_, args, { dead: deleted, ...rest }, left) => {
  const dlq = createDlq(bodies);
  const { exitCode, lines } = await discard(dlq, ['--yes', ...args]);

  expect(lines).toEqual([
    { event: 'plan', dead: deleted, ...rest, unseen: 0 },
    { event: 'discarded', deleted, ...rest, unseen: 0 },
  ]);
  expect([exitCode, dlq.left()]).toEqual([0, left]);
});

test.each([
  ['--plan', ['--plan', '--status', 'FAILED'], 0, /^\[\]$/],
  ['no answer to the question', ['--status', 'FAILED'], 2, /--yes/],
  ['nothing that selects', ['--yes'], 2, /name what to delete/],
  [
    'an option that matches nothing',
    ['--status', 'COMPLAINED', '--yes'],
    2,
    /nothing in the DLQ of crm matches; what holds no event is for --unreadable/,
  ],
  ['--unreadable and a choice', ['--unreadable', '--kind', 'bounce', '--yes'], 2, /cannot be combined/],
])('discard deletes nothing with %s', async (_, args, expected, says) => {
  const dlq = createDlq(bodies);
  const { exitCode, errors } = await discard(dlq, args);

  expect([exitCode, errors]).toEqual([expected, expect.stringMatching(says)]);
  expect(dlq.left()).toEqual(bodies);
});

test('discard exits with 1 where another reader holds what it has counted', async () => {
  // The plan has made three receives.
  const { exitCode, lines } = await discard(createDlq([failed], 4), ['--status', 'FAILED', '--yes']);

  expect([exitCode, lines.at(-1)]).toEqual([1, { event: 'discarded', deleted: 0, left: 0, unreadable: 0, unseen: 1 }]);
});

test('discard leaves what has died since it asked', async () => {
  const dlq = createDlq([failed]);
  const ask = async () => {
    dlq.messages.set('later', { Body: failed, isHidden: false });
    return 'y';
  };
  const { exitCode, lines } = await discard(dlq, ['--status', 'FAILED'], { ask });

  expect([exitCode, lines.at(-1), dlq.left()]).toEqual([
    0,
    { event: 'discarded', deleted: 1, left: 1, unreadable: 0, unseen: 0 },
    [failed],
  ]);
});
