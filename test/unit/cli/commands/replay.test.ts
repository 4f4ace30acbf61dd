import { S3Client } from '@aws-sdk/client-s3';
import type { CliContext } from '../../../../cli/command.ts';
import { NO_COUNTS } from '../../../../cli/commands/replay/report.ts';
import { TargetUnavailableError } from '../../../../cli/errors.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { parseTime } from '../../../../cli/time.ts';
import { outputOfItsKey, runCommand, stubDeployment, withoutOutput } from '../../../support/cli/command-line.ts';
import { replayLine, restoreLine } from '../../../support/cli/json-lines/replay.ts';
import { tableOfItems } from '../../../support/doubles/stub-table.ts';

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const NOW = NOW_MS / 1000;

test.each([
  { text: '2026-11-22T08:00:00Z', seconds: NOW - 4 * 3600 },
  { text: '2026-11-22T08:00Z', seconds: NOW - 4 * 3600 },
  { text: '2026-11-22T08:00:00.900+02:00', seconds: NOW - 6 * 3600 },
  { text: '1795334400', seconds: 1795334400 },
  { text: '2026-11-22', seconds: Date.parse('2026-11-22T00:00:00Z') / 1000 },
  { text: '45s', seconds: NOW - 45 },
  { text: '30m', seconds: NOW - 1800 },
  { text: '2h', seconds: NOW - 7200 },
  { text: '3d', seconds: NOW - 3 * 86_400 },
])('replay parses the time $text', ({ text, seconds }) => {
  expect(parseTime('--from', text, NOW_MS)).toBe(seconds);
});

const NO_TIME = /^--from takes a time like/;
test.each([
  {
    args: ['--from', '2026-11-22T08:00:00', '--to', '1h'],
    expectedText: /^--from "2026-11-22T08:00:00" has no offset/,
  },
  { args: ['--from', '2026-02-30T08:00:00Z', '--to', '1h'], expectedText: NO_TIME },
  { args: ['--from', '2026-02-30', '--to', '1h'], expectedText: NO_TIME },
  { args: ['--from', '2026-11-22Z', '--to', '1h'], expectedText: NO_TIME },
  { args: ['--from', '2w', '--to', '1h'], expectedText: NO_TIME },
  { args: ['--from', '-2h', '--to', '1h'], expectedText: NO_TIME },
  { args: ['--to', '1h'], expectedText: /required option '--from <time>' not specified/ },
  { args: ['--from', '1h', '--to', '2h'], expectedText: /^--from is not before --to; without --to it goes up to now$/ },
  { args: ['--from', '2h', '--to', '2h'], expectedText: /not before/ },
  { args: ['--from', '2027-01-01T00:00Z', '--to', '2027-01-02T00:00Z'], expectedText: /has not come yet/ },
  { args: ['--from', '2h', '--to', '1h', '--env', 'dev'], expectedText: /cannot be combined/ },
  { args: ['--from', '2h', '--to', '1h', '--port', '0'], expectedText: /Give a port number/ },
  { args: ['--from', '2h', '--to', '1h', '--port', '70000'], expectedText: /Give a port number/ },
  { args: ['--from', '2h', '--to', '1h', '--fast'], expectedText: /--fast/ },
  {
    args: ['--from', '2h', '--to', '1h', '--domain', 'x.example'],
    expectedText: /^--domain x.example is not one of the stack's/,
  },
])('replay rejects $args in one sentence with exit code 2', async ({ args, expectedText }) => {
  const { exitCode, lines } = await run(['--local', ...args]);
  expect(exitCode).toBe(2);
  expect(lines).toEqual([expect.stringMatching(expectedText)]);
  expect(lines[0]).not.toContain('\n');
});

test.each([
  { args: ['--from', '2h', '--to', '1h'], expectedText: /^--env, --stack or --local is missing/ },
  { args: ['--from', '2h', '--to', '1h', '--env', 'dev', '--port', '4010'], expectedText: /^--port goes with --local/ },
])('replay requires a target: $args', async ({ args, expectedText }) => {
  const { exitCode, lines } = await run(args);
  expect({ exitCode, lines }).toEqual({ exitCode: 2, lines: [expect.stringMatching(expectedText)] });
});

test('replay ends now without --to, however recently it begins', async () => {
  const { lines } = await run(['--local', '--from', '10s', '--plan']);
  expect(lines.at(-1)).toContain('--from 2026-11-22T11:59:50Z --to 2026-11-22T12:00:00Z');
});

test('replay --help has examples and exit codes, and needs no stack', async () => {
  const { exitCode, lines } = await run(['--help']);
  expect(exitCode).toBe(0);
  expect(lines.join('\n')).toMatch(/Examples:.*npm run ledger -- replay.*Exit code: 0 .*1 .*2 /s);
});

test('replay exits with 1 for an unreachable stack, also with --json', async () => {
  const openDeployment = async () => {
    throw new TargetUnavailableError('no local stack is running');
  };
  const args = ['--local', '--from', '2h', '--to', '1h'];
  expect(await run(args, openDeployment)).toEqual({ exitCode: 1, lines: ['no local stack is running'] });
  const { lines } = await run([...args, '--json'], openDeployment);
  expect(JSON.parse(lines[0] ?? '')).toEqual({ event: 'error', message: 'no local stack is running' });
});

