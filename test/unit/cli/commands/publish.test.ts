import { TargetUnavailableError } from '../../../../cli/errors.ts';
import { republishIn } from '../../../../lambdas/publish/republish-contract.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { publishLine } from '../../../support/cli/json-lines/publish.ts';
import { openRepublish, START_MS } from '../../../support/doubles/republish-ledger.ts';
import { DOMAIN, NOW_MS } from '../../../support/fixtures/webhooks.ts';

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
    { domain: 'mg.example.com', fromMs: FROM_MS, toMs: NOW_MS, plan: false, rate: 50, datedMs: NOW_MS },
    { domain: '-', fromMs: FROM_MS, toMs: NOW_MS, plan: false, rate: 50, datedMs: NOW_MS },
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

test('publish dates each call anew, and repeats one that failed under its date, up to its end', async () => {
  const failed = { state: 'failed', reason: 'ThrottlingException', done: false, nextFromMs: FROM_MS + 1000 };
  const part = (ms: number) => ({ done: false, events: 100, nextFromMs: FROM_MS + ms });
  const results = [part(500), failed, part(2000), { nextFromMs: NOW_MS }];
  let nowMs = NOW_MS;
  const { requests } = await publish(['--from', FROM, '--domain', 'mg.example.com'], results, { now: () => ++nowMs });

  const [first, second, third, fourth] = requests.map(({ datedMs = 0 }) => datedMs);
  expect(second).toBeGreaterThan(first as number);
  expect([third, fourth]).toEqual([second, second]);
  expect(requests.map(({ fromMs }) => fromMs - FROM_MS)).toEqual([0, 500, 1000, 2000]);
});

test('publish goes through a long range day by day', async () => {
  const results = [1, 2].map((day) => ({ nextFromMs: FROM_MS + day * 86_400_000 }));
  const args = ['--from', FROM, '--to', '2026-02-04T12:00:00Z', '--domain', 'mg.example.com'];
  const { requests } = await publish(args, [...results, { nextFromMs: FROM_MS + 2.5 * 86_400_000 }], {
    now: () => FROM_MS + 9 * 86_400_000,
  });

  expect(requests.map(({ fromMs, toMs }) => [fromMs, toMs].map((ms) => (ms - FROM_MS) / 86_400_000))).toEqual([
    [0, 1],
    [1, 2],
    [2, 2.5],
  ]);
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
    '  npm run ledger -- publish --local --port 4010 --from 2026-02-02T00:00:07Z --to 2026-02-02T02:40:00Z --domain mg.example.com --rate 50 ' +
      `--begun ${FROM_MS + 7000}:${NOW_MS}:${NOW_MS}`,
  ]);
});

test.each(['failed', 'lost'])(
  'publish given the command after a call that %s repeats it under its date',
  async (how) => {
    const failed = { state: 'failed', reason: 'Timeout', done: false, nextFromMs: FROM_MS + 7123 };
    const results =
      how === 'failed'
        ? Array.from({ length: 500 }, () => failed)
        : [{ done: false, nextFromMs: FROM_MS + 7123 }, new TargetUnavailableError('no reply')];
    const first = await publish(['--from', FROM, '--domain', 'mg.example.com'], results);
    const [, given = ''] = / publish --local --port 4010 (.*)$/.exec(first.lines.at(-1) ?? '') ?? [];
    const now = () => NOW_MS + 60_000;
    const { requests, exitCode } = await publish(given.split(' '), [{ done: false, nextFromMs: FROM_MS + 8000 }], {
      now,
    });

    expect(exitCode).toBe(0);
    expect(requests.map(({ fromMs, toMs, datedMs }) => [fromMs, toMs, datedMs])).toEqual([
      [FROM_MS + 7123, NOW_MS, NOW_MS],
      [FROM_MS + 8000, NOW_MS, NOW_MS],
    ]);
  },
);

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
  { args: ['--from', FROM, '--begun', `${FROM_MS}:${NOW_MS}:${NOW_MS}`], expected: '--begun needs the --domain' },
  ...[
    ['7', 'takes what the interrupted command printed'],
    [`${FROM_MS}:${NOW_MS}`, 'takes what the interrupted command printed'],
    [`${FROM_MS - 1}:${NOW_MS}:${NOW_MS}`, 'is not of this time'],
    [`${NOW_MS}:${NOW_MS}:${NOW_MS}`, 'is not of this time'],
    [`${FROM_MS}:${NOW_MS + 1}:${NOW_MS}`, 'is not of this time'],
    [`${FROM_MS}:${NOW_MS}:${NOW_MS + 3_600_000}`, 'has an impossible date'],
    [`${FROM_MS + 9000}:${NOW_MS}:${FROM_MS - 1}`, 'has an impossible date'],
  ].map(([page = '', expected = '']) => ({
    args: ['--from', FROM, '--domain', 'mg.example.com', '--begun', page],
    expected: `--begun ${expected}`,
  })),
  { args: ['--from', '1h', '--rate', '0'], expected: 'whole number of at least 1' },
  { args: ['--from', '1h', '--domain', 'foreign.example'], expected: "foreign.example is not one of the stack's" },
])('publish refuses the wrong usage $args', async ({ args, expected }) => {
  const { exitCode, errors } = await publish(args);

  expect(exitCode).toBe(2);
  expect(errors.join('\n')).toContain(expected);
});

