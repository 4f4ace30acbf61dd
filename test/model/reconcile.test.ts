import { secondPassSeconds } from '../../lambdas/contract.ts';
import { identify } from '../../lambdas/domain/events/identity.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import { createLedgerNaming, placeName } from '../../lambdas/domain/ledger/ledger-name.ts';
import { stateOf } from '../../lambdas/domain/ledger/slice.ts';
import { ListingError, type ListingFailure } from '../../lambdas/reconcile/ports.ts';
import { ERASURE_KEY } from '../support/fixtures/erasures.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import { NO_EVENTS, numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

const START = NOW_MS / 1000;
const SLICE_START = Math.floor(START / 900) * 900;

/** Returns a world with this many events in its first slice; the webhook of every `dropped`-th was lost. */
async function worldWith(events: number, dropped = 0) {
  const world = new ReconcileWorld();
  for (let n = 0; n < events; n += 1) {
    world.happen(numbered(n, SLICE_START + (n * 900) / events), dropped > 0 && n % dropped === 0);
  }
  await world.process();
  world.nowMs = (SLICE_START + 900 + 1800) * 1000;
  return world;
}
const first = (world: ReconcileWorld) => world.book.slices.get(`${DOMAIN} ${SLICE_START}`)!;

test('a slice with nothing missing is settled by one pass, which reads only its failures from the table', async () => {
  const world = await worldWith(1000);
  expect(await world.report()).toEqual({ slices: 1, expected: 1000, missing: 0, sent: 0, open: 0, done: true });
  expect(world.stored.lookedUp).toBe(world.mailgun.events.filter(({ event }) => event === 'failed').length);
  expect(world.mailgun.calls).toBe(5);
});

test('a missing event is requeued once, and settles in the next pass as recovered, lost or polled', async () => {
  const world = await worldWith(1000, 10);
  expect(await world.report()).toMatchObject({ expected: 1000, missing: 100, sent: 100, open: 1 });
  await world.process();
  world.nowMs += 900_000;
  expect(await world.report()).toMatchObject({ missing: 0, sent: 0, open: 0, done: true });
  const { recovered, polled, lost, late } = world.totals;
  const dropped = Array.from({ length: 100 }, (_, n) => numbered(n * 10, 0).event);
  expect({ recovered, polled, lost, late }).toEqual({
    recovered: dropped.filter((name) => name !== 'stored').length,
    polled: dropped.filter((name) => name === 'stored').length,
    lost: dropped.filter((name) => name === 'delivered').length,
    late: dropped.filter((name) => name !== 'stored' && name !== 'delivered').length,
  });
});

test('at the second pass every event without a webhook counts as lost, and is reported once', async () => {
  const world = await worldWith(70, 7);
  await world.live(26);
  expect(world.totals).toMatchObject({ missing: 0, recovered: 10, lost: 10, late: 0 });
  expect(world.news.reduce((sum, { lost }) => sum + lost, 0)).toBe(10);
});

test('another pass over a settled slice keeps every count', async () => {
  const world = await worldWith(50);
  await world.report();
  const before = structuredClone(first(world));
  world.nowMs += 900_000;
  await world.report(true);
  const times = { startedAt: world.nowMs, passedAt: world.nowMs };
  expect(first(world)).toEqual({ ...before, ...times, passes: before.passes + 1, version: before.version + 1 });
});

test.each([0, 10])(
  'a listing that comes back empty lowers no number and leaves the slice short (1 of %d dropped)',
  async (dropped) => {
    const world = await worldWith(50, dropped);
    await world.report();
    await world.process();
    world.nowMs += 900_000;
    await world.report();
    const { expected, stored, missing, recovered, polled, lost, unconfirmed, tags } = structuredClone(first(world));
    world.mailgun.isListed = () => false;
    world.nowMs += 900_000;
    await world.report(true);
    expect(first(world)).toMatchObject({ expected, stored, missing, recovered, polled, unconfirmed, tags, short: 50 });
    expect(total(first(world).lost)).toBeGreaterThanOrEqual(total(lost));
    expect(stateOf(first(world))).toBe('short');

    world.mailgun.isListed = () => true;
    world.nowMs += 900_000;
    await world.report(true);
    expect([stateOf(first(world)), world.book.open.size]).toEqual(['settled', 0]);
  },
);

test('an empty listing does not settle a slice with missing events', async () => {
  const world = await worldWith(50, 10);
  await world.report();
  world.ledger.queue = [];
  world.mailgun.isListed = () => false;
  world.nowMs += 900_000;
  expect(await world.report()).toMatchObject({ missing: 5, sent: 0, open: 1 });
});

