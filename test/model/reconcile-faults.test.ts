import { messageIdOf } from '../../lambdas/domain/events/event.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import { stateOf } from '../../lambdas/domain/ledger/slice.ts';
import { differingFacts } from '../../lambdas/domain/status/deciding-facts.ts';
import { type DonePart, ListingError } from '../../lambdas/reconcile/ports.ts';
import { LostRaceError } from '../../lambdas/shared/lease.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import { NO_EVENTS, numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

// One test for each fault of the earlier comparison by position and count, at the size at which it occurred.

const START = Math.floor(NOW_MS / 900_000) * 900;

function worldAt(seconds: number): ReconcileWorld {
  const world = new ReconcileWorld();
  world.fromEpochSeconds = START;
  world.nowMs = (START + seconds) * 1000;
  return world;
}

/** Spreads events over the first slice, or over its first `seconds`; all are stored except every `dropped`-th. */
async function worldWith(events: number, { dropped = 0, seconds = 900 } = {}): Promise<ReconcileWorld> {
  const world = worldAt(0);
  for (let n = 0; n < events; n += 1) {
    world.happen(numbered(n, START + (n * seconds) / events), dropped > 0 && n % dropped === 0);
  }
  await world.process();
  world.nowMs = (START + 2700) * 1000;
  return world;
}

/** Responds 429 after `maxPages` pages until the returned function starts the next quota. */
function limitPages(world: ReconcileWorld, maxPages: number): () => void {
  let pages = 0;
  world.mailgun.onPage = () => {
    pages += 1;
    if (pages > maxPages) throw new ListingError('rate-limited');
  };
  return () => {
    pages = 0;
  };
}

const sliceAt = (world: ReconcileWorld, seconds: number, domain = DOMAIN) =>
  world.book.slices.get(`${domain} ${START + seconds}`)!;
const unconfirmedNews = (world: ReconcileWorld) => world.news.reduce((sum, each) => sum + each.unconfirmed, 0);

describe('a forged event with an implausible time is detected, and reported once', () => {
  test.each([
    ['a year ahead', 365 * 86_400],
    ['in the year 2286', 8_000_000_000],
    ['before the start of the ledger', -5000],
    ['in a slice past its second pass', -300_000],
  ])('%s', async (_name, offset) => {
    const world = await worldWith(10);
    await world.live(26);
    const at = world.nowMs / 1000 + (offset > 0 ? offset : offset - (world.nowMs / 1000 - START));
    const forged = numbered(900, Math.min(at, 9_999_999_999), { id: 'forged', event: 'complained' });
    world.webhook(forged, DOMAIN, world.nowMs);
    await world.process();
    await world.live(27);
    expect(world.totals.unconfirmed).toBe(1);
    expect(unconfirmedNews(world)).toBe(1);
    expect(world.stored.unconfirmed.size).toBe(1);
  });

  test('before the start of a ledger that has not begun', async () => {
    const world = worldAt(900);
    world.webhook(numbered(900, START - 5000, { id: 'forged' }), DOMAIN, world.nowMs);
    await world.process();
    await world.live(27);
    expect(world.totals.unconfirmed).toBe(1);
    expect(unconfirmedNews(world)).toBe(1);
  });

  test('of an unknown domain, while a genuine one like it is accounted for', async () => {
    const world = worldAt(0);
    world.domains = [
      { name: DOMAIN, region: 'us' },
      { name: 'second.example.com', region: 'us' },
    ];
    const genuine = numbered(1, START + 100);
    world.mailgun.add(genuine);
    world.webhook(genuine, '-');
    world.webhook(numbered(2, START + 200, { id: 'forged' }), '-');
    await world.process();
    await world.live(27);
    expect(total(sliceAt(world, 0, '-').unconfirmed)).toBe(1);
    expect(unconfirmedNews(world)).toBe(1);
    expect(sliceAt(world, 0)).toMatchObject({ missing: NO_EVENTS, stored: { delivered: 1 } });
  });
});

