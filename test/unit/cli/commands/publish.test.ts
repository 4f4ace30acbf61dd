import { TargetUnavailableError } from '../../../../cli/errors.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { publishLine } from '../../../support/cli/json-lines/publish.ts';
import { NOW_MS } from '../../../support/fixtures/webhooks.ts';

const FROM = '2026-02-02T00:00:00Z';
const FROM_MS = Date.parse(FROM);
const DONE = { state: 'ran', events: 0, statuses: 0, suppressions: 0, refused: 0, done: true, nextFromMs: NOW_MS };

interface Request {
  domain: string;
  fromMs: number;
  toMs: number;
  plan: boolean;
  rate: number;
  datedMs?: number;
}

/** Runs the command against a function with these results, call by call, followed by a result that says done. */
async function publish(args: readonly string[], results: (object | Error)[] = [], over = {}, stub = {}) {
  const requests: Request[] = [];
  let nowMs = NOW_MS;
  const target = stubDeployment({
    output: (key) => (key === 'RetentionDays' ? '90' : 'PublishFunction'),
    async invoke(name, event) {
      expect(name).toBe('publish');
      requests.push((event as { republish: Request }).republish);
      const result = results[requests.length - 1] ?? DONE;
      if (result instanceof Error) throw result;
      return { ...DONE, ...result };
    },
    ...stub,
  });
  const context = {
    openDeployment: async () => target,
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
    ...over,
  };
  const ran = await runCommand(['publish', '--local', ...args], context);
  if (args.includes('--json')) for (const line of ran.json()) publishLine.parse(line);
  return { ...ran, requests };
}

test('publish covers every domain of the stack, and events without a domain', async () => {
  const { requests, exitCode } = await publish(['--from', FROM]);

  expect(exitCode).toBe(0);
  expect(requests).toEqual([
    { domain: 'mg.example.com', fromMs: FROM_MS, toMs: NOW_MS, plan: false, rate: 50 },
    { domain: '-', fromMs: FROM_MS, toMs: NOW_MS, plan: false, rate: 50 },
  ]);
});

test('publish continues after each call, and prints the totals', async () => {
  const part = { done: false, events: 100, statuses: 40, suppressions: 2, nextFromMs: FROM_MS + 5000 };
  const { requests, lines, errors } = await publish(
    ['--from', FROM, '--domain', 'mg.example.com', '--rate', '200'],
    [part, { events: 10, statuses: 3 }],
  );

  expect(requests.map(({ fromMs, rate }) => [fromMs, rate])).toEqual([
    [FROM_MS, 200],
    [FROM_MS + 5000, 200],
  ]);
  expect([...errors, ...lines]).toEqual([
    'mg.example.com  until 2026-02-02T00:00:05Z  100 events · 40 statuses · 2 suppressions',
    'mg.example.com  until 2026-02-02T02:40:00Z  110 events · 43 statuses · 2 suppressions',
    'Published: 43 statuses and 2 suppressions.',
  ]);
  expect(lines).toHaveLength(1);
});

test('publish --plan prints what it would publish, for how long and at what cost', async () => {
  const sums = { events: 1_000_000, statuses: 400_000, suppressions: 0 };
  const args = ['--from', FROM, '--domain', 'mg.example.com', '--plan'];
  const { lines, requests } = await publish(args, [sums]);
  const json = await publish([...args, '--json'], [sums]);

  expect(requests[0]?.plan).toBe(true);
  expect(lines).toEqual([
    'Plan: nothing was published.',
    '  would publish  400,000 statuses and 0 suppressions (of 1,000,000 events read), in about 8,000 s',
    '  would cost     at most $0.6500, reads (2,000,000) included (prices of us-east-1, 2024-11-14)',
  ]);
  expect(json.json().at(-1)).toEqual({
    event: 'plan',
    complete: true,
    events: 1_000_000,
    statuses: 400_000,
    suppressions: 0,
    refused: 0,
    cost: { published: 400_000, reads: 2_000_000, dollars: expect.closeTo(0.65), seconds: 8000 },
  });
});

test.each([
  ['2025-11-04T03:39:59Z', true],
  ['2025-11-04T03:40:00Z', false],
])('publish from %s prints first whether the table has lost events: %s', async (from, isPartial) => {
  const args = ['--from', from, '--domain', 'mg.example.com'];
  const [run, plan, json] = [
    await publish(args),
    await publish([...args, '--plan']),
    await publish([...args, '--json']),
  ];

  const expected =
    'The table keeps events for 90 days: of what was decided before 2025-11-04T03:40:00Z, not all can be published.';
  for (const { lines, exitCode } of [run, plan]) {
    expect(exitCode).toBe(0);
    expect(lines.indexOf(expected)).toBe(isPartial ? 0 : -1);
  }
  const line = { event: 'partial', completeFrom: '2025-11-04T03:40:00Z', retentionDays: 90 };
  expect(json.json().filter(({ event }) => event === 'partial')).toEqual(isPartial ? [line] : []);
});

test('publish works with a stack that does not state its retention', async () => {
  const output = (key: string) => {
    if (key === 'RetentionDays') throw new TargetUnavailableError('the stub has no output RetentionDays');
    return key;
  };
  const { lines, exitCode } = await publish(['--from', '2020-01-01T00:00:00Z'], [], {}, { output });

  expect([exitCode, lines]).toEqual([0, ['Published: 0 statuses and 0 suppressions.']]);
});

