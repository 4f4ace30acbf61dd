import { recipientOf } from '../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { placeName } from '../../lambdas/domain/ledger/ledger-name.ts';
import { isOf, tombstoneIdentity, tombstoneOf } from '../../lambdas/domain/recipients/erasure.ts';
import { createRandom } from '../../tools/mailgun-twin/random.ts';
import { ERASURE_KEY } from '../support/fixtures/erasures.ts';
import { NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

// Erasing does not change the ledger: the same month with and without an erasure has the same slices.

const START = Math.floor(NOW_MS / 900_000) * 900;
const ERASED = 'person3@example.org';
const isErased = (event: JsonObject) => isOf(recipientOf(event) ?? '', ERASED);
/** How the recipient is sent, from case to case; a tombstone must be found under the name of each. */
const SPELLINGS = ['', '.', "'", ', person4@example.org'];
const spelled = (number: number) => {
  const end = SPELLINGS[Math.floor(number / 7) % SPELLINGS.length] ?? '';
  return { recipient: end === "'" ? `'${ERASED}'` : ERASED + end };
};

/** One sweep, as in the command: puts every tombstone before it deletes the event, in any order of events. */
function sweep(world: ReconcileWorld, random: () => number, halfWay: (name: string) => boolean = () => false): void {
  const { events, statuses, suppressions } = world.ledger;
  const own = [...events].filter(([, record]) => isErased(record.event)).sort(() => random() - 0.5);
  for (const [name, record] of own) {
    const identity = tombstoneIdentity(record.identity, ERASURE_KEY);
    const tombstone = { ...record, identity, event: tombstoneOf(record.event, record.domain) };
    const held = events.get(placeName(identity));
    if (held === undefined) events.set(placeName(identity), tombstone);
    else if (record.webhookAt !== undefined) held.webhookAt ??= record.webhookAt;
    if (!halfWay(name)) events.delete(name);
  }
  for (const items of [statuses, suppressions]) {
    for (const key of items.keys()) if (key.includes(ERASED)) items.delete(key);
  }
}

/** Returns true if the address is in a key or in an item. */
function remains({ ledger }: ReconcileWorld): boolean {
  const events = [...ledger.events].map(([name, { event }]) => [name, event]);
  return JSON.stringify([...events, ...ledger.statuses, ...ledger.suppressions]).includes(ERASED);
}

interface Life {
  readonly seed: number;
  /** Quarter of an hour in which the erasure marker is set. @default never */
  readonly markAt?: number;
}

/** Simulates two days of traffic with drops and duplicates; one sweep stops half-way, a later one completes. */
async function live({ seed, markAt = Number.POSITIVE_INFINITY }: Life): Promise<ReconcileWorld> {
  const random = createRandom(seed).next;
  const world = new ReconcileWorld();
  // Events of a quarter arrive at its end.
  world.nowMs = (START + 900) * 1000;
  world.fromEpochSeconds = START;
  const past: JsonObject[] = [];
  for (let quarter = 0; quarter < 200; quarter += 1) {
    const isOver = quarter >= 60;
    for (let n = 0; n < 8; n += 1) {
      const number = quarter * 8 + n;
      const [isDropped, isDouble, which] = [random() < 0.2, random() < 0.3, random()];
      if (isOver) continue;
      const event = numbered(number, START + quarter * 900 + n * 100, number % 7 === 3 ? spelled(number) : {});
      past.push(event);
      world.happen(event, isDropped);
      const double = past[Math.floor(which * past.length)];
      if (isDouble && double) world.webhook(double);
    }
    if (quarter === markAt) world.erasures.mark(ERASED.toUpperCase());
    world.nowMs += 900_000;
    // A separate random source, so that both simulations have the same traffic.
    const own = createRandom(seed * 1000 + quarter).next;
    if (quarter === markAt) sweep(world, own, () => own() < 0.5);
    await world.run();
    if (quarter === markAt + 1) sweep(world, own, () => own() < 0.3);
    await world.process();
    if (quarter === markAt + 3) sweep(world, own);
  }
  expect(world.failures).toEqual([]);
  return world;
}

const slicesOf = (world: ReconcileWorld) =>
  [...world.book.slices.values()].map(
    ({ passes, sends, version, firstAt, settledAt, startedAt, passedAt, finalAt, ...counts }) => counts,
  );

describe.each([1, 2, 3, 4, 5])('two days of traffic, seed %d', (seed) => {
  let plain: ReconcileWorld;
  beforeAll(async () => {
    plain = await live({ seed });
  });

  test.each([5, 20, 59, 90])('erasing in quarter %d leaves the same slices as no erasing', async (markAt) => {
    const erased = await live({ seed, markAt });

    expect(remains(plain)).toBe(true);
    expect(remains(erased)).toBe(false);
    expect(erased.totals).toMatchObject({ missing: 0, unconfirmed: 0, expected: plain.totals.expected });
    expect(slicesOf(erased)).toEqual(slicesOf(plain));
    expect([...erased.sends.values()].every((sends) => sends <= 5)).toBe(true);
  });
});

test('erasing leaves events without a recipient and those of others unchanged', async () => {
  const [plain, erased] = [await live({ seed: 7 }), await live({ seed: 7, markAt: 30 })];
  const others = (world: ReconcileWorld) =>
    [...world.ledger.events.values()].filter(({ identity }) => !/^R#(erased:|'?person3@)/.test(identity.eventSort));
  expect(
    others(erased)
      .map(({ event }) => event.id)
      .sort(),
  ).toEqual(
    others(plain)
      .map(({ event }) => event.id)
      .sort(),
  );
});

test('while an event and its tombstone are both stored, they count as one, listed or not', async () => {
  for (const listed of [true, false]) {
    const world = new ReconcileWorld();
    const event = numbered(1, START + 10, { recipient: ERASED });
    world.fromEpochSeconds = START;
    if (listed) world.happen(event, false);
    else world.webhook(event);
    await world.process();
    world.erasures.mark(ERASED);
    sweep(world, createRandom(1).next, () => true);
    expect(world.ledger.events.size).toBe(2);

    world.nowMs = (START + 900 + 1800) * 1000;
    expect(await world.report()).toMatchObject({ expected: 1, missing: 0, sent: 0 });
    expect(world.totals).toMatchObject({ stored: 1, unconfirmed: listed ? 0 : 1 });
  }
});

test('a tombstone that the index does not show yet is found by a consistent read, and nothing is requeued', async () => {
  const world = new ReconcileWorld();
  world.fromEpochSeconds = START;
  world.happen(numbered(1, START + 10, { recipient: ERASED }), false);
  await world.process();
  world.erasures.mark(ERASED);
  sweep(world, createRandom(1).next);
  world.stored.isIndexed = () => false;

  world.nowMs = (START + 900 + 1800) * 1000;
  expect(await world.report()).toMatchObject({ expected: 1, missing: 0, sent: 0 });
});

test('a replay of the erased time brings nothing back', async () => {
  const world = await live({ seed: 9, markAt: 30 });
  const before = world.ledger.events.size;
  // Events lost meanwhile are requeued once.
  const lost = [...world.ledger.events].find(([, { identity }]) => identity.eventSort.startsWith('R#erased:'));
  world.ledger.events.delete(lost?.[0] ?? '');
  const range = { fromEpochSeconds: START - 3600, toEpochSeconds: START + 16 * 3600 };
  const fresh = new ReconcileWorld();
  Object.assign(fresh, { nowMs: world.nowMs, mailgun: world.mailgun, erasures: world.erasures });
  for (const [name, record] of world.ledger.events) fresh.ledger.events.set(name, record);
  const { report } = await fresh.replay(range);
  await fresh.process();

  expect(report).toMatchObject({ state: 'ran', done: true, missing: 1, sent: 1 });
  expect(fresh.ledger.events.size).toBe(before);
  expect(remains(fresh)).toBe(false);
  const again = await fresh.replay(range);
  expect(again.report).toMatchObject({ missing: 0, sent: 0 });
  expect(fresh.totals).toMatchObject({ missing: 0, unconfirmed: 0 });
});