test.each([
  ['an event', false],
  ['a tombstone', true],
])(
  '%s that waited in the queue during the first pass is unconfirmed if it was never listed',
  async (_what, isErased) => {
    const world = new ReconcileWorld();
    world.happen(numbered(1, SLICE_START + 10), false);
    await world.process();
    const forged = numbered(900, SLICE_START + 20, { id: 'forged' });
    if (isErased) world.erasures.mark(String(forged.recipient));
    world.webhook(forged);
    world.nowMs = (SLICE_START + 900 + 1800) * 1000;
    await world.run();
    expect(first(world)).toMatchObject({ passes: 1, unconfirmed: NO_EVENTS });
    await world.process();
    await world.live(25);
    expect([total(first(world).unconfirmed), first(world).short, stateOf(first(world))]).toEqual([1, 0, 'settled']);
    expect(world.stored.unconfirmed.size).toBe(1);
  },
);

test('an event that was stored but never listed is unconfirmed, and is reported at the second pass', async () => {
  const world = await worldWith(20);
  const forged = numbered(900, SLICE_START + 5, { id: 'forged' });
  world.webhook(forged);
  await world.process();
  await world.report();
  expect([total(first(world).expected), total(first(world).listed), first(world).missing]).toEqual([21, 20, {}]);
  expect(total(first(world).unconfirmed)).toBe(1);
  expect(first(world).unconfirmedNames).toEqual([createLedgerNaming(ERASURE_KEY)(identify(forged, DOMAIN))]);
  expect(world.news).toEqual([]);
  await world.report(true);
  expect(world.news).toEqual([
    { domain: DOMAIN, start: SLICE_START, end: SLICE_START + 900, lost: 0, unconfirmed: 1, altered: 0 },
  ]);
  expect([...world.stored.unconfirmed.keys()]).toEqual([placeName(identify(forged, DOMAIN))]);

  // It stays unconfirmed until Mailgun lists it, whatever runs and crashes follow.
  await world.live(2);
  expect(world.gauges).toMatchObject({ inDoubt: 1 });
  world.mailgun.add(forged);
  await world.report(true);
  expect([world.gauges.inDoubt, await world.book.readDoubts(DOMAIN)]).toEqual([0, []]);
  await world.book.putDoubt(DOMAIN, SLICE_START);
  await world.report();
  expect([world.gauges.inDoubt, await world.book.readDoubts(DOMAIN)]).toEqual([0, []]);
});

test('an event listed late is found by the second pass', async () => {
  const world = await worldWith(20);
  world.mailgun.add(numbered(900, SLICE_START + 5));
  world.mailgun.isListed = ({ id }) => id !== 'id-900' || world.nowMs > (SLICE_START + 6 * 3600) * 1000;
  await world.live(23);
  expect(world.totals).toMatchObject({ missing: 0, expected: 20 });
  await world.live(3);
  expect(world.totals).toMatchObject({ missing: 0, expected: 21, stored: 21 });
  expect(world.sends.get('id-900')).toBe(1);
});

test('the slice of an event that names no domain counts and sends none of the others that its listings hold', async () => {
  const world = await worldWith(50);
  world.domains = [...world.domains, { name: 'other.example.com', region: 'us' }];
  const nameless = numbered(50, SLICE_START + 10);
  world.mailgun.add(nameless);
  world.webhook(nameless, '-');
  await world.process();
  await world.report();
  world.nowMs += 2 * 86_400_000;
  await world.report();
  const slice = world.book.slices.get(`- ${SLICE_START}`)!;
  expect([total(slice.listed), total(slice.stored), slice.missing, slice.unconfirmed]).toEqual([1, 1, {}, {}]);
});

test.each([
  'while this one is frozen, before it writes the slice',
  'and writes the slice, just as this one drops the marker',
])('a doubt that another run marks %s stays marked', async (moment) => {
  const world = await worldWith(20);
  await world.run();
  await world.book.putDoubt(DOMAIN, SLICE_START);
  const { read, dropDoubt } = world.book;
  const isFrozen = moment.startsWith('while');
  const write = () => {
    const doubtful = { ...first(world), unconfirmed: { delivered: 1 }, finalAt: world.nowMs };
    world.book.slices.set(`${DOMAIN} ${SLICE_START}`, doubtful);
  };
  if (isFrozen) {
    world.book.read = async (domain, start) => {
      const slice = await read.call(world.book, domain, start);
      world.nowMs += 150_000;
      return slice;
    };
  } else {
    world.book.dropDoubt = async (domain, start) => {
      write();
      await dropDoubt.call(world.book, domain, start);
    };
  }
  await world.run();
  expect(await world.book.readDoubts(DOMAIN)).toEqual([SLICE_START]);
});

