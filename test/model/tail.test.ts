import { lateStoredTime } from '../../lambdas/domain/events/stored-time.ts';
import { nameCheck, typesOf } from '../../lambdas/read-api/messages/events.ts';
import type { DayEvents, IndexedPlace, StoredEvent } from '../../lambdas/read-api/ports.ts';
import { createTail } from '../../lambdas/read-api/tail/tail.ts';
import { isTailPosition, MAX_SHOWN, type TailPosition, tailStart } from '../../lambdas/read-api/tail/tail-position.ts';
import { deliveredEvent } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';

// Events are stored in any order, at any distance from their time, and appear in the index with a delay. A reader
// polls, loses responses and restarts from an earlier cursor, and stays away for days.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = 1_790_000_000_000;
const DOMAINS = ['mg.example.com', 'news.example.com', '-'];

interface ModelEvent {
  id: string;
  domain: string;
  atMs: number;
  receivedAtMs: number;
  storedAtMs: number;
  visibleAtMs: number;
}

/** The table and its index; an event that is not visible yet is in neither, as with a lagging index. */
class World {
  nowMs = START_MS;
  read = 0;
  /** As many as there are types and shards. */
  queriesPerDay = 1;
  queries = 0;
  /** The domains that the reader asks of, as the configuration has them. */
  domains: readonly string[] = DOMAINS;
  readonly events: ModelEvent[] = [];

  store(event: Omit<ModelEvent, 'id' | 'storedAtMs'>): void {
    this.events.push({ ...event, id: `e${this.events.length}`, storedAtMs: this.nowMs });
  }

  readonly days: DayEvents = {
    newest: async ({ domain, fromMs, toMs, types }, limit, after) => {
      const places = this.events
        .filter((each) => each.domain === domain && each.visibleAtMs <= this.nowMs && types.includes('delivered'))
        .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
        .map(placeOf)
        .sort((a, b) => b.atMs - a.atMs || (a.partition < b.partition ? -1 : 1));
      const from = after === undefined ? 0 : places.findIndex((each) => isBehind(each, after));
      const left = from < 0 ? [] : places.slice(from);
      const lastMs = Math.min(toMs - 1, after?.atMs ?? toMs);
      const queries = this.queriesPerDay * (Math.floor(lastMs / DAY_MS) - Math.floor(fromMs / DAY_MS) + 1);
      this.queries += queries;
      return { places: left.slice(0, limit), hasMore: left.length > limit, queries };
    },
    read: (places) => this.#read(places),
  };

  async *#read(places: readonly IndexedPlace[]): AsyncGenerator<StoredEvent> {
    for (const { partition } of places) {
      const { id, domain, atMs, receivedAtMs, storedAtMs } = this.events[Number(partition.slice(5))] as ModelEvent;
      this.read += 1;
      yield {
        eventKey: `delivered#${id}`,
        recipientKey: 'a@b',
        domain,
        source: 'webhook' as const,
        receivedAtMs,
        atMs,
        ...lateStoredTime(receivedAtMs, storedAtMs),
        event: deliveredEvent({ id }),
      };
    }
  }
}

const placeOf = ({ id, atMs }: ModelEvent): IndexedPlace => ({
  type: 'delivered',
  partition: `MSG#${id}`,
  sort: `R#a@b#E#delivered#${id}`,
  atMs,
});
const isBehind = (one: IndexedPlace, other: IndexedPlace) =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.partition > other.partition);

/** A reader that keeps only what was shown up to its cursor. */
class Reader {
  position: TailPosition;
  shown: string[] = [];
  #earlier: { position: TailPosition; shown: string[] };
  readonly #world: World;
  readonly #tail: ReturnType<typeof createTail>;

  constructor(world: World, maxSearched: number) {
    this.#world = world;
    this.#tail = createTail(world.days, maxSearched);
    this.position = tailStart(world.nowMs);
    this.#earlier = { position: this.position, shown: [] };
  }

