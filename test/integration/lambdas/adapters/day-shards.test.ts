import { createDayEvents, createDayIndexRepository } from '../../../../lambdas/adapters/table/day-index-repository.ts';
import { createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import type { LedgerTable } from '../../../../lambdas/adapters/table/ledger-table.ts';
import { INDEXES } from '../../../../lambdas/contract.ts';
import { READS_AT_ONCE } from '../../../../lambdas/domain/concurrency.ts';
import { INDEXED_TYPES, OTHER_TYPE } from '../../../../lambdas/domain/events/day-index.ts';
import type { DayShards } from '../../../../lambdas/domain/events/day-shards.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../lambdas/domain/events/mailgun-event.ts';
import type { IndexedPlace } from '../../../../lambdas/read-api/ports.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import { allItems } from '../../../support/cli/table-text.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// Compares reads of a sharded day index with a plain sort of all stored events, while the number of shards rises.

const DAY_MS = 86_400_000;
const FIRST_MS = Date.UTC(2026, 1, 2);
const DAYS = 4;
const NONE: DayShards = [];
const FEW: DayShards = [{ from: '2026-02-03', count: 3 }];
const MANY: DayShards = [...FEW, { from: '2026-02-05', count: 8 }];
/** Raised on a day that already has events. */
const LATE: DayShards = [
  { from: '2026-02-03', count: 5 },
  { from: '2026-02-05', count: 8 },
];
const TYPES = ['accepted', 'delivered', 'opened', 'failed', 'list_uploaded'] as const;
const EVERY_TYPE = [...INDEXED_TYPES, OTHER_TYPE];
const random = createRandom(22);

let engines: TestEngines;
let queries = 0;
let inFlight = 0;
let mostInFlight = 0;
const stored: { sort: string; atMs: number }[] = [];
const withShards = (shards: DayShards): LedgerTable => ({ ...engines.table, shards });
const range = { domain: DOMAIN, fromMs: FIRST_MS, toMs: FIRST_MS + DAYS * DAY_MS, types: EVERY_TYPE };

beforeAll(async () => {
  engines = await startTestEngines();
  engines.dynamodb.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== 'QueryCommand') return next(args);
        queries += 1;
        inFlight += 1;
        mostInFlight = Math.max(mostInFlight, inFlight);
        return next(args).finally(() => {
          inFlight -= 1;
        });
      },
    { step: 'initialize' },
  );
});
afterAll(() => engines?.close());

/** Stores events of every day, many in the same millisecond, with these shards. */
async function store(shards: DayShards, count: number): Promise<void> {
  const records = createEventRepository(withShards(shards));
  const put = async () => {
    const day = random.below(DAYS);
    const atMs = FIRST_MS + day * DAY_MS + random.below(10) * 8_640_000 + random.below(2);
    const event = random.pick(TYPES);
    const id = `e${stored.length}`;
    const raw = deliveredEvent({ event, id, timestamp: atMs / 1000, message: { headers: { 'message-id': id } } });
    const identity = identify(raw, DOMAIN);
    stored.push({ sort: identity.eventSort, atMs });
    await records.putEvent({
      identity,
      domain: DOMAIN,
      atMs,
      event: parseEvent(raw),
      source: 'webhook',
      isImplausible: false,
      receivedAtMs: atMs,
      expiresAt: 9_999_999_999,
      statusExpiresAt: 9_999_999_999,
    });
  };
  for (let n = 0; n < count; n += 20) await Promise.all(Array.from({ length: 20 }, put));
}

const newestFirst = () => stored.toSorted((one, other) => other.atMs - one.atMs);
const names = (list: readonly { sort: string }[]) => list.map(({ sort }) => sort).sort();

/** Follows the pages from a position; `shards` may differ from those under which the position was returned. */
async function walk(shards: DayShards, limit: number, after?: IndexedPlace): Promise<IndexedPlace[]> {
  const found: IndexedPlace[] = [];
  for (let place = after, hasMore = true; hasMore; ) {
    const page = await createDayEvents(withShards(shards)).newest(range, limit, place);
    found.push(...page.places);
    ({ hasMore } = page);
    place = page.places.at(-1);
  }
  return found;
}

