import {
  checkErasureKey,
  createArchivedHistory,
  createHistory,
  restoredMessages,
} from '../../../../cli/archive/history.ts';
import { type ArchiveRow, rowOf } from '../../../../lambdas/domain/archive/archive-row.ts';
import { erasedAs, erasedRow } from '../../../../lambdas/domain/archive/erased-row.ts';
import { objectKey } from '../../../../lambdas/domain/archive/object-keys.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../../../lambdas/domain/json.ts';
import { createLedgerNaming, type EventPlace, placeName } from '../../../../lambdas/domain/ledger/ledger-name.ts';
import { tombstoneIdentity, tombstoneOf } from '../../../../lambdas/domain/recipients/erasure.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import { SLICE_SECONDS, SLICE_START } from '../../../support/archive/archive.ts';
import { InMemoryBucket, InMemoryEvents } from '../../../support/archive/in-memory-archive.ts';
import { ERASURE_KEY, erasureKey, InMemoryErasures } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';

const nameOf = createLedgerNaming(ERASURE_KEY);
const eventAt = (nth: number, seconds: number, over: Record<string, unknown> = {}) =>
  deliveredEvent({ id: `id-${nth}`, timestamp: seconds, recipient: `r${nth}@example.org`, ...over });

/** A table and an archive that hold the same events, or each some of them. */
class TwoPlaces {
  readonly table = new InMemoryEvents();
  readonly bucket = new InMemoryBucket();
  readonly erasures = new InMemoryErasures();
  readonly opened: string[] = [];
  discarded = 0;
  lookUps = 0;

  store(event: JsonObject, atMs = Number(event.timestamp) * 1000, isTombstone = false): void {
    const { partition, eventSort } = identify(event, DOMAIN);
    const sort = isTombstone ? tombstoneIdentity({ eventSort }, ERASURE_KEY).eventSort : eventSort;
    const key = { partition, eventSort: sort, atMs };
    const stored = { receivedAtMs: atMs + 900, source: 'webhook' as const, broughtByWebhook: true };
    this.table.events.set(placeName(key), {
      key,
      event: { ...stored, event: isTombstone ? tombstoneOf(event, DOMAIN) : event },
    });
  }

  archive(slice: number, number: number, rows: readonly ArchiveRow[]): void {
    const sorted = rows.toSorted((a, b) => a.atMs - b.atMs || (a.name < b.name ? -1 : 1));
    this.bucket.objects.set(objectKey(DOMAIN, SLICE_START + slice * SLICE_SECONDS, number), JSON.stringify(sorted));
  }

  deps() {
    const { objects } = this.bucket;
    return {
      archive: {
        async *list(prefix: string) {
          yield* [...objects.keys(), `${prefix}notes.txt`].filter((key) => key.startsWith(prefix));
        },
        open: async (key: string) => {
          this.opened.push(key);
          const stored = await this.bucket.open(key);
          const discard = async () => {
            this.discarded += 1;
          };
          return stored && { ...stored, discard };
        },
      },
      keys: this.table,
      events: {
        lookUp: async (places: EventPlace[]) => {
          this.lookUps += 1;
          return this.table.lookUp(places);
        },
      },
      erasures: this.erasures,
      erasureKey,
    };
  }

  async read(from = SLICE_START, to = SLICE_START + 4 * SLICE_SECONDS) {
    const found = [];
    for await (const chunk of createHistory(this.deps())(DOMAIN, from * 1000, to * 1000)) found.push(...chunk);
    return found;
  }
}

function rowFor(event: JsonObject, atMs = Number(event.timestamp) * 1000): ArchiveRow {
  const place = identify(event, DOMAIN);
  const facts = { receivedAtMs: atMs + 900, byWebhook: true, source: 'webhook' as const };
  return rowOf({ ...facts, name: nameOf(place), key: place.eventKey, atMs }, event, '00'.repeat(16));
}

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'every event of table and archive is read once, in order of time (seed %d)',
  async (seed) => {
    const { next } = createRandom(seed + 1);
    const places = new TwoPlaces();
    const all: JsonObject[] = [];
    const objects = new Map<string, ArchiveRow[]>();
    for (let nth = 0; nth < 60; nth += 1) {
      const slice = Math.floor(next() * 4);
      const event = eventAt(nth, SLICE_START + slice * SLICE_SECONDS + Math.floor(next() * 6));
      all.push(event);
      const where = Math.floor(next() * 3);
      if (where !== 1) places.store(event);
      const number = Math.floor(next() * 3);
      const key = `${slice} ${number}`;
      if (where !== 0) objects.set(key, [...(objects.get(key) ?? []), rowFor(event)]);
    }
    for (const [key, rows] of objects) places.archive(...(key.split(' ').map(Number) as [number, number]), rows);

    const found = await places.read();

    expect(found.map(({ row }) => row.name).toSorted()).toEqual(
      all.map((each) => nameOf(identify(each, DOMAIN))).toSorted(),
    );
    const times = found.map(({ row }) => row.atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const { row, isStored } of found) {
      const held = [...places.table.events.values()].some(({ key }) => nameOf(key) === row.name);
      expect([row.key, isStored]).toEqual([row.key, held]);
    }
    expect(places.discarded).toBe(places.opened.length);
  },
);