describe('with totals, the second pass', () => {
  /** Returns a ledger of four slices with ten events each; only the late ones came without a webhook. */
  async function passedOnce(): Promise<ReconcileWorld> {
    const world = new ReconcileWorld();
    world.mailgun.hasTotals = true;
    for (let n = 0; n < 40; n += 1) world.happen(numbered(n, NOW_MS / 1000 + n * 90), false);
    await world.process();
    await world.live(2);
    world.mailgun.calls = 0;
    return world;
  }
  const listingCalls = ({ mailgun }: ReconcileWorld) => mailgun.calls - mailgun.totalsAsked;

  test('does not list slices that have not changed', async () => {
    const world = await passedOnce();
    const slices = [...world.book.slices.values()].slice(0, 4);
    await world.live(26);
    const passed = [...world.book.slices.values()].slice(0, 4);
    expect(passed.map(({ passes, finalAt }) => [passes, finalAt === null])).toEqual(Array(4).fill([2, false]));
    expect(passed.map(({ listed, stored, tags }) => ({ listed, stored, tags }))).toEqual(
      slices.map(({ listed, stored, tags }) => ({ listed, stored, tags })),
    );
    // Each slice is listed at its first pass, in two calls if it has events; the second pass only asks for its total.
    const first = [...world.book.slices.values()].length - 4;
    expect(world.mailgun.totalsAsked).toBeGreaterThanOrEqual(4);
    expect(listingCalls(world)).toBeLessThanOrEqual(2 * first);
  });

  test('finds an event that was listed late', async () => {
    const world = await passedOnce();
    world.mailgun.add(numbered(90, NOW_MS / 1000 + 95, { id: 'late' }));
    await world.live(26);
    expect([world.sends.get('late'), world.totals.missing, world.totals.stored]).toEqual([1, 0, 41]);
  });

  test('merges a redacted copy that took the place of another, which was merged into the next slice', async () => {
    const world = new ReconcileWorld();
    world.mailgun.hasTotals = true;
    world.mailgun.rounding = 'millisecond';
    // Its webhooks belong to the first slice; the listing rounds up into the second.
    const event = numbered(0, Math.ceil(NOW_MS / 900_000 + 1) * 900 - 0.0005);
    world.mailgun.add(event);
    const store = (recipient: string) => {
      world.webhook({ ...event, recipient });
      return world.process();
    };
    await store('***');
    await world.live(4);
    await store('[redacted]');
    await world.live(26);
    expect([...world.ledger.events.values()].map(({ event: { recipient } }) => recipient)).toEqual([event.recipient]);
  });

  test('counts events without a webhook as lost', async () => {
    const world = await passedOnce();
    world.happen(numbered(93, world.nowMs / 1000 + 5), true);
    await world.live(26);
    expect([world.totals.late, world.totals.lost, world.totals.stored]).toEqual([0, 1, 41]);
  });

  test('finds a forged event that was stored meanwhile', async () => {
    const world = await passedOnce();
    world.webhook(numbered(91, NOW_MS / 1000 + 95, { id: 'forged', event: 'complained' }));
    await world.process();
    await world.live(26);
    expect([world.totals.unconfirmed, world.news.length]).toEqual([1, 1]);
  });

  test('lists if the total is unavailable, and waits if Mailgun is down', async () => {
    const world = await passedOnce();
    world.mailgun.hasTotals = false;
    await world.live(26);
    expect([...world.book.slices.values()].slice(0, 4).map(({ finalAt }) => finalAt === null)).toEqual(
      Array(4).fill(false),
    );

    const other = await passedOnce();
    other.mailgun.failure = new ListingError('unavailable');
    await other.live(26);
    expect([...other.book.slices.values()].slice(0, 4).map(({ finalAt }) => finalAt)).toEqual(Array(4).fill(null));
    other.mailgun.failure = undefined;
    await other.live(1);
    expect([...other.book.slices.values()].slice(0, 4).map(({ finalAt }) => finalAt === null)).toEqual(
      Array(4).fill(false),
    );
  });
});

test('without totals a slice keeps null, which equals no total, so that a version rolled back to lists it again', async () => {
  const world = await worldWith(20);
  await world.live(2);
  const totals = [...world.book.slices.values()].flatMap(({ windows = [] }) => windows.map(({ total }) => total));
  expect(totals.length).toBeGreaterThan(0);
  expect(new Set(totals)).toEqual(new Set([null]));
});

