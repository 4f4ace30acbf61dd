import {
  isKeyText,
  isTime,
  type QueryIdentity,
  readCursor,
  writeCursor,
} from '../../../../../lambdas/read-api/http/cursor.ts';
import { isRangeOf } from '../../../../../lambdas/read-api/http/range.ts';
import { createEvents, isEventsPosition } from '../../../../../lambdas/read-api/messages/events.ts';
import { createMessages, isMessagePosition } from '../../../../../lambdas/read-api/messages/messages.ts';
import { isRecipientPlace } from '../../../../../lambdas/read-api/recipients/recipient-places.ts';
import { isSearchPosition } from '../../../../../lambdas/read-api/recipients/recipient-search.ts';
import { createRoutes } from '../../../../../lambdas/read-api/routes.ts';
import { LATENESS_TIERS } from '../../../../../lambdas/read-api/tail/lateness-tiers.ts';
import { isTailPosition } from '../../../../../lambdas/read-api/tail/tail-position.ts';
import { RETENTION } from '../../../../support/doubles/in-memory-ledger.ts';
import fc from '../../../../support/property.ts';

const QUERY: QueryIdentity = ['getMessage', { id: 'a@b.example' }];

test('a cursor gives its position back to its own query', () => {
  const position = { after: 'R#ü "#E#delivered#1', tally: { opens: 1 } };
  expect(readCursor(QUERY, writeCursor(QUERY, position))).toEqual(position);
});

test.each<[string, QueryIdentity]>([
  ['another message', ['getMessage', { id: 'a@b.examplf' }]],
  ['another operation', ['getRecipient', { id: 'a@b.example' }]],
  ['one parameter more', ['getMessage', { id: 'a@b.example', type: 'opened' }]],
  ['another parameter of the same value', ['getMessage', { address: 'a@b.example' }]],
])('a cursor is invalid for %s', (_, query) => {
  expect(readCursor(query, writeCursor(QUERY, { after: 'R#' }))).toBeUndefined();
});

test('any other text is an invalid cursor, and does not throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()), (text) => {
      expect(readCursor(QUERY, text)).toBeUndefined();
      expect(readCursor(QUERY, `${text}.${text}`)).toBeUndefined();
    }),
  );
});

test('a signed cursor that is not JSON is refused', () => {
  const [, check] = writeCursor(QUERY, 1).split('.');
  expect(readCursor(QUERY, `.${check}`)).toBeUndefined();
});

test.each([
  [isKeyText, ['x', 'R#ü'], ['', 7, null, 'x'.repeat(1025), '\ud800']],
  [isTime, [0, 1_770_000_000_000], [-1, 0.5, Number.NaN, 1e13, '5']],
  [
    isMessagePosition,
    [{ after: 'R#a#STATUS' }],
    [null, {}, { after: 'CLAIM' }, { after: 'R#a', tally: {} }, { after: 'R#a', tally: { opens: -1 } }],
  ],
  [
    (value) => isRecipientPlace(value, 2),
    [
      { partition: 'MSG#x', atMs: 5 },
      { partition: 'MSG#x', atMs: 5, spelling: 1 },
    ],
    [
      ...[null, { partition: 'CLAIM#x', atMs: 5 }, { partition: 'MSG#x' }],
      ...[2, -1, 0.5, '1', null].map((spelling) => ({ partition: 'MSG#x', atMs: 5, spelling })),
    ],
  ],
] as [(value: unknown) => boolean, unknown[], unknown[]][])(
  '%p accepts only valid values of a cursor',
  (check, good, bad) => {
    expect(good.filter((value) => !check(value))).toEqual([]);
    expect(bad.filter((value) => check(value))).toEqual([]);
  },
);

test('a cursor with a position outside its range, or of another type, is refused', () => {
  const range = { fromMs: 1000, toMs: 2000 };
  const place = { type: 'opened', partition: 'MSG#x', sort: 'R#a#E#opened#1', atMs: 1500 };
  const isPosition = (value: unknown) => isEventsPosition(value, 'opened', { from: 1000, to: 2000 }, 9000);
  expect(isPosition({ range, place })).toBe(true);
  for (const wrong of [{ atMs: 999 }, { atMs: 2000 }, { type: 'clicked' }, { partition: 7 }, { sort: '' }]) {
    expect(isPosition({ range, place: { ...place, ...wrong } })).toBe(false);
  }
});

const DAY_MS = 86_400_000;
const NOW_MS = 40 * DAY_MS + 1;
const ENDS_MS = 40 * DAY_MS + 1000;

test.each([
  ['names both ends', { from: 1000, to: 2000 }, { fromMs: 1000, toMs: 2000 }, true],
  ['names both ends, of a cursor that begins before', { from: 1000, to: 2000 }, { fromMs: 999, toMs: 2000 }, false],
  ['names both ends, of a cursor that ends after', { from: 1000, to: 2000 }, { fromMs: 1000, toMs: 2001 }, false],
  ['names a day', { day: DAY_MS }, { fromMs: DAY_MS, toMs: 2 * DAY_MS }, true],
  ['names a day, of a cursor for another', { day: DAY_MS }, { fromMs: 2 * DAY_MS, toMs: 3 * DAY_MS }, false],
  ['names its end', { to: 2 * DAY_MS }, { fromMs: DAY_MS, toMs: 2 * DAY_MS }, true],
  ['names its end, of a cursor that begins before', { to: 2 * DAY_MS }, { fromMs: 0, toMs: 2 * DAY_MS }, false],
  ['names its begin', { from: 20 * DAY_MS }, { fromMs: 20 * DAY_MS, toMs: 30 * DAY_MS }, true],
  ['names its begin, of a cursor that begins before', { from: 20 * DAY_MS }, { fromMs: 0, toMs: 30 * DAY_MS }, false],
  ['names no end, and began now', {}, { fromMs: ENDS_MS - DAY_MS, toMs: ENDS_MS }, true],
  ['names no end, and began long ago', {}, { fromMs: DAY_MS, toMs: 2 * DAY_MS }, true],
  ['names no end, of a longer cursor', {}, { fromMs: 0, toMs: 2 * DAY_MS }, false],
  ['names no end, of a time to come', {}, { fromMs: 40 * DAY_MS, toMs: 41 * DAY_MS }, false],
  ['names no end, by a clock ahead', {}, { fromMs: ENDS_MS + 30_000 - DAY_MS, toMs: ENDS_MS + 30_000 }, true],
])('a range is that of a query that %s: %#', (_, query, range, isOfQuery) => {
  expect(isRangeOf(range, query, NOW_MS)).toBe(isOfQuery);
});