test('finishing the newest slice keeps the parts of an older one, and every slice gets its second pass', async () => {
  const world = await worldWith(3000);
  world.parallel = 1;
  world.msPerCall = 1000;
  world.budgetMs = 40_000;
  for (let n = 0; n < 8; n += 1) world.happen(numbered(5000 + n, START + 900 * (n + 1) + 10), false);
  await world.process();
  for (let quarter = 0; quarter < 4 * 30; quarter += 1) {
    world.nowMs = Math.max(world.nowMs, (START + 2700 + quarter * 900) * 1000);
    await world.run();
  }
  expect(sliceAt(world, 0)).toMatchObject({ finalAt: expect.any(Number), missing: NO_EVENTS });
  expect(total(sliceAt(world, 0).listed)).toBe(3000);
  const lateHours = (world.nowMs / 1000 - world.book.watermarks.get(DOMAIN)!.second) / 3600;
  expect(lateHours).toBeLessThan(26);
});

test('a 429 that crosses the deadline ends the run cleanly: 120 pages take two or three runs', async () => {
  const world = await worldWith(120 * 50);
  world.mailgun.pageSize = 50;
  const nextQuota = limitPages(world, 60);
  let runs = 0;
  for (; runs < 10 && sliceAt(world, 0) === undefined; runs += 1) {
    nextQuota();
    await world.run();
    world.nowMs += 900_000;
  }
  expect(runs).toBeLessThanOrEqual(3);
  expect(total(sliceAt(world, 0).expected)).toBe(6000);
  expect(world.mailgun.calls).toBeLessThan(120 + 3 * 10);
});

test.each([
  ['as long as each other', 2000, 900, 20, 9000, 9000],
  ['that end soon after they went on', 2000, 180, 10, 20_000, 3000],
])('a pass split over runs %s counts the same as a whole pass', async (_name, events, seconds, pageSize, even, odd) => {
  const world = await worldWith(events, { seconds });
  world.mailgun.pageSize = pageSize;
  world.msPerCall = 500;
  for (let run = 0; run < 150 && sliceAt(world, 0) === undefined; run += 1) {
    world.budgetMs = run % 2 === 0 ? even : odd;
    await world.run();
  }
  expect([total(sliceAt(world, 0).expected), sliceAt(world, 0).missing]).toEqual([2000, {}]);
});

test('overlapping parts of two runs are compared once', async () => {
  const whole = await worldWith(900);
  whole.mailgun.pageSize = 10;
  whole.msPerCall = 500;
  whole.budgetMs = 8000;
  const cut = await worldWith(900);
  const [first] = await keptParts(whole);
  expect(first).toMatchObject({ from: START, tally: { listed: expect.any(Object) } });
  for (const from of [START, START + 7]) await cut.book.put({ domain: DOMAIN, start: START }, 0, { ...first!, from });

  await cut.run();

  expect(total(sliceAt(cut, 0).listed)).toBe(900);
});

/** Returns the parts kept by a run that was cut short. */
async function keptParts(world: ReconcileWorld): Promise<DonePart[]> {
  await world.run();
  return world.book.done({ domain: DOMAIN, start: START }, 0);
}

test.each([
  ['the stuck one', 'never-stored'],
  ['another', 'id-3'],
])('an event listed late beside a stuck one is requeued, after a listing that lacked %s', async (_name, lacked) => {
  const world = await worldWith(10);
  world.mailgun.add(numbered(900, START + 5, { id: 'never-stored' }));
  world.mailgun.add(numbered(902, START + 6, { id: 'late' }));
  let hours = 0;
  const listed: Record<string, (hours: number) => boolean> = {
    [lacked]: (h) => h < 20 || h > 28,
    late: (h) => h > 30,
  };
  world.mailgun.isListed = ({ id }) => listed[String(id)]?.(hours) ?? true;
  for (; hours < 60; hours += 0.25) {
    await world.run();
    world.ledger.queue = world.ledger.queue.filter((body) => !body.includes('never-stored'));
    await world.process();
    world.nowMs += 900_000;
  }
  expect(Object.fromEntries(world.sends)).toEqual({ 'never-stored': 5, late: 1 });
  expect(sliceAt(world, 0)).toMatchObject({ stuck: 1, missing: { [String(numbered(900, 0).event)]: 1 } });
});