test('of two concurrent runs one wins, and nothing is doubled', async () => {
  const world = await worldWith(100, 10);
  const [a, b] = await Promise.all([world.run(), world.run()]);
  expect([a.result?.kind, b.result?.kind].sort()).toEqual(['busy', 'ran']);
  expect(Math.max(...world.sends.values())).toBe(1);
});

test("a run that outlived its lease does not overwrite another run's state", async () => {
  const world = await worldWith(30, 10);
  const write = world.book.write.bind(world.book);
  world.book.write = async (slice, previous) => {
    world.book.write = write;
    world.book.lease = undefined;
    await world.run();
    return write(slice, previous);
  };
  const { result } = await world.run();
  expect(result).toMatchObject({ report: { slices: 0, done: false } });
  expect(first(world).version).toBe(1);
});

test('an event that is never stored is requeued five times at growing intervals, then is stuck', async () => {
  const world = await worldWith(10);
  world.mailgun.add(numbered(900, SLICE_START + 5));
  const sentAt: number[] = [];
  for (let quarter = 0; quarter < 4 * 24; quarter += 1) {
    const before = world.sends.get('id-900') ?? 0;
    await world.run();
    if ((world.sends.get('id-900') ?? 0) > before) sentAt.push(quarter);
    world.ledger.queue = [];
    world.nowMs += 900_000;
  }
  expect(sentAt).toEqual([0, 1, 3, 7, 15]);
  expect(world.gauges).toMatchObject({ stuck: 1 });
  expect(world.gauges.openSliceAge).toBeGreaterThan(23 * 3600);
});

test('the lag of second passes counts double until they are done', async () => {
  const world = await worldWith(10);
  await world.run();
  const cursor = await world.book.readWatermarks(DOMAIN);
  world.down.add('mailgun');
  world.nowMs += 60 * 3_600_000;
  await world.run();
  const { sliceSeconds, retentionSeconds, settleSeconds } = world.times;
  const late = world.nowMs / 1000 - cursor!.second - sliceSeconds - secondPassSeconds(retentionSeconds);
  expect(world.gauges.watermarkAge).toBe(2 * late);
  expect(2 * late).toBeGreaterThan(world.nowMs / 1000 - cursor!.position);

  world.down.clear();
  await world.run();
  expect(world.gauges.watermarkAge).toBeLessThan(settleSeconds + 2 * sliceSeconds);
});

test('during a backlog nothing is requeued or counted as missing, and the watermark waits', async () => {
  const world = await worldWith(200, 10);
  world.down.add('process');
  for (let n = 1000; n < 1100; n += 1) world.webhook(numbered(n, SLICE_START + 3000));
  expect(await world.report()).toMatchObject({ slices: 0, missing: 0, sent: 0, done: false });
  expect(world.book.watermarks.get(DOMAIN)?.position).toBe(SLICE_START);
  world.down.clear();
  await world.process();
  expect(await world.report()).toMatchObject({ missing: 20, sent: 20, done: true });
});

test('during a backlog a run lists only up to the first slices with missing events', async () => {
  const world = new ReconcileWorld();
  for (let n = 0; n < 96; n += 1) world.happen(numbered(n, SLICE_START + n * 900 + 1), true);
  world.nowMs = (SLICE_START + 96 * 900 + 1800) * 1000;
  world.down.add('process');
  for (let n = 1000; n < 1100; n += 1) world.webhook(numbered(n, world.nowMs / 1000));
  expect(await world.report()).toMatchObject({ slices: 0, sent: 0, done: false });
  // Every worker may have begun a slice before the first result; each takes one page and an empty one.
  expect(world.mailgun.calls).toBeLessThanOrEqual(2 * world.parallel);
  world.down.clear();
  await world.process();
  expect(await world.report()).toMatchObject({ slices: 96, missing: 96, sent: 96, done: true });
});

test('a run that ignores waits requeues nothing while the queue has messages', async () => {
  const world = await worldWith(20, 10);
  expect(await world.report(true)).toMatchObject({ sent: 2, done: true });
  expect(await world.report(true)).toMatchObject({ sent: 0, done: false });
  await world.process();
  expect(await world.report(true)).toMatchObject({ sent: 0, missing: 0, open: 0, done: true });
});

