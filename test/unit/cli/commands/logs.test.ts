import { logText } from '../../../../cli/commands/logs.ts';
import { TargetUnavailableError } from '../../../../cli/errors.ts';
import { type Deployment, fits, parseLogEntry } from '../../../../cli/target/types.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { logsCountLine, logsLine } from '../../../support/cli/json-lines/logs.ts';

const AT = Date.parse('2026-11-22T12:00:00.250Z');
const entry = (facts: object | string, atMs = AT) =>
  parseLogEntry(atMs, typeof facts === 'string' ? facts : JSON.stringify(facts));

test.each([
  [
    entry({ message: 'webhook refused', reason: 'stale', Reason: 'stale', Ledger: 'x', _aws: {}, n: 3 }),
    '2026-11-22T12:00:00.250Z  webhook refused  reason=stale  n=3',
  ],
  [entry({ status: '200', time: '1' }), '2026-11-22T12:00:00.250Z  status=200'],
  [entry('Error: out of memory'), '2026-11-22T12:00:00.250Z  Error: out of memory'],
])('logs prints as text: %j', (given, text) => {
  expect(logText(given)).toBe(text);
});

test('logs filters lines by a part of their message', () => {
  const entries = [entry({ message: 'webhook refused' }), entry({ message: 'other' }), entry({ status: '200' })];
  expect(entries.filter(fits({ message: 'refused' }))).toEqual([entries[0]]);
  expect(entries.filter(fits())).toEqual(entries);
});

test('logs filters lines of an access log by a part of any value, and by status', () => {
  const entries = [
    entry({ status: 200, integrationError: '-' }),
    entry({ status: '429', integrationError: '-' }),
    entry({ status: 500, integrationError: 'Internal Server Error' }),
    entry({ message: 'a line without a status' }),
  ];

  expect(entries.filter(fits({ message: 'Server' }))).toEqual([entries[2]]);
  expect(entries.filter(fits({ status: { from: 400, to: 499 } }))).toEqual([entries[1]]);
  expect(entries.filter(fits({ status: { from: 200, to: 500 }, message: '-' }))).toEqual(entries.slice(0, 2));
});

test.each([
  ['503', { from: 503, to: 503 }],
  ['4xx', { from: 400, to: 499 }],
  ['5XX', { from: 500, to: 599 }],
])('logs filters lines by --status %s', async (text, status) => {
  const calls: unknown[] = [];
  const logs: Deployment['logs'] = async (_source, _since, filter) => {
    calls.push(filter);
    return [];
  };
  const openDeployment = async () => stubDeployment({ logs });
  const { exitCode } = await runCommand(['logs', 'read-access', '--local', '--status', text], { openDeployment });

  expect([exitCode, calls]).toEqual([0, [{ status }]]);
});

test.each([
  ['read-access', '5x', /such as 503, or 5xx/],
  ['read-access', '700', /such as 503, or 5xx/],
  ['ingest', '503', /--status is for access logs \(webhook-access, read-access\)/],
])('logs %s --status %s is wrong usage', async (source, status, message) => {
  const { exitCode, errors } = await runCommand(['logs', source, '--local', '--status', status]);

  expect([exitCode, errors.join()]).toEqual([2, expect.stringMatching(message)]);
});

test('logs reads the last 15 minutes, or from the given time on', async () => {
  const calls: unknown[] = [];
  const openDeployment = async () =>
    stubDeployment({
      logs: async (...args) => {
        calls.push(args);
        return [];
      },
    });
  const context = { openDeployment, now: () => AT };
  const { exitCode, lines, errors } = await runCommand(['logs', 'ingest', '--local'], context);
  await runCommand(['logs', 'process', '--local', '--since', '1h', '--message', 'failed'], context);
  expect([exitCode, lines, errors]).toEqual([0, [], ['no matching line since 2026-11-22T11:45:00.000Z']]);
  expect(calls).toEqual([
    ['ingest', Date.parse('2026-11-22T11:45:00Z'), {}],
    ['process', Date.parse('2026-11-22T11:00:00Z'), { message: 'failed' }],
  ]);
});

test('logs --follow prints every line once, also several in one millisecond, until it is interrupted', async () => {
  const all = [entry({ message: 'a' }), entry({ message: 'b' })];
  const arriving = [entry({ message: 'c' }), entry({ message: 'd' }, AT + 5)];
  const stop = new AbortController();
  const { json } = await runCommand(['logs', 'ingest', '--local', '--follow', '--json'], {
    now: () => AT,
    openDeployment: async () =>
      stubDeployment({ logs: async (_source, sinceMs) => all.filter(({ atMs }) => atMs >= sinceMs) }),
    sleep: async () => {
      const next = arriving.shift();
      if (next === undefined) stop.abort();
      else all.push(next);
    },
    signal: stop.signal,
  });
  expect(json().map((line) => logsLine.parse(line).facts.message)).toEqual(['a', 'b', 'c', 'd']);
});

test('logs refuses an unknown source and lists the known ones', async () => {
  const { exitCode, errors } = await runCommand(['logs', 'unknown', '--local']);
  expect([exitCode, errors.join()]).toEqual([2, expect.stringContaining('ingest, process, reconcile')]);
});

test('logs --count counts an access log by status', async () => {
  const openDeployment = async () =>
    stubDeployment({ logs: async () => [200, 200, 503].map((status, nth) => entry({ status }, AT + nth)) });
  const { lines } = await runCommand(['logs', 'webhook-access', '--local', '--count'], { openDeployment });
  const { json } = await runCommand(['logs', 'webhook-access', '--local', '--count', '--json'], { openDeployment });

  expect(lines).toEqual([expect.stringMatching(/^3 lines since \S+, 2 with 200, 1 with 503$/)]);
  expect(json().map((line) => logsCountLine.parse(line))).toEqual([
    { event: 'count', count: 3, statuses: { 200: 2, 503: 1 } },
  ]);
});

test('logs --limit prints the newest lines, --count only their number', async () => {
  const openDeployment = async () =>
    stubDeployment({ logs: async () => ['a', 'b', 'c'].map((message, nth) => entry({ message }, AT + nth)) });
  const limited = await runCommand(['logs', 'ingest', '--local', '--json', '--limit', '2'], { openDeployment });
  const counted = await runCommand(['logs', 'ingest', '--local', '--json', '--count'], { openDeployment });
  const both = await runCommand(['logs', 'ingest', '--local', '--count', '--follow'], { openDeployment });
  expect(limited.json().map((line) => logsLine.parse(line).facts.message)).toEqual(['b', 'c']);
  expect(counted.json().map((line) => logsCountLine.parse(line))).toEqual([
    { event: 'count', count: 3, statuses: null },
  ]);
  expect(both).toMatchObject({ exitCode: 2, errors: [expect.stringMatching(/cannot be combined/)] });
});

test('logs of a function that the stack lacks exits with 2, and shows no empty log', async () => {
  const logs = async () => {
    throw new TargetUnavailableError('the stack has no output DeliverLogGroup');
  };
  const openDeployment = async () => stubDeployment({ logs });
  const result = await runCommand(['logs', 'deliver', '--local'], { openDeployment });
  expect({ ...result, json: undefined }).toMatchObject({
    exitCode: 2,
    lines: [],
    errors: ['a stub has no deliver: it is off in the configuration, or not deployed yet'],
  });
});