test('the copy in the table wins over the one in the archive, also for erased events', async () => {
  const places = new TwoPlaces();
  const [corrected, erased] = [eventAt(1, SLICE_START), eventAt(2, SLICE_START + 1)];
  places.archive(0, 0, [rowFor({ ...corrected, url: 'https://before.example' }), rowFor(erased)]);
  places.store({ ...corrected, url: 'https://after.example' });
  places.store(erased, undefined, true);

  const found = await places.read();

  expect(found.map(({ row }) => [row.url, row.recipient])).toEqual([
    ['https://after.example', 'r1@example.org'],
    [null, null],
  ]);
  expect(found.every(({ isStored }) => isStored)).toBe(true);
});

test('an event that the table stores under another time is not read from the archive', async () => {
  const places = new TwoPlaces();
  const event = eventAt(1, SLICE_START);
  places.archive(0, 0, [rowFor(event)]);
  places.store({ ...event, timestamp: SLICE_START + 5 });

  expect((await places.read()).map(({ row }) => row.atMs)).toEqual([(SLICE_START + 5) * 1000]);
});

test('no row names an erased recipient, even before table and archive are rewritten', async () => {
  const places = new TwoPlaces();
  const other = eventAt(3, SLICE_START + 2, { message: { headers: { to: 'r1@example.org', 'message-id': 'm-3' } } });
  places.archive(0, 0, [rowFor(eventAt(1, SLICE_START)), rowFor(other)]);
  places.archive(1, 0, [erasedRow(rowFor(eventAt(4, SLICE_START + SLICE_SECONDS)), DOMAIN, ERASURE_KEY)]);
  places.store(eventAt(2, SLICE_START + 1));
  for (const recipient of ['R1@example.org', 'r2@example.org']) places.erasures.mark(recipient);

  const found = await places.read();

  expect(found).toHaveLength(4);
  expect(JSON.stringify(found)).not.toMatch(/r[124]@example/);
  expect(found.map(({ row }) => [erasedAs(row) !== undefined, row.recipient])).toEqual([
    [true, null],
    [true, null],
    [false, 'r3@example.org'],
    [true, null],
  ]);
});

test('a range is exact to the millisecond, and objects outside it are not opened', async () => {
  const places = new TwoPlaces();
  for (let slice = 0; slice < 4; slice += 1) {
    places.archive(
      slice,
      0,
      [0, 1, 2].map((at) => rowFor(eventAt(10 * slice + at, SLICE_START + slice * SLICE_SECONDS + at))),
    );
  }

  const found = await places.read(SLICE_START + SLICE_SECONDS + 1, SLICE_START + 2 * SLICE_SECONDS + 1);

  expect(found.map(({ row }) => row.key)).toEqual(['delivered#id-11', 'delivered#id-12', 'delivered#id-20']);
  expect(places.opened).toHaveLength(2);
});

test('rows out of order fail the read with the name of the object, and leave no temporary file', async () => {
  const places = new TwoPlaces();
  const rows = [1, 0].map((at) => rowFor(eventAt(at, SLICE_START + at)));
  places.bucket.objects.set(objectKey(DOMAIN, SLICE_START, 0), JSON.stringify(rows));

  await expect(places.read()).rejects.toThrow(`the rows of ${objectKey(DOMAIN, SLICE_START, 0)} are not in order`);
  expect(places.discarded).toBe(1);
});

test('the table is queried only for wanted rows of the archive', async () => {
  const places = new TwoPlaces();
  const rows = Array.from({ length: 1200 }, (_, nth) => rowFor(eventAt(nth, SLICE_START + (nth % 800))));
  places.archive(0, 0, rows);
  places.store(eventAt(7, SLICE_START + 7));
  const wanted = new Set([rows[7], rows[8]].map((row) => row?.name));
  const readDay = createArchivedHistory(places.deps());

  const found: ArchiveRow[] = [];
  for await (const chunk of readDay(DOMAIN, SLICE_START * 1000, (SLICE_START + 800) * 1000, ({ name }) =>
    wanted.has(name),
  ))
    found.push(...chunk);

  expect(found.map(({ name }) => name)).toEqual([rows[8]?.name]);
  expect([places.lookUps, places.discarded]).toEqual([1, 1]);
});