  async poll(limit: number, isLost = false): Promise<boolean> {
    const { nowMs } = this.#world;
    const filter = {
      domains: this.#world.domains,
      types: typesOf(undefined),
      isWantedPlace: () => true,
      isWanted: () => true,
    };
    const { body, next } = await this.#tail({ ...filter, limit, position: this.position, nowMs });
    // Not by `expect`, which takes longer than the tail.
    if (body.events.length > limit) throw new Error(`the page holds ${body.events.length} events`);
    // A cursor travels as text, and is validated on receipt.
    const position = JSON.parse(JSON.stringify(next)) as TailPosition;
    if (!isTailPosition(position, undefined, nowMs)) throw new Error(`${JSON.stringify(next)} is no position`);
    if (isLost) return body.behind;
    this.position = position;
    this.shown = [...this.shown, ...body.events.map(({ key }) => key.replace('delivered#', ''))];
    return body.behind;
  }

  keep(): void {
    this.#earlier = { position: this.position, shown: this.shown };
  }

  /** Forgets everything since an earlier cursor. */
  cut(): void {
    ({ position: this.position, shown: this.shown } = this.#earlier);
  }
}

const latenessMs = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -9 * MINUTE_MS, max: 2 * MINUTE_MS }) },
  fc.integer({ min: 0, max: 40 * MINUTE_MS }),
  fc.integer({ min: 0, max: 9 * HOUR_MS }),
  fc.integer({ min: 0, max: 30 * DAY_MS }),
);
const inQueueMs = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 15_000, 15_001) },
  fc.integer({ min: 0, max: 9 * HOUR_MS }),
);
const store = fc.record({
  kind: fc.constant('store' as const),
  count: fc.integer({ min: 1, max: 12 }),
  domain: fc.constantFrom(...DOMAINS),
  latenessMs,
  inQueueMs,
  lagMs: fc.oneof(fc.integer({ min: 0, max: 75_000 }), fc.constant(75_000)),
});
const poll = fc.record({
  kind: fc.constant('poll' as const),
  limit: fc.constantFrom(1, 3, 100),
  isLost: fc.boolean(),
});
const wait = fc.record({
  kind: fc.constant('wait' as const),
  ms: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 5000 }) },
    { weight: 5, arbitrary: fc.integer({ min: 40_000, max: 90_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 * MINUTE_MS }) },
    fc.integer({ min: 0, max: 3 * DAY_MS }),
  ),
});
const keep = fc.record({ kind: fc.constant('keep' as const) });
const cut = fc.record({ kind: fc.constant('cut' as const) });
const steps = fc.array(
  fc.oneof({ weight: 4, arbitrary: store }, { weight: 5, arbitrary: poll }, { weight: 4, arbitrary: wait }, keep, cut),
  { minLength: 5, maxLength: 60 },
);

type Step = typeof steps extends fc.Arbitrary<(infer Each)[]> ? Each : never;

async function act(world: World, reader: Reader, step: Step): Promise<void> {
  if (step.kind === 'wait') world.nowMs += step.ms;
  else if (step.kind === 'poll') await reader.poll(step.limit, step.isLost);
  else if (step.kind === 'keep') reader.keep();
  else if (step.kind === 'cut') reader.cut();
  else {
    const { nowMs } = world;
    for (let n = 0; n < step.count; n += 1) {
      // An event is received before it is stored, and at most ten minutes before its own time.
      const receivedAtMs = nowMs - step.inQueueMs;
      const atMs = Math.min(nowMs - step.latenessMs, receivedAtMs + 10 * MINUTE_MS) + n;
      world.store({ domain: step.domain, atMs, receivedAtMs, visibleAtMs: nowMs + step.lagMs });
    }
  }
}

/** Polls until every tier has been read again. */
async function readToTheEnd(world: World, reader: Reader): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    world.nowMs += 2 * DAY_MS;
    for (let polls = 0; await reader.poll(100); polls += 1) {
      if (polls > 5000) throw new Error('the tail does not come to an end');
      world.nowMs += 100;
    }
  }
}

test.each([1250, 7])(
  'shows each event once, whatever comes when, looking at %d a page',
  async (maxSearched) => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const world = new World();
        const reader = new Reader(world, maxSearched);
        for (const step of taken) await act(world, reader, step);
        await readToTheEnd(world, reader);

        // The receipt counts as the time of storing if both are within 15 seconds.
        const isOfTail = ({ receivedAtMs, storedAtMs }: ModelEvent) =>
          (lateStoredTime(receivedAtMs, storedAtMs).storedAtMs ?? receivedAtMs) > START_MS;
        const stored = world.events.filter(isOfTail).map(({ id }) => id);
        expect(reader.shown.toSorted()).toEqual(stored.toSorted());
      }),
      { numRuns: shareOf(60), seed: 23 },
    );
  },
  120_000,
);

