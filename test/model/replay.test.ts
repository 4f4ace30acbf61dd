import type { CliContext } from '../../cli/command.ts';
import { type DonePart, ListingError } from '../../lambdas/reconcile/ports.ts';
import { replayIn } from '../../lambdas/reconcile/replays/replay-contract.ts';
import { runCommand, stubDeployment } from '../support/cli/command-line.ts';
import { CRASH_MOMENTS } from '../support/doubles/crashable-invocation.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

const LEDGER_START = Math.floor(NOW_MS / 1000 / 900) * 900;
const DAY_BEFORE = LEDGER_START - 86_400;
const BEFORE = { fromEpochSeconds: DAY_BEFORE, toEpochSeconds: LEDGER_START };

/** Returns a running ledger, with 480 events on the day before its start, of which every fourth is stored. */
async function worldWithPast(): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  for (let n = 0; n < 480; n += 1) world.happen(numbered(n, DAY_BEFORE + n * 180), n % 4 !== 0);
  for (let n = 480; n < 500; n += 1) world.happen(numbered(n, LEDGER_START + n), false);
  await world.process();
  // Stored by a version that did not compare the time before a ledger's start.
  world.book.stragglers.clear();
  await world.live(2);
  return world;
}

const state = ({ book, ledger }: ReconcileWorld) =>
  structuredClone([book.slices, book.watermarks, book.open, book.parts, book.lease, ledger.events.size, ledger.queue]);

/** Calls the replay until it is done, with the queue's consumer in between. */
async function replayAll(world: ReconcileWorld, range = BEFORE): Promise<number> {
  let calls = 0;
  for (let { fromEpochSeconds } = range; ; ) {
    const { report } = await world.replay({ ...range, fromEpochSeconds });
    calls += 1;
    await world.process();
    if (report?.done) return calls;
    fromEpochSeconds = report?.nextFromEpochSeconds ?? fromEpochSeconds;
    if (calls > 200) throw new Error(`no end: ${JSON.stringify(report)}`);
  }
}

test('a plan counts what is missing, and neither writes nor sends anything', async () => {
  const world = await worldWithPast();
  const before = state(world);

  const { report, points } = await world.replay({ ...BEFORE, plan: true });

  expect(report).toEqual({
    state: 'ran',
    slices: 96,
    newSlices: 96,
    changedSlices: 0,
    unreachable: 0,
    expected: 480,
    missing: 360,
    sent: 360,
    stuck: 0,
    done: true,
    nextFromEpochSeconds: LEDGER_START,
  });
  expect(new Set(points)).toEqual(
    new Set(['mailgun.page', 'table.read', 'table.keysUpTo', 'table.listUpTo', 'table.lookUp']),
  );
  expect(state(world)).toEqual(before);
});

test('a plan that runs out of time inside a slice continues from its progress', async () => {
  const world = new ReconcileWorld();
  for (let n = 0; n < 3000; n += 1) world.happen(numbered(n, DAY_BEFORE + n / 4), n % 3 === 0);
  await world.process();
  world.msPerCall = 1000;
  let missing = 0;
  let calls = 0;
  let progress: DonePart[] | undefined;
  for (let fromEpochSeconds = DAY_BEFORE; calls < 50; calls += 1) {
    const range = { fromEpochSeconds, toEpochSeconds: DAY_BEFORE + 900 };
    const { report } = await world.replay({ ...range, plan: true, progress, deadlineMs: world.nowMs + 12_000 });
    missing += report?.missing ?? 0;
    progress = report?.progress;
    if (report?.done) break;
    fromEpochSeconds = report?.nextFromEpochSeconds ?? fromEpochSeconds;
  }
  expect(missing).toBe(1000);
  expect(calls).toBeGreaterThan(1);
  expect(world.book.parts.size).toBe(0);
});