test('a run that is out of time continues inside the slice in the next run, with the same counts', async () => {
  const whole = await worldWith(2000, 10);
  await whole.report();
  const world = await worldWith(2000, 10);
  world.msPerCall = 200;
  world.budgetMs = 8000;
  let runs = 0;
  for (; runs < 50 && !world.book.slices.has(`${DOMAIN} ${SLICE_START}`); runs += 1) {
    await world.run();
    await world.process();
  }
  expect(runs).toBeGreaterThan(3);
  const { firstAt: _a, passedAt: _b, startedAt: _c, settledAt: _d, windows: _e, ...rest } = first(whole);
  expect(first(world)).toMatchObject(rest);
  expect(Math.max(...world.sends.values())).toBe(1);
});

test('a lagging index makes no event missing', async () => {
  const world = await worldWith(100);
  world.stored.isIndexed = (name) => !name.includes('id-5');
  expect(await world.report()).toMatchObject({ expected: 100, missing: 0, sent: 0 });
  expect(first(world).stored).toEqual(first(world).listed);
});

test('sources that round a time differently agree on its slice', async () => {
  const world = await worldWith(10);
  const webhook = numbered(900, SLICE_START + 899.9996);
  world.webhook(webhook);
  world.mailgun.add({ ...webhook, timestamp: SLICE_START + 900 });
  await world.process();
  world.nowMs += 900_000;
  await world.report();
  expect(world.totals).toMatchObject({ expected: 11, stored: 11, missing: 0, unconfirmed: 0 });
});

test('statistics equal a count over the source list; an event with two tags counts once in *', async () => {
  const world = await worldWith(777, 5);
  for (const { id } of world.mailgun.events.slice(0, 50)) world.webhook(world.mailgun.events.find((e) => e.id === id)!);
  await world.live(14);
  const counted: Record<string, Record<string, number>> = {};
  for (const event of world.mailgun.events) {
    const tags = new Set(event.tags as string[]);
    for (const tag of ['*', ...(tags.size ? tags : [''])]) {
      const row = counted[tag] ?? {};
      counted[tag] = row;
      row[String(event.event)] = (row[String(event.event)] ?? 0) + 1;
    }
  }
  expect(first(world).tags).toEqual(counted);
  expect(total(first(world).tags['*']!)).toBe(777);
});

test('thousands of events in one second, and one page that repeats the one before', async () => {
  const world = new ReconcileWorld();
  for (let n = 0; n < 4000; n += 1) world.happen(numbered(n, SLICE_START + 7.5), n % 3 === 0);
  await world.process();
  world.nowMs = (SLICE_START + 2700) * 1000;
  const page = world.mailgun.page.bind(world.mailgun);
  world.mailgun.page = async (request) => {
    const at = Number(request.position ?? 0);
    const shifted = await page({ ...request, position: String(Math.max(0, at - 20)) });
    return shifted.events.length <= 20 ? { events: [] } : shifted;
  };
  await world.report();
  expect(world.totals).toMatchObject({ expected: 4000, missing: 1334 });
  expect(Math.max(...world.sends.values())).toBe(1);
});

test('a listing that never ends is given up', async () => {
  const world = await worldWith(20);
  const events = world.mailgun.events.slice(0, 3);
  world.mailgun.page = async () => ({ events, next: 'again' });
  expect(await world.report()).toMatchObject({ slices: 0, done: false });
  expect(world.failures).toEqual([new ListingError('endless')]);
});