const COMING_AND_GOING = ['aaa.example.com', 'news.example.com', 'zzz.example.com'];
const configure = fc.record({
  kind: fc.constant('configure' as const),
  present: fc.subarray(COMING_AND_GOING),
});
const domainSteps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ store, domain: fc.constantFrom(...DOMAINS, ...COMING_AND_GOING) }) },
    { weight: 5, arbitrary: poll },
    { weight: 3, arbitrary: wait },
    { weight: 2, arbitrary: configure },
  ),
  { minLength: 5, maxLength: 60 },
);

test.each([1250, 3])(
  'misses no event of a domain that is there, whatever others come and go within a sweep, looking at %d a page',
  async (maxSearched) => {
    await fc.assert(
      fc.asyncProperty(domainSteps, async (taken) => {
        const world = new World();
        world.domains = ['mg.example.com', '-'];
        // Since when each is there.
        const since = new Map(world.domains.map((domain) => [domain, 0]));
        const reader = new Reader(world, maxSearched);
        for (const step of taken) {
          if (!('kind' in step)) await act(world, reader, { ...step.store, domain: step.domain });
          else if (step.kind !== 'configure') await act(world, reader, step);
          else {
            world.domains = [...step.present, 'mg.example.com', '-'];
            for (const domain of COMING_AND_GOING) {
              if (!step.present.includes(domain)) since.delete(domain);
              else if (!since.has(domain)) since.set(domain, world.events.length);
            }
          }
        }
        await readToTheEnd(world, reader);

        const expected = world.events.filter(({ domain, receivedAtMs, storedAtMs }, nth) => {
          const isOfTail = (lateStoredTime(receivedAtMs, storedAtMs).storedAtMs ?? receivedAtMs) > START_MS;
          return isOfTail && nth >= (since.get(domain) ?? Number.POSITIVE_INFINITY);
        });
        const times = expected.map(({ id }) => reader.shown.filter((each) => each === id).length);
        expect(times).toEqual(expected.map(() => 1));
      }),
      { numRuns: shareOf(60), seed: 31 },
    );
  },
  120_000,
);

test.each([
  ['leaves while it is read', ['mg.example.com', '-']],
  ['joins before the one that is read', ['aaa.example.com', 'mg.example.com', 'aab.example.com', '-']],
])('the tail shows each event of the others where a domain %s', async (_, domains) => {
  const world = new World();
  world.domains = ['aaa.example.com', 'mg.example.com', '-'];
  const reader = new Reader(world, 3);
  world.nowMs += 2000;
  for (const [nth, [domain, count]] of Object.entries({
    'aaa.example.com': 5,
    'mg.example.com': 5,
    '-': 2,
  }).entries()) {
    for (let n = 0; n < count; n += 1) {
      const atMs = world.nowMs - 1000 + nth * 500 + n;
      world.store({ domain, atMs, receivedAtMs: world.nowMs, visibleAtMs: world.nowMs });
    }
  }
  // Each page reads three events, so the first ends within the second domain by name.
  world.nowMs += 200_000;
  await reader.poll(100);
  world.domains = domains;
  for (let polls = 0; polls < 60; polls += 1) {
    await reader.poll(100);
    world.nowMs += 5000;
  }
  const others = reader.shown.filter((id) => Number(id.slice(1)) >= 5);
  expect(others.toSorted()).toEqual(['e10', 'e11', 'e5', 'e6', 'e7', 'e8', 'e9']);
});

test('the tail shows an event at the next poll after it is in the index', async () => {
  const world = new World();
  const reader = new Reader(world, 1250);
  await reader.poll(100);
  world.nowMs += 5000;
  world.store({ domain: '-', atMs: world.nowMs - 1000, receivedAtMs: world.nowMs, visibleAtMs: world.nowMs });
  expect([await reader.poll(100), reader.shown]).toEqual([false, ['e0']]);
});