test('an event repeated anywhere later in the listing counts once, and hides no forged event', async () => {
  const world = await worldWith(60);
  for (const id of ['forged-1', 'forged-2']) world.webhook(numbered(1, START + 30, { id }));
  await world.process();
  world.mailgun.pageSize = 5;
  world.mailgun.arrange = (events) => [...events, ...events.slice(0, 7)];
  await world.live(27);
  expect([total(sliceAt(world, 0).listed), total(sliceAt(world, 0).tags['*']!)]).toEqual([60, 60]);
  expect(total(sliceAt(world, 0).unconfirmed)).toBe(2);
});

describe.each([
  ['which are all stored', -1],
  ['of which the late one is missing', 3],
])('events out of order over the border of a page, %s,', (_name, dropped) => {
  test.each([
    [3, 1],
    [3, 2],
    [3, 3],
    [1, 3],
    [1, 4],
    [1, 5],
  ])('with %i events a page, are counted once in a run cut at page %i', async (pageSize, cut) => {
    const world = worldAt(0);
    for (const [n, offset] of [0, 100, 200.3, 200.0, 300, 400].entries()) {
      world.happen(numbered(n, START + offset), n === dropped);
    }
    await world.process();
    world.nowMs = (START + 2700) * 1000;
    world.mailgun.pageSize = pageSize;
    world.mailgun.arrange = (events) => {
      const [a, b, c, d, ...rest] = events as [JsonObject, JsonObject, JsonObject, JsonObject];
      return events.length < 4 ? events : [a, b, d, c, ...rest];
    };
    let pages = 0;
    world.mailgun.onPage = () => {
      pages += 1;
      if (pages === cut) world.nowMs += world.budgetMs;
    };
    for (let run = 0; run < 4 && sliceAt(world, 0) === undefined; run += 1) {
      await world.run();
      await world.process();
    }
    await world.live(2);
    const { expected, stored, missing } = sliceAt(world, 0);
    expect([total(expected), total(stored), missing]).toEqual([6, 6, {}]);
  });
});

test('an event listed a second too late is found, wherever the run is cut', async () => {
  for (let budgetMs = 4000; budgetMs < 28_000; budgetMs += 1000) {
    const world = worldAt(0);
    for (const [n, offset] of [10, 100, 102, 101, 300].entries()) world.happen(numbered(n, START + offset), n === 3);
    await world.process();
    world.nowMs = (START + 2700) * 1000;
    world.mailgun.pageSize = 1;
    world.mailgun.arrange = (events) =>
      events.length < 5 ? events : [0, 1, 2, 3, 4].map((n) => events[[0, 1, 3, 2, 4][n]!]!);
    world.msPerCall = 1000;
    world.budgetMs = budgetMs;
    await world.run();
    world.mailgun.arrange = (events) => events;
    world.budgetMs = 600_000;
    await world.run();
    await world.process();
    await world.live(1);
    expect({ budgetMs, ...world.totals }).toMatchObject({
      budgetMs,
      expected: 5,
      stored: 5,
      missing: 0,
      unconfirmed: 0,
    });
    expect(total(sliceAt(world, 0).listed)).toBe(5);
  }
});

test('an event in the last 0.4 ms of a slice, which the listing rounds up, belongs to one slice only', async () => {
  const world = await worldWith(5);
  const event = numbered(900, START + 899.9996);
  world.mailgun.add(event);
  world.mailgun.rounding = 'millisecond';
  await world.run();
  world.webhook(event);
  await world.process();
  await world.live(27);
  expect([total(sliceAt(world, 0).expected), total(sliceAt(world, 900).expected)]).toEqual([5, 1]);
  expect(world.totals).toMatchObject({ expected: 6, stored: 6, missing: 0, unconfirmed: 0 });
});

test('an event too large for the queue is stuck at once, and blocks no other', async () => {
  const world = await worldWith(10, { dropped: 5 });
  // It fits as JSON, but not with every character escaped.
  world.mailgun.add(numbered(900, START + 5, { id: 'huge', filler: '\u007f'.repeat(300_000) }));
  await world.live(2);
  expect(world.failures).toEqual([]);
  expect(sliceAt(world, 0)).toMatchObject({ stuck: 1 });
  expect(world.totals).toMatchObject({ missing: 1, stored: 10 });
});