describe('publish, cut at any call of the bus and continued by the command it printed', () => {
  const EVENTS = Array.from({ length: 230 }, (_, n) => ({ n, atMs: START_MS + n * 40 }));
  const TO = Math.ceil(START_MS / 1000) + 60;

  /** Runs it whole where `call` is undefined; else the function ends at that call, or the operator does. */
  async function run(cut: { call: number; isAfter: boolean; byOperator: boolean } | undefined) {
    const stop = new AbortController();
    let deaths = 0;
    let endCall = (_: Error) => {};
    const ledger = openRepublish(
      EVENTS,
      () => undefined,
      cut && {
        ...cut,
        die() {
          deaths += 1;
          if (cut.byOperator) stop.abort();
          else endCall(new TargetUnavailableError('the function ended'));
          return new Promise<never>(() => {});
        },
      },
    );
    ledger.wait(START_MS + 3_600_000);
    const deployment = stubDeployment({
      output: () => 'x',
      invoke: (_, event) => {
        const request = republishIn(event);
        if (request === undefined) throw new Error('no request');
        const died = new Promise<never>((_, reject) => {
          endCall = reject;
        });
        return Promise.race([ledger.run({ ...request, deadlineMs: ledger.clock() + 60 }), died]);
      },
    });
    let line: string[] = ['--from', String(START_MS / 1000), '--to', String(TO), '--domain', DOMAIN];
    for (let runs = 0; ; runs += 1) {
      const { exitCode, lines } = await runCommand(['publish', '--local', ...line], {
        openDeployment: async () => deployment,
        now: ledger.clock,
        ...(runs === 0 && { signal: stop.signal }),
      });
      if (exitCode === 0) return { ...ledger, deaths, runs };
      const [, next = ''] = / publish --local --port 4010 (.*)$/.exec(lines.at(-1) ?? '') ?? [];
      if (runs > 5) throw new Error(lines.join('\n'));
      line = next.split(' ');
      ledger.wait(3_600_000);
    }
  }

  test('it publishes everything, and leaves no delivery noted that is not made', async () => {
    const whole = await run(undefined);
    expect(whole.announced).toHaveLength(230);

    let cuts = 0;
    for (const isAfter of [false, true]) {
      for (const byOperator of [false, true]) {
        for (let call = 1; call <= 23; call += 1) {
          const { noted, delivered, announced, deaths } = await run({ call, isAfter, byOperator });
          cuts += deaths;
          expect({ call, noted: [...noted].toSorted() }).toEqual({ call, noted: [...delivered].toSorted() });
          expect(new Set(announced.map(({ id }) => id)).size).toBe(230);
        }
      }
    }
    expect(cuts).toBe(4 * 23);
  });
});