// Mailgun's documentation does not say what it does with a time that it no longer keeps.
describe.each(['refuses', 'lists nothing', 'lists the rest'] as const)(
  'where Mailgun %s beyond its retention',
  (beyondRetention) => {
    const openWorld = async (dropped = 0) => {
      const world = await worldWith(20, dropped);
      Object.assign(world.mailgun, { beyondRetention, retentionSeconds: 10 * 86_400 });
      return world;
    };

    test('slices become unlisted, and the ledger continues', async () => {
      const world = await openWorld();
      world.nowMs += 11 * 86_400_000;
      await world.report();
      expect(first(world)).toMatchObject({ unlisted: true, missing: NO_EVENTS, unconfirmed: NO_EVENTS });
      expect(world.stored.unconfirmed.size).toBe(0);
      expect(world.book.watermarks.get(DOMAIN)!.position).toBeGreaterThan(START + 10 * 86_400);
    });

    test('slices of before keep what was listed, and are not short', async () => {
      const world = await openWorld(10);
      await world.report();
      world.ledger.queue = [];
      world.nowMs += 11 * 86_400_000;
      const { listed, stored, missing } = first(world);
      await world.report();
      expect(first(world)).toMatchObject({
        unlisted: false,
        listed,
        stored,
        missing,
        short: 0,
        unconfirmed: NO_EVENTS,
      });
      expect(first(world).finalAt).not.toBeNull();
    });

    /** In the middle of the first slice. */
    const atEdge = (world: ReconcileWorld) => (SLICE_START + 450 + world.times.retentionSeconds) * 1000;

    test('a slice that is partly kept is unlisted, and what Mailgun has forgotten of it is not unconfirmed', async () => {
      const world = await openWorld();
      world.nowMs = atEdge(world);
      await world.report();
      expect(first(world)).toMatchObject({ unlisted: true, missing: NO_EVENTS, unconfirmed: NO_EVENTS, short: 0 });
      expect([total(first(world).stored), world.stored.unconfirmed.size]).toEqual([20, 0]);
      await world.book.note(DOMAIN, { at: SLICE_START, notedAt: world.nowMs });
      world.nowMs += 900_000;
      await world.report();
      expect(first(world)).toMatchObject({ unlisted: true, unconfirmed: NO_EVENTS, short: 0, passes: 2 });
    });

    test('a slice that is partly kept and was compared before keeps what that pass found', async () => {
      const world = await openWorld(10);
      world.webhook(numbered(900, SLICE_START + 20, { id: 'forged' }));
      await world.process();
      await world.report();
      world.ledger.queue = [];
      world.webhook(numbered(901, SLICE_START + 30, { id: 'stored later' }));
      await world.process();
      const { listed, missing, unconfirmed, unconfirmedNames } = first(world);
      world.nowMs = atEdge(world);
      await world.report();
      const isSame = { unlisted: false, listed, missing, unconfirmed, unconfirmedNames, short: 0 };
      expect(first(world)).toMatchObject({ ...isSame, passes: 2 });
      expect(first(world).finalAt).not.toBeNull();
      expect([total(unconfirmed), world.stored.unconfirmed.size]).toEqual([1, 1]);
    });
  },
);

test('a slice of which Mailgun lists events beyond the configured retention is compared like any other', async () => {
  const world = await worldWith(20, 10);
  world.webhook(numbered(900, SLICE_START + 20, { id: 'forged' }));
  await world.process();
  world.nowMs += 11 * 86_400_000;
  await world.report();
  expect(first(world)).toMatchObject({ unlisted: false, startedAt: world.nowMs });
  expect([total(first(world).missing), total(first(world).unconfirmed)]).toEqual([2, 1]);
});

/** Returns a world whose first slice is listed in several parts, most of them without an event; a day is kept for certain. */
async function worldOfParts(...atSeconds: number[]) {
  const world = new ReconcileWorld();
  world.times = { ...world.times, retentionSeconds: 86_400 };
  world.fromEpochSeconds = SLICE_START;
  // By its first page, a part would hold too many for one.
  for (let n = 0; n < 400; n += 1) world.happen(numbered(n, SLICE_START + 1 + n / 150), false);
  for (const at of atSeconds) world.webhook(numbered(900, SLICE_START + at, { id: 'forged' }));
  await world.process();
  world.book.stragglers.clear();
  world.nowMs += 30 * 3_600_000;
  return world;
}

test('a slice that Mailgun lists beyond the configured retention is compared although nothing happened in some parts', async () => {
  const world = await worldOfParts();
  await world.report();
  expect(world.book.parts.size).toBeGreaterThan(1);
  expect(first(world)).toMatchObject({ unlisted: false, startedAt: expect.any(Number) });
  expect(total(first(world).listed)).toBe(400);
});

/** Runs with too little time until one is cut that has kept a part of the first slice. */
async function runUntilPart(world: ReconcileWorld): Promise<void> {
  Object.assign(world, { parallel: 1, budgetMs: 12_000 });
  world.mailgun.onPage = () => world.pass(1000);
  for (let runs = 0; world.book.parts.size === 0 && runs < 40; runs += 1) {
    await world.run();
    world.nowMs += 900_000;
  }
  expect([world.book.parts.size > 0, first(world)]).toEqual([true, undefined]);
}

test('such a slice is compared also where its parts took several runs', async () => {
  const world = await worldOfParts();
  await runUntilPart(world);
  await world.run();
  expect(first(world)).toMatchObject({ unlisted: false });
  expect(total(first(world).listed)).toBe(400);
});