test('a failed send blocks no other event, and the next pass repeats it', async () => {
  const world = await worldWith(80, { dropped: 4 });
  const send = world.ledger.send.bind(world.ledger);
  let calls = 0;
  world.ledger.send = async (message) => {
    calls += 1;
    if (calls === 3) throw new Error('the queue refuses');
    await send(message);
  };
  await world.run();
  expect([world.ledger.queue.length, world.failures.length]).toEqual([19, 1]);
  await world.process();
  await world.live(2);
  expect(world.totals).toMatchObject({ missing: 0, stored: 80 });
});

describe('accepting a slice', () => {
  test('closes a stuck event that Mailgun no longer lists, permanently', async () => {
    const world = await worldWith(10);
    world.mailgun.add(numbered(900, START + 5, { id: 'never-stored' }));
    for (let quarter = 0; quarter < 40; quarter += 1) {
      await world.run();
      world.ledger.queue = [];
      world.nowMs += 900_000;
    }
    world.mailgun.isListed = ({ id }) => id !== 'never-stored';
    await world.run({ ignoreWaits: true });
    expect([stateOf(sliceAt(world, 0)), world.book.open.size]).toEqual(['open', 1]);

    expect(await world.accept({ atEpochSeconds: START + 100 })).toMatchObject({ state: 'accepted', accepted: 1 });
    expect([stateOf(sliceAt(world, 0)), world.book.open.size]).toEqual(['settled', 0]);
    world.mailgun.isListed = () => true;
    await world.run({ ignoreWaits: true });
    expect(sliceAt(world, 0)).toMatchObject({ missing: NO_EVENTS, stuck: 0, accepted: 1 });

    world.mailgun.add(numbered(901, START + 6, { id: 'another' }));
    await world.run({ ignoreWaits: true });
    expect(total(sliceAt(world, 0).missing)).toBe(1);
  });

  test('closes a short slice together with its unconfirmed events', async () => {
    const world = await worldWith(10);
    world.webhook(numbered(900, START + 5, { id: 'forged' }));
    await world.process();
    await world.run();
    world.mailgun.isListed = ({ id }) => id !== 'id-3';
    await world.run({ ignoreWaits: true });
    expect(sliceAt(world, 0)).toMatchObject({ short: 1 });
    expect(await world.accept({ atEpochSeconds: START })).toMatchObject({ state: 'accepted', accepted: 2 });
    expect(sliceAt(world, 0)).toMatchObject({ short: 0, unconfirmed: NO_EVENTS, accepted: 2 });
  });

  test.each([
    [600, 400, 'accepted'],
    [600, 401, 'too-many'],
    [0, 1001, 'too-many'],
  ])('of %i events, and later of %i more, is %s, and what was accepted stays closed', async (before, after, state) => {
    const world = await worldWith(10);
    const forge = async (count: number, name: string) => {
      for (let n = 0; n < count; n += 1) world.webhook(numbered(900, START + 5, { id: `${name}-${n}` }));
      await world.process();
      await world.run({ ignoreWaits: true });
    };
    await forge(before, 'before');
    await world.accept({ atEpochSeconds: START });
    await forge(after, 'after');

    expect(await world.accept({ atEpochSeconds: START })).toMatchObject({ state });

    await world.run({ ignoreWaits: true });
    const accepted = state === 'accepted' ? before + after : before;
    const { unconfirmed, acceptance } = sliceAt(world, 0);
    expect([total(unconfirmed), acceptance?.names.length ?? 0]).toEqual([before + after - accepted, accepted]);
  });

  test('is decided by the pass that accepts, not by the one before', async () => {
    const world = await worldWith(1200, { dropped: 1 });
    await world.run();
    expect(total(sliceAt(world, 0).missing)).toBe(1200);
    await world.process();
    world.mailgun.isListed = ({ id }) => id !== 'id-3';
    expect(await world.accept({ atEpochSeconds: START })).toMatchObject({ state: 'accepted', accepted: 1 });
  });

  test.each([
    ['unknown-slice', { atEpochSeconds: START + 90_000 }],
    ['unknown-domain', { atEpochSeconds: START, domain: 'other.example.com' }],
  ])('is refused if there is nothing to accept: %s', async (state, request) => {
    const world = await worldWith(10);
    await world.run();
    expect(await world.accept(request)).toMatchObject({ state, accepted: 0 });
  });
});