test.each([
  { name: 'of short slices', msPerCall: 300, leftMs: 600_000, atLeastMs: 10_000, belowMs: 20_000 },
  { name: 'of a slice that takes longer than that', msPerCall: 12_000, leftMs: 600_000, atLeastMs: 10_000, slices: 1 },
  { name: 'whose time is up earlier', msPerCall: 300, leftMs: 5000, atLeastMs: 5000, belowMs: 10_000 },
])('a replay $name ends its call after seconds, so that its progress is seen', async (given) => {
  const { msPerCall, leftMs, atLeastMs, belowMs = leftMs, slices } = given;
  const world = await worldWithPast();
  world.msPerCall = msPerCall;
  const startedMs = world.nowMs;
  const { report } = await world.replay({ ...BEFORE, deadlineMs: startedMs + leftMs });
  const takenMs = world.nowMs - startedMs;

  expect(report).toMatchObject({ state: 'ran', done: false });
  expect(report!.slices).toBeGreaterThan(0);
  expect(report!.slices).toBe(slices ?? report!.slices);
  expect(takenMs).toBeGreaterThanOrEqual(atLeastMs);
  expect(takenMs).toBeLessThan(belowMs);
  world.msPerCall = 0;
  await replayAll(world, { ...BEFORE, fromEpochSeconds: report!.nextFromEpochSeconds });
  expect(world.sends.size).toBe(360);
});

test('replaying the time before a ledger requeues exactly what is missing, once, without an alarm', async () => {
  const world = await worldWithPast();
  world.news.length = 0;

  await replayAll(world);
  await world.live(3);

  expect(world.ledger.events.size).toBe(500);
  expect(world.sends.size).toBe(360);
  expect([...world.sends.values()].every((times) => times === 1)).toBe(true);
  expect(world.totals).toMatchObject({ expected: 500, stored: 500, missing: 0 });
  expect(world.book.open.size).toBe(0);
  expect(world.news).toEqual([]);
});

test('during a backlog a replay requeues nothing, and the next call continues from that slice', async () => {
  const world = await worldWithPast();

  const { report } = await world.replay(BEFORE);

  expect(report).toMatchObject({ state: 'backlog', done: false });
  expect(world.ledger.queue.length).toBeLessThanOrEqual(world.backlogMessages + 10);
  const { report: again } = await world.replay({ ...BEFORE, fromEpochSeconds: report!.nextFromEpochSeconds });
  expect(again).toMatchObject({ state: 'backlog', slices: 0, nextFromEpochSeconds: report!.nextFromEpochSeconds });
});

test('missing events of an open slice are not requeued while they may be in the queue', async () => {
  const world = await worldWithPast();
  const one = { fromEpochSeconds: DAY_BEFORE, toEpochSeconds: DAY_BEFORE + 900 };
  await world.replay(one);

  expect((await world.replay(one)).report).toMatchObject({ state: 'ran', missing: 3, sent: 0 });
  await world.process();
  expect((await world.replay(one)).report).toMatchObject({ state: 'ran', done: true, missing: 0 });
  expect(Math.max(...world.sends.values())).toBe(1);
});

test('replaying settled slices changes only their number of passes', async () => {
  const world = await worldWithPast();
  const range = { fromEpochSeconds: LEDGER_START, toEpochSeconds: LEDGER_START + 1800 };
  const before = structuredClone([...world.book.slices.values()]);

  const { report } = await world.replay(range);

  expect(report).toMatchObject({ slices: 2, newSlices: 0, changedSlices: 0, missing: 0, done: true });
  const touched = ({ start }: { start: number }) => start < LEDGER_START + 1800;
  const passedAgain = (slice: (typeof before)[number]) => ({
    ...slice,
    passes: slice.passes + 1,
    version: slice.version + 1,
    startedAt: world.nowMs,
    passedAt: world.nowMs,
  });
  expect([...world.book.slices.values()]).toEqual(before.map((slice) => (touched(slice) ? passedAgain(slice) : slice)));
});

test('a replay finds what Mailgun listed at neither pass', async () => {
  const world = new ReconcileWorld();
  world.times = { ...world.times, retentionSeconds: 4 * 3600 };
  world.mailgun.isListed = () => false;
  for (let n = 0; n < 10; n += 1) world.happen(numbered(n * 7, LEDGER_START + n), n < 4);
  await world.process();
  await world.live(3);
  expect(world.totals).toMatchObject({ expected: 6, stored: 6, missing: 0, unconfirmed: 6 });
  expect(world.gauges).toMatchObject({ inDoubt: 6, stuck: 0 });

  world.mailgun.isListed = () => true;
  await world.live(3);
  expect(world.totals).toMatchObject({ expected: 6, unconfirmed: 6 });

  await replayAll(world, { fromEpochSeconds: LEDGER_START, toEpochSeconds: LEDGER_START + 900 });
  await world.live(1);
  expect(world.totals).toMatchObject({ expected: 10, stored: 10, missing: 0, recovered: 4, lost: 4, unconfirmed: 0 });
  expect(world.gauges).toMatchObject({ inDoubt: 0, stuck: 0 });
  expect(world.stored.unconfirmed.size).toBe(0);
});