test.each([
  ['a second', 'a page', 0, 1000],
  // What is not final yet is left to the next poll.
  ['95 seconds', 'several pages', 300, 95_000],
])(
  'a tail that was away has shown what was stored %s ago once it is not behind, where steps take %s',
  async (...row) => {
    const [, , others, ageMs] = row;
    for (let awayMs = 2 * MINUTE_MS; awayMs < 45 * MINUTE_MS; awayMs += 10_000) {
      const world = new World();
      const reader = new Reader(world, 1250);
      const backMs = START_MS + awayMs;
      const store = (storedAtMs: number) => {
        world.nowMs = storedAtMs;
        world.store({ domain: '-', atMs: storedAtMs, receivedAtMs: storedAtMs, visibleAtMs: storedAtMs });
      };
      for (let nth = others; nth > 0; nth -= 1) store(backMs - 200_000 - 1000 * nth);
      store(backMs - ageMs);
      world.nowMs = backMs;
      while (await reader.poll(100));

      expect([awayMs, reader.shown.includes(`e${others}`)]).toEqual([awayMs, true]);
    }
  },
);

test('the tail keeps its cursor while nothing is new, and advances it within two and a half minutes', async () => {
  const world = new World();
  const reader = new Reader(world, 1250);
  const cursors = new Set<string>();
  for (let polls = 0; polls < 30; polls += 1) {
    await reader.poll(100);
    cursors.add(JSON.stringify(reader.position));
    world.nowMs += 5000;
  }
  expect(cursors.size).toBeLessThanOrEqual(2);
});

test("the tail's cursor stays within its size limit during a burst, and loses no event", async () => {
  const world = new World();
  const reader = new Reader(world, 1250);
  const { nowMs } = world;
  for (let n = 0; n < MAX_SHOWN + 200; n += 1) {
    world.store({ domain: '-', atMs: nowMs + n, receivedAtMs: nowMs + n + 1, visibleAtMs: nowMs });
  }
  world.nowMs += 5000;
  await reader.poll(1000);
  expect(reader.shown.length).toBe(MAX_SHOWN);
  await readToTheEnd(world, reader);
  expect(new Set(reader.shown).size).toBe(MAX_SHOWN + 200);
  expect(reader.shown.length).toBe(MAX_SHOWN + 200);
});

test('an hour of tail polls reads the events of at most 240 hours', async () => {
  const world = new World();
  const everyMs = 6 * MINUTE_MS;
  for (let atMs = START_MS - 31 * DAY_MS; atMs < START_MS + 26 * HOUR_MS; atMs += everyMs) {
    world.store({ domain: '-', atMs, receivedAtMs: atMs, visibleAtMs: atMs });
  }
  const reader = new Reader(world, 1250);
  for (let polls = 0; polls < 26 * 12; polls += 1) {
    while (await reader.poll(1000));
    world.nowMs += 5 * MINUTE_MS;
  }
  // The first tier is polled every five seconds, and rereads at most four and a half minutes.
  const firstTierPerHour = (720 * 4.5 * MINUTE_MS) / everyMs;
  expect(world.read / 26 + firstTierPerHour).toBeLessThan((240 * HOUR_MS) / everyMs);
});

test.each([
  ['one shard', 10],
  ['32 shards', 320],
])('a page over forty quiet domains makes few queries, and the tail comes to its end: %s', async (_, queriesPerDay) => {
  const world = new World();
  Object.assign(world, { queriesPerDay });
  world.domains = Array.from({ length: 40 }, (_, nth) => `d${nth}.example.com`).sort();
  const reader = new Reader(world, 1250);
  world.nowMs += HOUR_MS;
  for (const domain of world.domains) {
    world.store({ domain, atMs: world.nowMs - 20 * DAY_MS, receivedAtMs: world.nowMs, visibleAtMs: world.nowMs });
  }
  world.nowMs += 2 * DAY_MS;
  const perPage: number[] = [];
  for (let behind = true; behind; ) {
    const before = world.queries;
    behind = await reader.poll(100);
    perPage.push(world.queries - before);
    if (perPage.length > 10_000) throw new Error('the tail does not come to an end');
  }
  // A call that has begun is finished: a tier is over its limit by the queries of a day.
  expect(Math.max(...perPage)).toBeLessThanOrEqual(2 * (1250 + queriesPerDay));
  expect(reader.shown).toHaveLength(40);
});

test('the tail finds a type without its own partition among the others', () => {
  const isWanted = nameCheck('list_uploaded');
  const place = placeOf({ id: 'x', domain: '-', atMs: 0, receivedAtMs: 0, storedAtMs: 0, visibleAtMs: 0 });
  expect([isWanted?.(place), isWanted?.({ ...place, sort: 'R#-#E#list_uploaded#1' })]).toEqual([false, true]);
});