test('replay reports a failed call with the command that continues', async () => {
  const invoke = async () => {
    throw new TargetUnavailableError('reconcile failed: out of time');
  };
  const { exitCode, lines } = await run(['--env', 'prod', '--from', '2h', '--to', '1h'], async (ref) =>
    stubDeployment({ invoke, ref }),
  );
  expect(exitCode).toBe(1);
  expect(lines[0]).toBe('mg.example.com  stopped: reconcile failed: out of time');
  expect(lines.at(-1)?.trim()).toBe(
    'npm run ledger -- replay --env prod --from 2026-11-22T10:00:00Z --to 2026-11-22T11:00:00Z --domain mg.example.com',
  );
});

test('replay prints how it goes to standard error, so that standard output is the result alone', async () => {
  const results = [
    { state: 'busy', done: false, nextFromEpochSeconds: 0, ...NO_COUNTS },
    { state: 'ran', done: true, nextFromEpochSeconds: NOW - 3600, ...NO_COUNTS, slices: 2, expected: 9 },
  ];
  const target = stubDeployment({ invoke: async () => results.shift() });
  const args = ['replay', '--local', '--from', '2h', '--to', '1h'];
  const { lines, errors } = await runCommand(args, { openDeployment: async () => target, now: () => NOW_MS });

  expect(lines).toEqual(['Replayed: 9 events, 0 missing, 0 sent to the queue.']);
  expect(errors).toEqual([expect.stringContaining('waiting: another run'), expect.stringContaining('9 events')]);
});

test('every replay --json line matches its schema', async () => {
  const counts = {
    slices: 2,
    newSlices: 1,
    changedSlices: 1,
    expected: 9,
    missing: 3,
    sent: 3,
    stuck: 1,
    unreachable: 1,
  };
  const results = [
    { state: 'busy', done: false, nextFromEpochSeconds: 0, ...NO_COUNTS },
    { state: 'ran', done: true, nextFromEpochSeconds: NOW - 5000, ...counts },
    { state: 'off', done: false, nextFromEpochSeconds: 0, ...NO_COUNTS },
  ];
  const target = stubDeployment({ invoke: async () => results.shift() });
  const linesOfRun = async (...more: string[]) => {
    const args = ['replay', '--local', '--json', '--from', '2h', '--to', '1h', ...more];
    const { json } = await runCommand(args, { openDeployment: async () => target, now: () => NOW_MS });
    return json().map((line) => replayLine.parse(line).event);
  };

  expect(await linesOfRun('--plan')).toEqual(['waiting', 'progress', 'left', 'left', 'left', 'plan']);
  expect(await linesOfRun()).toEqual(['left', 'replayed', 'resume']);
});

test('a restore from the archive of a stack that does not say its retention counts no event as expired or kept', async () => {
  const send = async () => ({ SecretString: 'erasure-key' });
  const client = { send } as never;
  const archive = Object.assign(new S3Client({}), { send });
  const deployment = stubDeployment({
    clients: { ...tableOfItems([]), archive, secrets: client, queues: client },
    output: (key) => (key === 'RetentionDays' ? '90' : outputOfItsKey(key)),
  });
  const expiredIn = async (target: Deployment) => {
    const args = ['replay', '--local', '--from-archive', '--from', '2h', '--to', '1h', '--json', '--plan'];
    const { json } = await runCommand(args, { openDeployment: async () => target, now: () => NOW_MS });
    return json().map((line) => restoreLine.parse(line));
  };
  expect(await expiredIn(deployment)).toMatchObject([{ event: 'plan', expired: 0 }]);
  expect(await expiredIn(withoutOutput(deployment, 'RetentionDays'))).toMatchObject([{ event: 'plan', expired: null }]);
});

test('replay refuses --restored with --from-archive, which notes the begin itself', async () => {
  const { exitCode, lines } = await run(['--local', '--from', '2h', '--from-archive', '--restored']);
  expect({ exitCode, lines }).toEqual({
    exitCode: 2,
    lines: ['--from-archive does what --restored does; leave it out'],
  });
});

test('replay --json reports wrong usage as a line', async () => {
  const { exitCode, json, errors } = await runCommand(['replay', '--local', '--json', '--to', '2h']);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [] });
  expect(json()).toEqual([{ event: 'error', message: "required option '--from <time>' not specified" }]);
});

test('the command that continues a replay has the same options', async () => {
  const calls: unknown[] = [];
  const invoke = async (_: string, event: unknown) => {
    calls.push(event);
    throw new TargetUnavailableError('out of time');
  };
  const openDeployment: CliContext['openDeployment'] = async (ref) => stubDeployment({ invoke, ref });
  const { lines } = await run(['--local', '--port', '4020', '--from', '2h', '--to', '1h', '--plan'], openDeployment);
  const command = lines.at(-1)?.trim() ?? '';
  expect(command).toMatch(/^npm run ledger -- replay --local --port 4020 /);
  await run(command.split(' ').slice(5), openDeployment);
  expect(calls[1]).toEqual(calls[0]);
});

const run = async (
  args: readonly string[],
  openDeployment: CliContext['openDeployment'] = async () => stubDeployment({ invoke: async () => ({}) }),
) => {
  const { exitCode, lines, errors } = await runCommand(['replay', ...args], { openDeployment, now: () => NOW_MS });
  return { exitCode, lines: [...lines, ...errors] };
};