test('a replay that crashes at any call is resumed, and nothing is lost or stored twice', async () => {
  const range = { fromEpochSeconds: DAY_BEFORE, toEpochSeconds: DAY_BEFORE + 900 };
  const { points } = await (await worldWithPast()).replay(range);
  expect(points.length).toBeGreaterThan(10);
  for (let call = 0; call < points.length; call += 1) {
    for (const moment of CRASH_MOMENTS) {
      const world = await worldWithPast();
      const stored = world.ledger.events.size;
      await world.replay(range, { call, moment, kind: 'crash' });
      await world.process();
      // The lease of the crashed run expires.
      world.nowMs += 180_000;
      await replayAll(world, range);
      await world.live(3);
      const slice = world.book.slices.get(`${DOMAIN} ${DAY_BEFORE}`);
      const sent = [...world.sends.values()];
      expect({ point: points[call], moment, missing: slice?.missing, stored: world.ledger.events.size }).toEqual({
        point: points[call],
        moment,
        missing: {},
        stored: stored + 3,
      });
      expect(Math.max(...sent)).toBeLessThanOrEqual(2);
    }
  }
});

test('a replay ends at the first slice that is not due', async () => {
  const world = await worldWithPast();
  const toEpochSeconds = Math.floor(world.nowMs / 1000) + 3600;
  const { report } = await world.replay({ fromEpochSeconds: LEDGER_START, toEpochSeconds });
  expect(report).toMatchObject({ state: 'ran', done: true });
  expect(report!.nextFromEpochSeconds).toBeLessThan(toEpochSeconds);
});

test.each(['refuses', 'lists nothing', 'lists the rest'] as const)(
  'slices of which Mailgun %s are reported as unreachable, and not written',
  async (beyondRetention) => {
    const world = await worldWithPast();
    Object.assign(world.mailgun, { beyondRetention, retentionSeconds: 12 * 3600 });
    world.times = { ...world.times, retentionSeconds: 12 * 3600 };
    const slices = world.book.slices.size;
    const { report } = await world.replay({ fromEpochSeconds: DAY_BEFORE, toEpochSeconds: DAY_BEFORE + 1800 });
    expect(report).toMatchObject({ state: 'ran', done: true, unreachable: 2, slices: 0 });
    expect(world.book.slices.size).toBe(slices);
  },
);

test('a slice of which Mailgun lists more than the configured retention is replayed although most of it is quiet', async () => {
  const world = new ReconcileWorld();
  world.times = { ...world.times, retentionSeconds: 12 * 3600 };
  // By its first page, the slice is too large for one part.
  for (let n = 0; n < 400; n += 1) world.happen(numbered(n, DAY_BEFORE + n / 150), n % 4 !== 0);
  world.happen(numbered(500, LEDGER_START + 1), false);
  await world.process();
  world.book.stragglers.clear();
  await world.live(2);
  const { report } = await world.replay({ fromEpochSeconds: DAY_BEFORE, toEpochSeconds: DAY_BEFORE + 900 });
  expect(report).toMatchObject({ state: 'ran', done: true, unreachable: 0, slices: 1, expected: 400, missing: 300 });
});

test.each([
  { name: 'a listing that cannot be read', expected: { state: 'failed', reason: 'unauthorized' } },
  { name: 'another run', expected: { state: 'busy' } },
  { name: 'no key', expected: { state: 'off' } },
  { name: 'a domain of another account', expected: { state: 'unknown-domain' } },
])('$name stops a replay at that slice', async ({ name, expected }) => {
  const world = await worldWithPast();
  if (expected.reason) world.mailgun.failure = new ListingError('unauthorized');
  if (expected.state === 'busy') world.book.lease = { holder: 'other', until: world.nowMs + 1000 };
  if (expected.state === 'off') world.isConfigured = false;
  const domain = name.startsWith('a domain') ? 'other.example' : DOMAIN;
  const { report } = await world.replay({ ...BEFORE, domain });
  expect(report).toMatchObject({ ...expected, done: false, slices: 0, nextFromEpochSeconds: DAY_BEFORE });
});