test.each([
  ['one shard each day', NONE, 60],
  ['a number from the second day on', FEW, 60],
  ['a second number from the last day on', MANY, 160],
  ['a number raised on days that have events', LATE, 60],
])('with %s, lists and slices of the day index equal a plain sort', async (_, shards, count) => {
  await store(shards, count);
  const index = createDayIndexRepository(withShards(shards));

  for (const limit of [1000, 60]) {
    const places = await walk(shards, limit);
    expect(places.map(({ atMs }) => atMs)).toEqual(newestFirst().map(({ atMs }) => atMs));
    expect(names(places)).toEqual(names(stored));
  }
  const [fromMs, toMs] = [FIRST_MS + 17_280_000, FIRST_MS + 2 * DAY_MS + 8_640_000];
  const within = stored.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const keys = await index.keys(DOMAIN, fromMs, toMs);
  expect(keys.map(({ eventSort }) => eventSort).sort()).toEqual(names(within));
  const merged: number[] = [];
  for await (const { atMs } of index.stored(DOMAIN, fromMs, toMs)) merged.push(atMs);
  expect(merged).toEqual(within.map(({ atMs }) => atMs).sort((one, other) => one - other));
});

test('a page of the day index continues from a position of before the number of shards rose', async () => {
  const raised = [{ from: '2026-02-02', count: 8 }];
  const all = await walk(LATE, 1000);
  expect(all).toHaveLength(stored.length);
  for (let nth = 0; nth < all.length; nth += 50) {
    const places = [...all.slice(0, nth + 1), ...(await walk(raised, 1000, all[nth]))];
    expect(names(places)).toEqual(names(stored));
  }
});

test('a page and a slice of the day index take one query per shard and type, a few at a time', async () => {
  const lastDay = { ...range, fromMs: FIRST_MS + 3 * DAY_MS };
  const count = async (read: () => Promise<unknown>) => {
    const before = queries;
    await read();
    return queries - before;
  };

  for (const [shards, queries] of [
    [NONE, 10],
    [MANY, 80],
  ] as const) {
    const newest = () => createDayEvents(withShards(shards)).newest(lastDay, 20);
    expect([await count(newest), (await newest()).queries]).toEqual([queries, queries]);
  }
  const keys = (shards: DayShards) =>
    createDayIndexRepository(withShards(shards)).keys(DOMAIN, lastDay.fromMs, lastDay.fromMs + 900_000);
  expect(await count(() => keys(NONE))).toBe(10);
  expect(await count(() => keys(MANY))).toBe(80);
  expect(mostInFlight).toBe(READS_AT_ONCE);
  const range900 = [DOMAIN, lastDay.fromMs, lastDay.fromMs + 900_000] as const;
  const { length } = await keys(MANY);
  const upTo = (max: number) => createDayIndexRepository(withShards(MANY)).keysUpTo(max, ...range900);
  expect([length > 1, (await upTo(length))?.length, await upTo(length - 1)]).toEqual([true, length, undefined]);
  expect(await count(() => upTo(0))).toBeLessThan(80);
});

test('days before the first number of shards keep their keys', async () => {
  const { partitionKey, sortKey } = INDEXES.byDay;
  const items = (await allItems(engines.table)).filter((item) => item[partitionKey] !== undefined);
  const shardsOf = (from: number, to: number) =>
    new Set(
      items
        .filter((item) => Number(item[sortKey]) >= from && Number(item[sortKey]) < to)
        .map((item) => String(item[partitionKey]).split('#')[3] ?? 'whole'),
    );

  expect([...shardsOf(FIRST_MS, FIRST_MS + DAY_MS)]).toEqual(['whole']);
  expect([...shardsOf(FIRST_MS + 3 * DAY_MS, FIRST_MS + 4 * DAY_MS)].sort()).toEqual([
    ...['1', '2', '3', '4', '5', '6', '7', 'whole'],
  ]);
});