describe('the lease of a run', () => {
  test('survives a wait of a minute, because a timer renews it', async () => {
    const world = await worldWith(1000);
    let others = 0;
    world.budgetMs = 10_000_000;
    world.mailgun.onPage = () => world.pass(60_000);
    const page = world.mailgun.page.bind(world.mailgun);
    world.mailgun.page = async (request) => {
      const { result } = await world.run();
      others += result?.kind === 'busy' ? 0 : 1;
      return page(request);
    };
    await world.report();
    expect([others, total(sliceAt(world, 0).expected)]).toEqual([0, 1000]);
  });

  test('prevents all further writes and sends once it is lost', async () => {
    const world = await worldWith(1000, { dropped: 10 });
    world.hasTimer = false;
    world.mailgun.onPage = () => world.pass(200_000);
    world.budgetMs = 10_000_000;
    await world.run();
    expect([world.book.slices.size, world.sends.size, world.book.parts.size]).toEqual([0, 0, 0]);
    expect(world.failures.length).toBeGreaterThan(0);
    for (const failure of world.failures) expect(failure).toBeInstanceOf(LostRaceError);
  });
});

test('a domain that Mailgun does not know fails at once, and the others continue', async () => {
  const world = await worldWith(20, { dropped: 10 });
  world.domains = [{ name: 'wrong-region.example.com', region: 'eu' }, ...world.domains];
  world.mailgun.onPage = ({ domain }) => {
    if (domain.name !== DOMAIN) throw new ListingError('domain-not-found');
  };
  expect(await world.report()).toMatchObject({ slices: 1, sent: 2, done: false });
});

test.each([
  { event: 'unsubscribed', forged: { 'mailing-list': { address: 'news@mg.example.com' } } },
  { event: 'rejected', forged: { flags: { 'is-routed': true } } },
  { event: 'failed', forged: { severity: 'permanent', reason: 'bounce' } },
])('a forged $event body no longer decides the status after its pass', async ({ event, forged }) => {
  const world = worldAt(0);
  const genuine = numbered(3, START + 100, { id: 'genuine', event, severity: 'temporary', reason: 'generic' });
  world.mailgun.add(genuine);
  world.webhook({ ...genuine, ...forged });
  await world.process();
  world.nowMs = (START + 2700) * 1000;
  await world.run();
  expect(sliceAt(world, 0).altered).toEqual({ [event]: 1 });
  expect(world.altered.map(({ stored, listed }) => differingFacts(stored, listed).length > 0)).toEqual([true]);
  await world.process();
  await world.live(2);
  expect(sliceAt(world, 0).altered).toEqual({});
  expect([...world.ledger.events.values()].map((stored) => stored.event)).toEqual([genuine]);
});

test('a forged body under a listed identity is reported, and corrected from the listing', async () => {
  const world = worldAt(0);
  const genuine = numbered(3, START + 100, { id: 'genuine', severity: 'temporary', reason: 'generic' });
  world.mailgun.add(genuine);
  world.webhook({ ...genuine, severity: 'permanent', reason: 'bounce' });
  await world.process();
  expect([...world.ledger.statuses.values()].map(({ status }) => status)).toEqual(['FAILED']);
  expect(world.ledger.suppressions.size).toBe(1);

  world.nowMs = (START + 2700) * 1000;
  await world.run();
  expect(sliceAt(world, 0)).toMatchObject({ altered: { failed: 1 }, missing: NO_EVENTS });
  expect(world.news).toMatchObject([{ altered: 1 }]);
  expect(world.altered.map(({ wasDistrusted }) => wasDistrusted)).toEqual([undefined]);
  expect(world.altered).toMatchObject([
    {
      domain: DOMAIN,
      messageId: messageIdOf(genuine),
      eventKey: 'failed#genuine',
      stored: { status: 'FAILED', reason: 'bounce', suppression: 'bounce' },
      listed: { status: 'DEFERRED', reason: null, suppression: null },
    },
  ]);
  await world.process();
  await world.live(2);
  expect(world.altered).toHaveLength(1);
  expect([...world.ledger.statuses.values()].map(({ status }) => status)).toEqual(['DEFERRED']);
  expect(world.ledger.suppressions.size).toBe(0);
  expect([stateOf(sliceAt(world, 0)), sliceAt(world, 0).altered]).toEqual(['settled', {}]);
});

