import { TargetUnavailableError } from '../../../../cli/errors.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { stubSecrets } from '../../../support/doubles/stub-secrets.ts';

test.each([
  { args: [], expected: /missing required argument 'recipient'/ },
  { args: ['ada'], expected: /^give the recipient as a bare address like ada@example.org$/ },
  { args: ['Ada <ada@example.org>'], expected: /bare address/ },
  { args: ['ada@example org'], expected: /bare address/ },
  { args: ['ada@example.org.'], expected: /bare address/ },
  { args: ["'ada@example.org'"], expected: /bare address/ },
  { args: ['ada@example.org,bob@example.org'], expected: /bare address/ },
  { args: ['mailto:ada@example.org'], expected: /bare address/ },
  { args: ['Hopper, grace@example.org'], expected: /bare address/ },
  { args: ['ada@example.org', 'bob@example.org'], expected: /too many arguments/ },
  { args: ['ada@example.org', '--env', 'dev'], expected: /cannot be combined/ },
])('erase refuses the wrong input $args', async ({ args, expected }) => {
  const { exitCode, lines, errors } = await runCommand(['erase', '--local', ...args]);
  expect(exitCode).toBe(2);
  expect(lines).toEqual([]);
  expect(errors.join('\n')).toMatch(expected);
});

test('erase reports a missing stack, or one without erasure, in one sentence', async () => {
  const gone = async () => {
    throw new TargetUnavailableError('no local stack is running on port 4010');
  };
  expect(await runCommand(['erase', 'a@b.example', '--local', '--yes'], { openDeployment: gone })).toMatchObject({
    exitCode: 1,
    lines: [],
    errors: ['no local stack is running on port 4010'],
  });
  const old = stubDeployment({
    clients: { secrets: {}, table: {}, queues: {} } as never,
    output: (key) => {
      throw new TargetUnavailableError(`the stack has no output ${key}`);
    },
  });
  expect(
    await runCommand(['erase', 'a@b.example', '--local', '--yes'], { openDeployment: async () => old }),
  ).toMatchObject({
    exitCode: 1,
    errors: ['the stack has no output ErasureKeySecretArn'],
  });
});

test('erase reports a failing service in one sentence that says to run it again', async () => {
  const failing = {
    send: async () => {
      throw new Error('no credentials');
    },
  };
  const { clients, output } = stubSecrets({ ErasureKeySecretArn: 'the erasure key' });
  const ended = async (over: object) => {
    const target = stubDeployment({ clients: { ...clients, ...over } as never, output });
    const args = ['erase', 'a@b.example', '--local', '--yes', '--json'];
    const { exitCode, json } = await runCommand(args, { openDeployment: async () => target });
    return { exitCode, lines: json() };
  };
  expect(await ended({ table: failing })).toEqual({
    exitCode: 1,
    lines: [{ event: 'error', message: 'stopped; run it again to continue: no credentials' }],
  });
  expect(await ended({ secrets: failing })).toEqual({
    exitCode: 1,
    lines: [{ event: 'error', message: 'the secret ErasureKeySecretArn cannot be read: no credentials' }],
  });
});