/** Returns a context in which the command works on the world; each call takes as many milliseconds. */
function commandOn(world: ReconcileWorld, over: Partial<CliContext> = {}) {
  const lines: string[] = [];
  const invoke = async (_name: string, event: unknown) => {
    const request = replayIn(JSON.parse(JSON.stringify(event)));
    return (await world.replay({ ...request!, deadlineMs: world.nowMs + 30_000 })).report;
  };
  const about: Partial<CliContext> = {
    openDeployment: async () => stubDeployment({ domains: [DOMAIN], invoke }),
    print: (line) => lines.push(line),
    printError: (line) => lines.push(line),
    now: () => world.nowMs,
    async sleep(ms) {
      world.nowMs += ms;
      await world.process();
    },
    ...over,
  };
  const run = async (...args: string[]) => (await runCommand(['replay', '--local', ...args], about)).exitCode;
  return { lines, run };
}
const FROM_TO = ['--from', String(DAY_BEFORE), '--to', String(LEDGER_START)];

test('the replay command waits during a backlog, says so, and completes', async () => {
  const world = await worldWithPast();
  const { lines, run } = commandOn(world);

  expect(await run(...FROM_TO)).toBe(0);
  await world.process();

  expect(world.ledger.events.size).toBe(500);
  expect([...world.sends.values()].every((times) => times === 1)).toBe(true);
  expect(lines).toContain(`${DOMAIN}  waiting: the queue has a backlog, and nothing is sent into it`);
  expect(lines.at(-1)).toBe('Replayed: 480 events, 360 missing, 360 sent to the queue.');
});

test('an interrupted replay command prints the command that continues, which completes it', async () => {
  const world = await worldWithPast();
  const stop = new AbortController();
  const { lines, run } = commandOn(world, {
    async sleep() {
      await world.process();
      stop.abort();
    },
    signal: stop.signal,
  });
  expect(await run(...FROM_TO)).toBe(1);
  const resume = lines.at(-1)?.trim().replace('npm run ledger -- replay --local ', '').split(' ') ?? [];
  expect(lines.at(-2)).toBe('Continue with:');
  expect(resume).toContain('--domain');

  expect(await commandOn(world).run(...resume)).toBe(0);
  await world.process();

  expect(world.ledger.events.size).toBe(500);
  expect([...world.sends.values()].every((times) => times === 1)).toBe(true);
});

test('the printed replay plan says what it would do, and at what cost', async () => {
  const { lines, run } = commandOn(await worldWithPast());
  expect(await run(...FROM_TO, '--plan')).toBe(0);
  expect(lines.slice(1)).toEqual([
    'Plan: nothing was written, and nothing was sent.',
    '  events        480',
    '  missing       360',
    '  would send    360 to the queue',
    '  would change  96 slices written for the first time, 0 otherwise, 0 only looked at once more',
    '  would cost    at most $0.0020: 2,016 writes, 2,448 reads, 1,176 queue requests (prices of us-east-1, 2024-11-14)',
  ]);
});

test.each([
  { replay: null, expectedText: 'replay is not an object' },
  { replay: { fromEpochSeconds: 1, toEpochSeconds: 2 }, expectedText: 'replay.domain is not a string' },
  {
    replay: { domain: DOMAIN, fromEpochSeconds: '1', toEpochSeconds: 2 },
    expectedText: 'replay.fromEpochSeconds is not a time',
  },
  {
    replay: { domain: DOMAIN, fromEpochSeconds: 1, toEpochSeconds: 2.5 },
    expectedText: 'replay.toEpochSeconds is not a time',
  },
  {
    replay: { domain: DOMAIN, fromEpochSeconds: 1, toEpochSeconds: 2, plan: 'yes' },
    expectedText: 'replay.plan is not a boolean',
  },
])(
  'a malformed replay request is refused, and never taken for a scheduled run: $expectedText',
  ({ replay, expectedText }) => {
    expect(() => replayIn({ replay })).toThrow(expectedText);
  },
);

test('other invocations are not a replay', () => {
  for (const event of [undefined, null, {}, { ignoreWaits: true }]) expect(replayIn(event)).toBeUndefined();
});