const tailAt = (finalMs: number, sweep?: object) => ({
  tiers: LATENESS_TIERS.map((_, index) => ({ finalMs, ...(index === 1 && sweep && { sweep }) })),
  shown: '',
});
test.each([
  ['of now', tailAt(NOW_MS), true],
  ['by a clock ahead', tailAt(NOW_MS + 30_000), true],
  ['of a time to come, which shows nothing until then', tailAt(NOW_MS + 120_000), false],
  ['left for weeks', tailAt(NOW_MS - 40 * DAY_MS), true],
  ['of 1970, which reads every day since with each page', tailAt(0), false],
  ['in a sweep', tailAt(NOW_MS - 1000, { startedMs: NOW_MS, domain: '' }), false],
  ['in a sweep of a domain', tailAt(NOW_MS - 1000, { startedMs: NOW_MS, domain: 'd' }), true],
  [
    'in a sweep, at the end of its time',
    tailAt(NOW_MS, { startedMs: NOW_MS, domain: 'd', toMs: NOW_MS - 119_999 }),
    true,
  ],
  ['in a sweep, after its time', tailAt(NOW_MS, { startedMs: NOW_MS, domain: 'd', toMs: NOW_MS - 119_998 }), false],
  ['in a sweep, before its time', tailAt(NOW_MS, { startedMs: NOW_MS, domain: 'd', toMs: NOW_MS - 1_800_000 }), false],
  ['in a sweep of a time to come', tailAt(NOW_MS - 1000, { startedMs: NOW_MS + 120_000, domain: 'd' }), false],
])('a tail cursor %s', (_, position, isPosition) => {
  // Long after 1970.
  const later = (value: unknown) =>
    JSON.parse(JSON.stringify(value), (key, each) => (key.endsWith('Ms') && each > 0 ? each + 1e12 : each));
  expect(isTailPosition(later(position), undefined, NOW_MS + 1e12)).toBe(isPosition);
});

test("a search cursor with a key of another recipient's events is refused", () => {
  const query = { keys: ['a@b.example', 'a@old.example'] };
  const place = { partition: 'MSG#x', atMs: 5 };
  expect(isSearchPosition({ ...place, after: 'R#a@b.example#E#opened#1' }, query)).toBe(true);
  expect(isSearchPosition({ ...place, after: 'R#c@b.example#E#opened#1' }, query)).toBe(false);
  const older = { ...place, after: 'R#a@old.example#E#opened#1' };
  expect([isSearchPosition(older, query), isSearchPosition({ ...older, spelling: 1 }, query)]).toEqual([false, true]);
  expect(isSearchPosition({ ...place, after: 'R#a@b.example#E#clicked#1' }, { ...query, type: 'opened' })).toBe(false);
});

test('a made-up cursor is refused, or reads inside the query', async () => {
  const calls: unknown[] = [];
  const routes = createRoutes({
    confirmed: async (events: readonly unknown[]) => events.map(() => false),
    messages: createMessages(
      {
        page: async (...args) => {
          calls.push(args);
          return { entries: [], last: undefined, hasMore: false };
        },
        status: async () => undefined,
        originOf: async () => undefined,
      },
      RETENTION,
    ),
    events: createEvents({
      newest: async (range) => {
        calls.push(range);
        return { places: [], hasMore: false, queries: 1 };
      },
      async *read() {},
    }),
    domains: ['d.example'],
    receiverNames: [],
    now: () => 5_000_000,
  } as never);
  const ends = fc.oneof(
    fc.integer(),
    fc.integer({ min: 0, max: 6000 }).map((seconds) => seconds * 1000),
  );
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.option(fc.integer()), ends, async (value, anyMs, toMs) => {
      const fromMs = anyMs ?? Math.max(0, toMs - DAY_MS);
      const id = 'm';
      const message = await routes.read('getMessage', { id, cursor: writeCursor(['getMessage', { id }], value) });
      expect(message.ok || 'parameter' in message).toBe(true);
      expect(message.ok).toBe(isMessagePosition(value));
      const domain = 'd.example';
      const place = { type: 'opened', partition: 'MSG#x', sort: 'R#a', atMs: toMs - 1 };
      const cursor = writeCursor(['listEvents', { domain }], { range: { fromMs, toMs }, place });
      const events = await routes.read('listEvents', { domain, cursor });
      // A query without from and to has the day before its first page.
      const isOfQuery = fromMs === Math.max(0, toMs - DAY_MS) && toMs % 1000 === 0;
      expect(events.ok).toBe(isOfQuery && toMs > 0 && toMs <= 5_000_000 + 60_000);
    }),
  );
  expect(calls.filter((each) => (each as { toMs?: number }).toMs === Number.POSITIVE_INFINITY)).toEqual([]);
});