test('publish waits while the bus is down, then continues', async () => {
  const failed = { state: 'failed', reason: 'ThrottlingException', done: false, nextFromMs: FROM_MS };
  const { lines, errors, exitCode } = await publish(['--from', FROM, '--domain', 'mg.example.com'], [failed, failed]);

  expect(exitCode).toBe(0);
  expect([...errors, ...lines]).toEqual([
    'mg.example.com  waiting: the bus does not take events (ThrottlingException)',
    'Published: 0 statuses and 0 suppressions.',
  ]);
});

test('publish repeats a page that failed with the date it had, and no other', async () => {
  const failed = { state: 'failed', reason: 'ThrottlingException', done: false, nextFromMs: FROM_MS, datedMs: 7000 };
  const part = { done: false, events: 100, nextFromMs: FROM_MS + 5000 };
  const { requests } = await publish(['--from', FROM, '--domain', 'mg.example.com'], [failed, part]);

  expect(requests.map(({ datedMs }) => datedMs)).toEqual([undefined, 7000, undefined]);
});

test('publish gives up after 15 minutes without a result, and prints the command that continues', async () => {
  const failed = { state: 'failed', reason: 'Timeout', done: false, nextFromMs: FROM_MS + 7000 };
  const { lines, exitCode, requests } = await publish(
    ['--from', FROM, '--domain', 'mg.example.com'],
    Array.from({ length: 500 }, () => failed),
  );

  expect(exitCode).toBe(1);
  expect(requests.length).toBeLessThan(200);
  expect(lines.slice(-2)).toEqual([
    'Continue with:',
    '  npm run ledger -- publish --local --port 4010 --from 2026-02-02T00:00:07Z --to 2026-02-02T02:40:00Z --domain mg.example.com --rate 50',
  ]);
});

test('publish given the command of a page that failed repeats it with the date it had', async () => {
  const datedMs = NOW_MS - 60_000;
  const failed = { state: 'failed', reason: 'Timeout', done: false, nextFromMs: FROM_MS + 7123, datedMs };
  const first = await publish(
    ['--from', FROM, '--domain', 'mg.example.com'],
    Array.from({ length: 500 }, () => failed),
  );
  const [, given = ''] = / publish --local --port 4010 (.*)$/.exec(first.lines.at(-1) ?? '') ?? [];
  const { requests, exitCode } = await publish(given.split(' '), [{ done: false, nextFromMs: FROM_MS + 8000 }]);

  expect(exitCode).toBe(0);
  expect(requests.map(({ fromMs, datedMs: dated }) => [fromMs, dated])).toEqual([
    [FROM_MS + 7123, datedMs],
    [FROM_MS + 8000, undefined],
  ]);
});

test('publish prints the command that continues if it is interrupted', async () => {
  const stop = new AbortController();
  const part = { done: false, events: 1, nextFromMs: FROM_MS + 9000 };
  const over = {
    signal: stop.signal,
    print: (line: string) => said.push(line),
    printError: () => stop.abort(),
  };
  const said: string[] = [];
  const { exitCode } = await publish(['--from', FROM, '--domain', 'mg.example.com'], [part], over);

  expect(exitCode).toBe(1);
  expect(said.at(-1)).toContain('--from 2026-02-02T00:00:09Z');
});

test.each([
  { name: 'refused by the bus', results: [{ refused: 2 }], expected: '2 events were refused by the bus' },
  {
    name: 'unknown to the stack',
    results: [{ state: 'unknown-domain', done: false }],
    expected: 'stopped: unknown-domain',
  },
  { name: 'of another version', results: [{ state: 7 }], expected: 'deploy this version first' },
  { name: 'none', results: [new TargetUnavailableError('publish failed')], expected: 'stopped: publish failed' },
])('publish reports as incomplete: a result that is $name', async ({ results, expected }) => {
  const { lines, exitCode } = await publish(['--from', FROM, '--domain', 'mg.example.com'], results);

  expect(exitCode).toBe(1);
  expect(lines.join('\n')).toContain(expected);
});

test('publish prints how to enable publishing if it is off', async () => {
  const openDeployment = async () => stubDeployment({});
  const { exitCode, errors } = await runCommand(['publish', '--local', '--from', '2h'], { openDeployment });

  expect(exitCode).toBe(1);
  expect(errors).toEqual(['a stub does not publish; set publish.enabled']);
});

test.each([
  { args: [], expected: "required option '--from <time>' not specified" },
  { args: ['--from', '2027-01-01T00:00:00Z'], expected: '--from has not come yet' },
  { args: ['--from', '1h', '--to', '2h'], expected: '--from is not before --to' },
  { args: ['--from', FROM, '--failed-page', `${FROM_MS}:${NOW_MS}`], expected: '--failed-page needs the --domain' },
  ...[
    ['7', 'takes what the interrupted command printed'],
    [`${FROM_MS - 1}:${NOW_MS}`, 'is not of this time'],
    [`${NOW_MS}:${NOW_MS}`, 'is not of this time'],
    [`${FROM_MS}:${NOW_MS + 3_600_000}`, 'has an impossible date'],
    [`${FROM_MS + 9000}:${FROM_MS - 1}`, 'has an impossible date'],
  ].map(([page = '', expected = '']) => ({
    args: ['--from', FROM, '--domain', 'mg.example.com', '--failed-page', page],
    expected: `--failed-page ${expected}`,
  })),
  { args: ['--from', '1h', '--rate', '0'], expected: 'whole number of at least 1' },
  { args: ['--from', '1h', '--domain', 'foreign.example'], expected: "foreign.example is not one of the stack's" },
])('publish refuses the wrong usage $args', async ({ args, expected }) => {
  const { exitCode, errors } = await publish(args);

  expect(exitCode).toBe(2);
  expect(errors.join('\n')).toContain(expected);
});