test('a reader that stops early leaves no temporary file of the archive', async () => {
  const places = new TwoPlaces();
  places.archive(0, 0, [rowFor(eventAt(1, SLICE_START))]);
  for await (const _ of createArchivedHistory(places.deps())(
    DOMAIN,
    SLICE_START * 1000,
    SLICE_START * 1000 + 1,
    () => true,
  ))
    break;
  expect([places.opened.length, places.discarded]).toEqual([1, 1]);
});

const AT = 1_770_000_000;

function restoredRow(nth: number, erasureKey = ERASURE_KEY): ArchiveRow {
  const event = deliveredEvent({ id: `id-${nth}`, timestamp: AT, recipient: `r${nth}@example.org` });
  const place = identify(event, DOMAIN);
  const facts = { receivedAtMs: AT * 1000, byWebhook: true, source: 'webhook' as const, atMs: AT * 1000 };
  return rowOf({ ...facts, name: createLedgerNaming(erasureKey)(place), key: place.eventKey }, event, '00'.repeat(16));
}

const restore = (rows: readonly ArchiveRow[]) =>
  restoredMessages(rows, { domain: DOMAIN, nameOf: createLedgerNaming(ERASURE_KEY), unconfirmed: new Map() });

describe('the erasure key of an archive', () => {
  const SLICES = [AT, AT + 86_400];
  const days = SLICES.map((at) => ({ fromMs: at * 1000, toMs: (at + SLICE_SECONDS) * 1000 }));
  const foreign = (nth: number) => restoredRow(nth, 'another key');
  const erased = (row: ArchiveRow) => erasedRow(row, DOMAIN, ERASURE_KEY);

  /** Checks an archive of two days, each of which has an object with some rows. */
  async function check(rows: readonly (readonly ArchiveRow[])[], signal = new AbortController().signal) {
    const places = new TwoPlaces();
    // Before the first range and behind the last, on the same days.
    for (const slice of [0, 98]) places.archive(slice, 0, [restoredRow(9)]);
    for (const [nth, each] of rows.entries())
      places.archive(((SLICES[nth] ?? 0) - SLICE_START) / SLICE_SECONDS, 0, each);
    await checkErasureKey(places.deps().archive, [DOMAIN], days, { nameOf, signal });
    expect(places.discarded).toBe(places.opened.length);
    return places.opened.length;
  }

  test.each([
    { what: 'two are', rows: [[foreign(0), foreign(1)], []] },
    { what: 'one is', rows: [[foreign(0)], []] },
    { what: 'one of each day is', rows: [[foreign(0)], [foreign(1)]] },
    { what: 'one beside erased ones is', rows: [[erased(foreign(1)), foreign(0)], [erased(restoredRow(2))]] },
  ])('is refused where $what named by another one, and none fits', async ({ rows }) => {
    await expect(check(rows)).rejects.toThrow(/02T02:40:00Z .*another one/);
  });

  test.each([
    { what: 'the first fits', rows: [[restoredRow(0), foreign(1), foreign(2)], [foreign(3)]], objects: 1 },
    {
      what: 'the last fits',
      rows: [
        [foreign(0), foreign(1)],
        [foreign(2), restoredRow(3)],
      ],
      objects: 2,
    },
    { what: 'all are erased', rows: [[erased(foreign(0))], [erased(foreign(1))]], objects: 2 },
  ])('is not refused where $what, and no more is read than decides it', async ({ rows, objects }) => {
    expect(await check(rows)).toBe(objects);
  });

  test('is not judged once the command is interrupted', async () => {
    expect(await check([[foreign(0)], [foreign(1)]], AbortSignal.abort())).toBe(1);
  });
});

test('a row that names another place than its event has is left out, and the others are restored', () => {
  const messages = restore([restoredRow(0), restoredRow(1, 'another key'), restoredRow(2)]);

  expect(messages.map(({ event }) => event.id)).toEqual(['id-0', 'id-2']);
});

test('erased rows that do not say where their event was stored are left out', () => {
  const emptied = { ...restoredRow(1), event: null, salt: null };
  const messages = restore([restoredRow(0), emptied, erasedRow(restoredRow(2), DOMAIN, ERASURE_KEY)]);

  expect(messages.map(({ restored }) => restored?.erasedAs)).toEqual([undefined, expect.stringMatching(/^erased:/)]);
});