test('a slice is unlisted where Mailgun refused parts of it to a run that was cut', async () => {
  const world = await worldOfParts();
  // Of the refused part nothing is stored, and the other one lists an event.
  world.ledger.events.clear();
  world.happen(numbered(500, SLICE_START + 600), false);
  await world.process();
  await runUntilPart(world);
  world.mailgun.failure = new ListingError('out-of-retention');
  const write = world.book.write.bind(world.book);
  world.book.write = async () => {
    throw new Error('cut');
  };
  await world.run();
  expect(first(world)).toBeUndefined();
  world.mailgun.failure = undefined;
  world.book.write = write;
  world.nowMs += 900_000;
  await world.run();
  expect(first(world)).toMatchObject({ unlisted: true });
});

test('a slice is unlisted where Mailgun may have forgotten a stored event of one part', async () => {
  const world = await worldOfParts(600);
  await world.report();
  expect([first(world).unlisted, total(first(world).unconfirmed)]).toEqual([true, 0]);
});

test('a slice of several parts is unlisted where Mailgun lists nothing older than the configured retention', async () => {
  const world = await worldOfParts();
  world.nowMs = (SLICE_START + 0.5 + world.times.retentionSeconds) * 1000;
  await world.report();
  expect(world.book.parts.size).toBeGreaterThan(1);
  expect(first(world)).toMatchObject({ unlisted: true });
});

test('an event received when Mailgun no longer kept its time is unconfirmed, like no other of its slice', async () => {
  const world = await worldWith(20);
  Object.assign(world.mailgun, { retentionSeconds: 10 * 86_400 });
  world.nowMs += 11 * 86_400_000;
  await world.report();
  world.webhook(numbered(900, SLICE_START + 20, { id: 'forged' }));
  await world.process();
  world.nowMs += 900_000;
  await world.report();
  expect(first(world)).toMatchObject({ unlisted: true, passes: 2 });
  expect([total(first(world).stored), total(first(world).unconfirmed)]).toEqual([21, 1]);
});

test.each(['refuses', 'lists nothing', 'lists the rest'] as const)(
  'webhooks received in time and stored late are not unconfirmed where Mailgun %s',
  async (beyondRetention) => {
    const world = await worldWith(1);
    Object.assign(world.mailgun, { beyondRetention, retentionSeconds: 10 * 86_400 });
    const late = [1, 2, 3].map((n) => numbered(800 + n, SLICE_START + 100 * n, { id: `late-${n}` }));
    for (const event of late) world.mailgun.add(event);
    world.nowMs += 11 * 86_400_000;
    // In the queue while process did not work.
    for (const [n, event] of late.entries()) world.webhook(event, DOMAIN, (SLICE_START + 1000 + n) * 1000);
    await world.process();
    await world.report();
    const { unlisted, stored, unconfirmed } = first(world);
    expect([unlisted, total(stored), total(unconfirmed)]).toEqual([true, 4, 0]);
    expect([world.stored.unconfirmed.size, world.news.length]).toEqual([0, 0]);
  },
);

test('a ledger starts with the slice of the first stored event, not before', async () => {
  const world = await worldWith(0);
  world.fromEpochSeconds = undefined;
  expect(await world.report()).toMatchObject({ slices: 0, done: true });
  world.webhook(numbered(1, SLICE_START + 20));
  await world.process();
  await world.report();
  expect([...world.book.slices.keys()]).toEqual([`${DOMAIN} ${SLICE_START}`]);
});

test.each([1, 4])(
  'a domain whose listing hangs leaves half of the time to the others (%d at once)',
  async (parallel) => {
    const world = await worldWith(20, 10);
    world.parallel = parallel;
    const page = world.mailgun.page.bind(world.mailgun);
    world.mailgun.page = async (request) => {
      if (request.domain.name === DOMAIN) return page(request);
      world.nowMs = request.deadlineMs;
      throw new ListingError('rate-limited');
    };
    world.domains = [{ name: 'other.example.com', region: 'eu' }, ...world.domains];
    expect(await world.report()).toMatchObject({ slices: 1, sent: 2, done: false });
    expect(world.failures).toEqual([new ListingError('rate-limited')]);
  },
);