test('an altered event pages at once; unlisted events beside it count only at the second pass', async () => {
  const world = worldAt(0);
  const genuine = numbered(3, START + 100, { id: 'genuine', severity: 'temporary', reason: 'generic' });
  world.mailgun.add(genuine);
  world.webhook({ ...genuine, severity: 'permanent', reason: 'bounce' });
  for (const n of [901, 902, 903]) world.webhook(numbered(n, START + 200, { id: `forged-${n}` }));
  await world.process();
  world.nowMs = (START + 2700) * 1000;
  await world.run();
  expect(sliceAt(world, 0)).toMatchObject({ altered: { failed: 1 }, finalAt: null });
  expect(total(sliceAt(world, 0).unconfirmed)).toBe(3);
  expect(world.gauges.inDoubt).toBe(1);

  await world.process();
  await world.live(2);
  expect([sliceAt(world, 0).altered, world.gauges.inDoubt]).toEqual([{}, 0]);
  expect(world.news.filter(({ unconfirmed }) => unconfirmed > 0)).toEqual([]);

  await world.live(72);
  expect(sliceAt(world, 0).finalAt).not.toBeNull();
  expect(world.gauges.inDoubt).toBe(3);
  expect(world.news.map(({ unconfirmed }) => unconfirmed)).toEqual([0, 3]);
});

describe('a replay', () => {
  const RANGE = { fromEpochSeconds: START, toEpochSeconds: START + 900 };

  test('continues where it was cut after a 429 that crosses its deadline', async () => {
    const world = await worldWith(120 * 50);
    world.mailgun.pageSize = 50;
    const nextQuota = limitPages(world, 60);
    let replays = 0;
    for (let isDone = false; !isDone && replays < 10; replays += 1) {
      nextQuota();
      const { report } = await world.replay(RANGE);
      isDone = report?.done ?? false;
    }
    expect(replays).toBeLessThanOrEqual(3);
    expect(total(sliceAt(world, 0).expected)).toBe(6000);
    expect(world.mailgun.calls).toBeLessThan(120 + 3 * 10);
  });

  test('requeues an event listed late, and counts only what it sent', async () => {
    const world = await worldWith(10);
    world.mailgun.add(numbered(900, START + 5, { id: 'never-stored' }));
    world.mailgun.add(numbered(902, START + 6, { id: 'late' }));
    let replays = 0;
    world.mailgun.isListed = ({ id }) => (id === 'never-stored' ? replays !== 7 : id !== 'late' || replays > 8);
    for (; replays < 12; replays += 1) {
      await world.replay(RANGE);
      world.ledger.queue = world.ledger.queue.filter((body) => !body.includes('never-stored'));
      await world.process();
      world.nowMs += 900_000;
    }
    expect(Object.fromEntries(world.sends)).toEqual({ 'never-stored': 5, late: 1 });
    expect(sliceAt(world, 0)).toMatchObject({ stuck: 1 });
  });

  test('completes despite an event too large for the queue', async () => {
    const world = await worldWith(10, { dropped: 5 });
    world.mailgun.add(numbered(900, START + 5, { id: 'huge', filler: '\u007f'.repeat(300_000) }));
    const { report } = await world.replay(RANGE);
    expect(report).toMatchObject({ state: 'ran', done: true, missing: 3, sent: 2, stuck: 1 });
  });

  test('corrects a forged body under a listed identity', async () => {
    const world = worldAt(0);
    const genuine = numbered(3, START + 100, { id: 'genuine', severity: 'temporary', reason: 'generic' });
    world.mailgun.add(genuine);
    world.webhook({ ...genuine, severity: 'permanent', reason: 'bounce' });
    await world.process();
    world.nowMs = (START + 2700) * 1000;
    await world.replay(RANGE);
    await world.process();
    expect([...world.ledger.statuses.values()].map(({ status }) => status)).toEqual(['DEFERRED']);
    expect(world.ledger.suppressions.size).toBe(0);
  });
});
