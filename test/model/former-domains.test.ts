import { type LedgerDomains, NO_DOMAINS } from '../../lambdas/domain/ledger/ledger-domains.ts';
import { stateOf } from '../../lambdas/domain/ledger/slice.ts';
import { ListingError, type ListingFailure } from '../../lambdas/reconcile/ports.ts';
import { createNoteConfigured, runDomains } from '../../lambdas/reconcile/webhooks/discover-domains.ts';
import { NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

// Domains leave the configuration, and come back: what was due of their ledgers is done, and nothing beyond it.

const SLICE = 900;
const START = Math.floor(NOW_MS / 1000 / SLICE) * SLICE;
const RETENTION_HOURS = 24;
const [STAYS, LEAVES, ALSO] = ['stays.example.com', 'leaves.example.com', 'also.example.com'];

/** A world whose configuration changes; every quarter brings an event of each domain, from `at` on. */
function openWorld(...first: string[]) {
  const world = new ReconcileWorld();
  world.nowMs = START * 1000;
  world.fromEpochSeconds = START;
  world.times = { ...world.times, retentionSeconds: RETENTION_HOURS * 3600 };
  const state = { item: NO_DOMAINS as LedgerDomains, configured: first, isDown: false, writes: 0 };
  const store = {
    async read() {
      if (state.isDown) throw new Error('table is down');
      return structuredClone(state.item);
    },
    async write(next: LedgerDomains, previous: LedgerDomains) {
      expect(previous.version).toBe(state.item.version);
      state.writes += 1;
      state.item = structuredClone({ ...next, version: previous.version + 1 });
      return state.item;
    },
  };
  let number = 0;
  const eventOf = (name: string, at: number) => {
    number += 1;
    const over = { domain: { name }, message: { headers: { 'message-id': `${number}@${name}` } } };
    return { ...numbered(1, at, over), id: `id-${number}` };
  };
  /** Lets quarters pass; Mailgun has an event of each domain in each, whose webhook comes where it is configured. */
  const live = async (quarters: number, { sends = [] as string[], lost = [] as string[] } = {}) => {
    for (let nth = 0; nth < quarters; nth += 1) {
      for (const name of sends) {
        const event = eventOf(name, world.nowMs / 1000 + 10);
        world.mailgun.add(event);
        if (state.configured.includes(name) && !lost.includes(name)) world.webhook(event, name);
      }
      await world.process();
      world.nowMs += SLICE * 1000;
      const configured = state.configured.map((name) => ({ name, region: 'us' as const }));
      const note = createNoteConfigured({
        store,
        configured,
        now: () => world.nowMs,
        onFailure: () => undefined,
        everySeconds: SLICE,
        retentionSeconds: RETENTION_HOURS * 3600,
        ledger: world.book,
      });
      const { known, isKnown } = await note();
      world.domains = [...runDomains(known, configured).compared];
      world.areDomainsKnown = isKnown;
      await world.run();
      await world.process();
    }
  };
  const slicesOf = (name: string) =>
    [...world.book.slices.values()].filter(({ domain }) => domain === name).sort((a, b) => a.start - b.start);
  const refuse = (name: string, reason: ListingFailure) => {
    world.mailgun.onPage = ({ domain }) => {
      if (domain.name === name) throw new ListingError(reason);
    };
  };
  return { world, state, live, slicesOf, refuse };
}

const isFinished = ({ finalAt }: { finalAt: number | null }) => finalAt !== null;

test('slices of removed domains are passed twice, up to the one of the removal, and webhooks refused since are not lost', async () => {
  const { world, state, live, slicesOf } = openWorld(STAYS, LEAVES, ALSO);
  const sends = [STAYS, LEAVES, ALSO];
  await live(8, { sends, lost: [LEAVES] });
  const news = world.news.length;
  expect(news).toBeGreaterThan(0);
  state.configured = [STAYS];
  const removedAt = world.nowMs / 1000 + SLICE;
  await live(120, { sends });
  for (const name of [LEAVES, ALSO]) {
    const slices = slicesOf(name);
    expect(slices.map(({ start }) => start)).toEqual(Array.from({ length: 9 }, (_, nth) => START + nth * SLICE));
    expect(slices.at(-1)?.end).toBe(removedAt);
    expect(slices.every(isFinished)).toBe(true);
    expect(slices.map(stateOf)).toEqual(slices.map(() => 'settled'));
  }
  expect(slicesOf(STAYS).length).toBeGreaterThan(120);
  expect(world.news.slice(news)).toEqual([]);
  expect(world.gauges).toMatchObject({ openSliceAge: 0, silentEvents: 0 });
  expect(world.gauges.watermarkAge).toBeLessThan(2 * 3600);
  // One note of the first configuration, and one of the change.
  expect(state.writes).toBe(2);
});

test('a removed domain with missing events keeps its slice open until they are stored', async () => {
  const { world, state, live, slicesOf } = openWorld(STAYS, LEAVES);
  await live(6, { sends: [LEAVES], lost: [LEAVES] });
  world.down.add('process');
  state.configured = [STAYS];
  await live(4);
  expect(world.gauges.openSliceAge).toBeGreaterThan(0);
  world.down.delete('process');
  await live(100);
  expect(world.gauges.openSliceAge).toBe(0);
  expect(slicesOf(LEAVES).map(stateOf)).toEqual(slicesOf(LEAVES).map(() => 'settled'));
});

test.each<ListingFailure>(['domain-not-found', 'unauthorized'])(
  'a removed domain that Mailgun does not show either (%s) ends as unlisted, and concerns no other domain',
  async (reason) => {
    const { world, state, live, slicesOf, refuse } = openWorld(STAYS, LEAVES);
    world.mailgun.hasTotals = true;
    await live(8, { sends: [STAYS, LEAVES] });
    const compared = slicesOf(LEAVES).length;
    state.configured = [STAYS];
    refuse(LEAVES, reason);
    await live(8, { sends: [STAYS] });
    expect(slicesOf(LEAVES).length).toBe(compared);
    world.nowMs += SLICE * 1000;
    const { result } = await world.run();
    const judgement = { isGauged: true, isWhole: true, isKeyRefused: false };
    expect(result).toMatchObject({ kind: 'ran', report: { done: true }, judgement });
    await live(RETENTION_HOURS * 4);
    const slices = slicesOf(LEAVES);
    expect(slices.length).toBe(9);
    expect(slices.every(isFinished)).toBe(true);
    expect(slices.map(stateOf)).toEqual(slices.map((_, nth) => (nth < compared ? 'settled' : 'unlisted')));
    expect(world.gauges.watermarkAge).toBeLessThan(2 * 3600);
  },
);

test('a removed domain is read no longer once it is past retention and nothing is open, until it comes back', async () => {
  const { world, state, live, slicesOf, refuse } = openWorld(STAYS, LEAVES);
  world.down.add('process');
  await live(6, { sends: [LEAVES], lost: [LEAVES] });
  state.configured = [STAYS];
  refuse(LEAVES, 'domain-not-found');
  const isRead = () => world.domains.some(({ name }) => name === LEAVES);
  await live(RETENTION_HOURS * 4 + 110);
  expect(isRead()).toBe(true);
  for (const { start } of slicesOf(LEAVES).filter((slice) => stateOf(slice) === 'open')) {
    expect(await world.accept({ domain: LEAVES, atEpochSeconds: start })).toMatchObject({ state: 'accepted' });
  }
  expect(world.gauges.openSliceAge).toBeGreaterThan(0);
  const before = state.writes;
  await live(3);
  expect([isRead(), state.writes]).toEqual([false, before + 1]);
  expect(slicesOf(LEAVES).every(isFinished)).toBe(true);

  world.down.delete('process');
  world.mailgun.onPage = () => undefined;
  state.configured = [STAYS, LEAVES];
  await live(3, { sends: [LEAVES] });
  expect([isRead(), slicesOf(LEAVES).at(-1)?.expected]).toEqual([true, { delivered: 1 }]);
  expect(state.item.domains.find(({ name }) => name === LEAVES)).not.toHaveProperty('doneAt');
});

test('an open slice of a removed domain that Mailgun no longer has can be accepted', async () => {
  const { world, state, live, slicesOf, refuse } = openWorld(STAYS, LEAVES);
  world.down.add('process');
  await live(6, { sends: [LEAVES], lost: [LEAVES] });
  const [open] = slicesOf(LEAVES);
  expect(open && stateOf(open)).toBe('open');
  state.configured = [STAYS];
  refuse(LEAVES, 'domain-not-found');
  await live(1);
  expect(await world.accept({ domain: LEAVES, atEpochSeconds: START })).toMatchObject({ state: 'accepted' });
  expect(stateOf(slicesOf(LEAVES)[0]!)).not.toBe('open');
});

test('a domain that comes back has each time compared once, none left out, and reports only webhooks lost since', async () => {
  const { world, state, live, slicesOf } = openWorld(STAYS, LEAVES);
  const sends = [LEAVES];
  await live(6, { sends });
  state.configured = [STAYS];
  await live(10, { sends });
  state.configured = [STAYS, LEAVES];
  await live(2, { sends });
  expect(world.news).toEqual([]);
  await live(6, { sends, lost: [LEAVES] });
  await live(110);
  const slices = slicesOf(LEAVES);
  slices.reduce((end, slice) => {
    expect(slice.start).toBe(end);
    return slice.end;
  }, START);
  const sum = (what: 'expected' | 'stored' | 'missing') =>
    slices.reduce((all, slice) => all + Object.values(slice[what]).reduce((a, b) => a + b, 0), 0);
  expect([sum('expected'), sum('stored'), sum('missing')]).toEqual([24, 24, 0]);
  expect(world.news.reduce((all, { lost }) => all + lost, 0)).toBe(6);
});

test('a domain that comes back after longer than retention continues where Mailgun still lists it, and is not late', async () => {
  const { world, state, live, slicesOf } = openWorld(STAYS, LEAVES);
  await live(4, { sends: [LEAVES] });
  state.configured = [STAYS];
  const removedAt = world.nowMs / 1000 + SLICE;
  await live(300, { sends: [LEAVES] });
  state.configured = [STAYS, LEAVES];
  const returnedAt = world.nowMs / 1000 + SLICE;
  world.msPerCall = 1000;
  world.budgetMs = 60_000;
  const ages: number[] = [];
  for (let nth = 0; nth < 8; nth += 1) {
    await live(1, { sends: [LEAVES] });
    ages.push(world.gauges.watermarkAge);
  }
  // More is due than these runs pass. Its age counts from the return, and weighs twice at second passes.
  expect(slicesOf(LEAVES).length).toBeLessThan(90);
  expect(Math.max(...ages)).toBeLessThanOrEqual(2 * 8 * SLICE);
  expect(ages.at(-1)).toBeGreaterThanOrEqual(7 * SLICE);
  Object.assign(world, { msPerCall: 0, budgetMs: 600_000 });
  await live(110, { sends: [LEAVES] });
  const slices = slicesOf(LEAVES);
  const kept = returnedAt - RETENTION_HOURS * 3600;
  expect(slices.filter(({ start, end }) => start >= removedAt && end <= kept)).toEqual([]);
  expect(
    slices.filter(({ start }) => start >= kept + 12 * SLICE).every(({ expected }) => 'delivered' in expected),
  ).toBe(true);
  expect(slices.filter(isFinished).length).toBeGreaterThan(90);
  expect(world.gauges.watermarkAge).toBeLessThan(2 * 3600);
});

test('an event that is stored once nothing of its removed domain was left is counted, and in doubt', async () => {
  const { world, state, live, slicesOf } = openWorld(STAYS, LEAVES);
  await live(4, { sends: [LEAVES] });
  state.configured = [STAYS];
  await live(200);
  expect(world.domains.map(({ name }) => name)).toEqual([STAYS]);
  world.webhook(numbered(1, START + 60, { domain: { name: LEAVES } }), LEAVES);
  await live(8);
  expect(slicesOf(LEAVES)[0]).toMatchObject({ stored: { delivered: 2 }, unconfirmed: { delivered: 1 } });
  expect(world.gauges.inDoubt).toBe(1);
  expect(await world.accept({ domain: LEAVES, atEpochSeconds: START })).toMatchObject({ state: 'accepted' });
  await live(8);
  expect([world.gauges.inDoubt, world.domains.length]).toEqual([0, 1]);
});

test('while the domains cannot be read, the configured ones are compared, and former ones in the next run', async () => {
  const { world, state, live, slicesOf } = openWorld(STAYS, LEAVES);
  await live(5, { sends: [STAYS, LEAVES] });
  state.configured = [STAYS];
  await live(1);
  state.isDown = true;
  const [stays, leaves] = [slicesOf(STAYS).length, slicesOf(LEAVES).length];
  await live(4);
  expect([slicesOf(STAYS).length, slicesOf(LEAVES).length]).toEqual([stays + 4, leaves]);
  world.nowMs += SLICE * 1000;
  const { result } = await world.run();
  expect(result).toMatchObject({ report: { slices: 1 }, judgement: { isGauged: false, isWhole: false } });
  state.isDown = false;
  await live(1);
  expect(slicesOf(LEAVES).length).toBeGreaterThan(leaves);
});

test('a removed domain whose listing fails leaves its slices to later runs, and the alarms of others to what they find', async () => {
  const { world, state, live, slicesOf, refuse } = openWorld(STAYS, LEAVES);
  await live(5, { sends: [STAYS, LEAVES] });
  state.configured = [STAYS];
  refuse(LEAVES, 'unavailable');
  await live(4, { sends: [STAYS] });
  const compared = slicesOf(LEAVES).length;
  world.nowMs += SLICE * 1000;
  const { result } = await world.run();
  expect(result).toMatchObject({ kind: 'ran', report: { done: false }, judgement: { isWhole: true } });
  world.mailgun.onPage = () => undefined;
  await live(1);
  expect(slicesOf(LEAVES).length).toBeGreaterThan(compared);
});