describe('the completeness that a run reports', () => {
  const judged = async (world: ReconcileWorld) => {
    const { result } = await world.run();
    return result?.kind === 'ran' ? result.judgement : undefined;
  };
  const failing = async (reason: ListingFailure) => {
    const world = await worldWith(20, 10);
    world.mailgun.page = async () => {
      throw new ListingError(reason);
    };
    return world;
  };

  test('is full if the run passed its slices', async () => {
    expect(await judged(await worldWith(20, 10))).toEqual({ isGauged: true, isWhole: true, isKeyRefused: false });
  });

  test('is absent if the run had nothing to pass', async () => {
    const world = await worldWith(20, 10);
    await world.run();

    expect(await judged(world)).toEqual({ isGauged: true, isWhole: false, isKeyRefused: false });
  });

  test('lacks overall gauges if the state of a domain is unreadable', async () => {
    const world = await worldWith(20, 10);
    world.book.readDoubts = async () => {
      throw new Error('the table is down');
    };

    expect(await judged(world)).toEqual({ isGauged: false, isWhole: false, isKeyRefused: false });
  });

  test.each([
    ['unauthorized', true],
    ['unavailable', false],
    ['malformed', false],
  ] as const)('a listing that is %s judges nothing, and names a refused key alone', async (reason, isKeyRefused) => {
    expect(await judged(await failing(reason))).toEqual({ isGauged: true, isWhole: false, isKeyRefused });
  });

  test('is partial if one domain fails', async () => {
    const world = await worldWith(20, 10);
    const page = world.mailgun.page.bind(world.mailgun);
    world.mailgun.page = async (request) => {
      if (request.domain.name === DOMAIN) return page(request);
      throw new ListingError('unauthorized');
    };
    world.domains = [{ name: 'other.example.com', region: 'eu' }, ...world.domains];

    expect(await judged(world)).toEqual({ isGauged: true, isWhole: false, isKeyRefused: true });
  });
});

test('without an API key reconcile is off, and only checks whether there is a ledger', async () => {
  const world = await worldWith(20, 10);
  world.isConfigured = false;
  expect(await world.run()).toEqual({ result: { kind: 'off', wasOn: false }, points: ['table.readWatermarks'] });

  world.isConfigured = true;
  await world.run();
  world.isConfigured = false;
  expect(await world.run()).toEqual({ result: { kind: 'off', wasOn: true }, points: ['table.readWatermarks'] });
});

test('with an unreadable API key reconcile is off too, whatever the table holds', async () => {
  const world = await worldWith(20, 10);
  await world.run();
  world.down.add('secrets');
  const cause = new Error('secrets are down');
  expect((await world.run()).result).toEqual({ kind: 'unreadable', wasOn: true, cause });

  world.down.add('table');
  expect((await world.run()).result).toEqual({ kind: 'unreadable', wasOn: false, cause });
});

describe('crash points of reconcile', () => {
  test.each(['first pass', 'second pass of an open slice', 'second pass with totals'])(
    '%s: whatever call kills it, the end is the same',
    async (name) => {
      const prepare = async () => {
        const hasTotals = name === 'second pass with totals';
        const world = await worldWith(40, hasTotals ? 0 : 8);
        if (name === 'first pass') return world;
        if (hasTotals) {
          world.times = { ...world.times, retentionSeconds: 2 * 3600 };
          world.mailgun.hasTotals = true;
          await world.run();
          world.nowMs += 1800_000;
          return world;
        }
        await world.run();
        world.ledger.queue = world.ledger.queue.slice(0, 2);
        await world.process();
        world.nowMs += 900_000;
        return world;
      };
      const { points } = await (await prepare()).run();
      for (const moment of ['before', 'committed', 'replied'] as const) {
        for (const kind of ['crash', 'fault'] as const) {
          for (let call = 0; call < points.length; call += 1) {
            const world = await prepare();
            await world.run({ trouble: { call, moment, kind } });
            await world.process();
            await world.live(4);
            const { expected, stored, missing } = world.totals;
            expect({
              at: `${call} ${points[call]} ${moment} ${kind}`,
              expected,
              stored,
              missing,
              open: world.book.open.size,
            }).toEqual({
              at: expect.any(String),
              expected: 40,
              stored: 40,
              missing: 0,
              open: 0,
            });
            expect(Math.max(...world.sends.values())).toBeLessThanOrEqual(5);
            if (name === 'second pass with totals') expect(world.mailgun.totalsAsked).toBeGreaterThan(0);
          }
        }
      }
      console.log(`crash points of the ${name}: ${points.length} calls x 3 moments x 2 kinds passed`);
    },
  );
});

test('a run with no slice due lists nothing, and reads only markers and watermarks', async () => {
  const world = new ReconcileWorld();
  for (let n = 0; n < 20; n += 1) world.happen(numbered(n, NOW_MS / 1000 + n), false);
  await world.process();
  await world.live(30);
  const listedBefore = world.mailgun.calls;

  world.nowMs += 1000;
  const { points } = await world.run();

  expect(world.mailgun.calls).toBe(listedBefore);
  expect(points).toEqual([
    ...['table.hold', 'queue.messages', 'table.readMarkers', 'table.readWatermarks'],
    ...['table.readMarkers', 'table.readDoubts', 'table.release'],
  ]);
});
