import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { type DeadChoice, isWanted } from '../../../../cli/commands/receivers/dead-deliveries.ts';
import { STATES } from '../../../../cli/commands/receivers/list.ts';

import { outputOfItsKey, runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { enableLine, receiverLine, rotateReceiverLine } from '../../../support/cli/json-lines/receivers.ts';

const AT = 1_770_000_000;
const failed = {
  detailType: 'MessageStatusChanged',
  publishedAt: AT,
  detail: { id: 'x#failed#1', messageId: 'a@mg.example.com', status: 'FAILED' },
};
const complaint = {
  detailType: 'SuppressionChanged',
  publishedAt: AT,
  detail: { id: 'y#complained#2', kind: 'complaint' },
};

test.each<[string, Partial<DeadChoice>, boolean, boolean]>([
  ['everything of the time', {}, true, true],
  ['nothing from later on', { from: AT + 1 }, false, false],
  ['nothing from before', { to: AT }, false, false],
  ['one id', { id: 'x#failed#1' }, true, false],
  ['one type', { type: 'suppression.changed' }, false, true],
  ['one status, which no suppression has', { status: 'FAILED' }, true, false],
  ['another status', { status: 'DELIVERED' }, false, false],
  ['one kind, which no status has', { kind: 'complaint' }, false, true],
  ['another kind', { kind: 'bounce' }, false, false],
  ['one message', { message: 'a@mg.example.com' }, true, false],
  ['what every option names', { type: 'message.status.changed', status: 'FAILED', message: 'b' }, false, false],
])('redeliver by a filter sends %s', (_, choice, wantsFailed, wantsComplaint) => {
  const whole = { from: AT, to: AT + 1, ...choice };

  expect([isWanted(failed, whole), isWanted(complaint, whole)]).toEqual([wantsFailed, wantsComplaint]);
});

test.each([
  ['waiting', ['published', 'waiting']],
  ['published', ['published', 'published, unaccounted']],
  ['unaccounted', ['published, unaccounted', 'waiting, unaccounted']],
  ['acknowledged', ['acknowledged']],
  ['dead', ['dead']],
])('receivers log --state %s lists deliveries that are %j', (state, expected) => {
  const open = ['published', 'waiting'] as const;
  const all = [
    ...(['published', 'waiting', 'acknowledged', 'dead'] as const).map((each) => [each, false] as const),
    ...open.map((each) => [each, true] as const),
  ];
  const selected = all.filter(([each, isLost]) => STATES[state]?.(each, isLost));

  expect(selected.map(([each, isLost]) => (isLost ? `${each}, unaccounted` : each))).toEqual(expected);
});

test.each([
  ['without the output', {}],
  ['with an empty one', { output: () => '[]' }],
])('receivers list says of a stack %s that it has none, with --json too', async (_, over) => {
  const openDeployment = async () => stubDeployment(over);
  const text = await runCommand(['receivers', 'list', '--local'], { openDeployment });
  const { exitCode, json } = await runCommand(['receivers', 'list', '--local', '--json'], { openDeployment });

  expect(text).toMatchObject({ exitCode: 0, lines: ['a stub has no receivers.'] });
  expect({ exitCode, lines: json().map((line) => receiverLine.parse(line)) }).toEqual({
    exitCode: 0,
    lines: [{ event: 'listed', count: 0 }],
  });
});

test('receivers enable says by when a long queue is sent at the rate of the receiver', async () => {
  const receiver = { name: 'crm', url: 'https://crm.example/', secretArn: 'a', queueUrl: 'q', deadLettersUrl: 'dlq' };
  const send = async (command: object) =>
    command instanceof GetCommand
      ? { Item: { disabledAt: 1 } }
      : { Attributes: { ApproximateNumberOfMessages: '72000' } };
  const deployment = stubDeployment({
    output: (key) => (key === 'Receivers' ? JSON.stringify([{ ...receiver, ratePerSecond: 20 }]) : outputOfItsKey(key)),
    clients: { table: { send }, queues: { send } } as never,
  });
  const context = { openDeployment: async () => deployment, now: () => AT * 1000 };
  const text = await runCommand(['receivers', 'enable', 'crm', '--local'], context);
  const { json } = await runCommand(['receivers', 'enable', 'crm', '--local', '--json'], context);

  const hours = (count: number) => new Date((AT + count * 3600) * 1000).toISOString();
  expect(json().map((line) => enableLine.parse(line))).toMatchObject([{ queued: 72_000, sentBy: hours(1.5) }]);
  expect(text.lines[0]).toMatch(/^Enabled\. .*72,000.* 20 a second.*; planned retries keep their time\.$/);
});

test.each(['no JSON', '{}', ''])(
  'receivers rotate replaces a secret that is %j, which then signs alone',
  async (text) => {
    const written: string[] = [];
    const send = async (command: object) => {
      if (!(command instanceof PutSecretValueCommand)) return { SecretString: text };
      written.push(command.input.SecretString ?? '');
      return {};
    };
    const deployment = stubDeployment({
      output: () => JSON.stringify([{ name: 'crm', url: 'u', secretArn: 'a', queueUrl: 'q', deadLettersUrl: 'd' }]),
      clients: { secrets: { send } } as never,
    });
    const { exitCode, json } = await runCommand(['receivers', 'rotate', 'crm', '--local', '--yes', '--json'], {
      openDeployment: async () => deployment,
    });
    const [line] = json().map((each) => rotateReceiverLine.parse(each));

    expect([exitCode, line?.previousUntil]).toEqual([0, null]);
    expect(written.map((each) => JSON.parse(each))).toEqual([{ current: line?.secret.replace('whsec_', '') }]);
  },
);
