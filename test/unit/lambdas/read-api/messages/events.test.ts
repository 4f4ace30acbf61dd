import type { EventPredicate } from '../../../../../lambdas/read-api/messages/event-filter.ts';
import {
  createEvents,
  type EventsPosition,
  isEventsPosition,
} from '../../../../../lambdas/read-api/messages/events.ts';
import type { DayEvents, IndexedPlace } from '../../../../../lambdas/read-api/ports.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const COUNT = 6000;
const range = { fromMs: 0, toMs: COUNT };

/** A day in memory, whose event n happened in millisecond n; every thousandth is under the tag. */
const places: IndexedPlace[] = Array.from({ length: COUNT }, (_, n) => ({
  type: 'delivered',
  partition: `MSG#${n}`,
  sort: `R#a@b#E#delivered#${n}`,
  atMs: n,
})).toReversed();

const days: DayEvents = {
  async newest(_range, limit, after) {
    const start = after === undefined ? 0 : places.findIndex(({ atMs }) => atMs === after.atMs) + 1;
    return { places: places.slice(start, start + limit), hasMore: start + limit < places.length, queries: 1 };
  },
  async *read(wanted) {
    for (const { atMs } of wanted) {
      const event = deliveredEvent({ id: String(atMs), tags: atMs % 1000 === 0 ? ['rare'] : [] });
      yield {
        eventKey: `delivered#${atMs}`,
        recipientKey: 'a@b',
        domain: DOMAIN,
        event,
        source: 'webhook',
        receivedAtMs: atMs,
        atMs,
      };
    }
  },
};

const isRare = ({ tags }: { tags?: unknown }) => Array.isArray(tags) && tags.includes('rare');

/** Follows every page. */
async function walk(limit: number, predicate?: EventPredicate) {
  const pages = [];
  for (let position: EventsPosition | undefined, isFirst = true; isFirst || position; isFirst = false) {
    const page = await createEvents(days)({ domain: DOMAIN, range, limit, predicate, position });
    pages.push(page.body);
    position = page.next;
  }
  return { pages, keys: pages.flatMap(({ events }) => events.map(({ key }) => key)) };
}

test.each([
  [undefined, true],
  [1, true],
  [31, true],
  [0, false],
  [32, false],
  [1.5, false],
  ['1', false],
])('a cursor that names shard %s is %s', (shard, isPosition) => {
  expect(
    isEventsPosition(
      { range, place: { ...places[0], shard } },
      undefined,
      { from: range.fromMs, to: range.toMs },
      range.toMs,
    ),
  ).toBe(isPosition);
});

describe('a page of events', () => {
  test.each([1, 7, 1000])('with a filter is full or states how far it searched, %d a page', async (limit) => {
    const { pages, keys } = await walk(limit, isRare);
    expect(keys).toEqual([5000, 4000, 3000, 2000, 1000, 0].map((n) => `delivered#${n}`));
    for (const [nth, { events, searched }] of pages.entries()) {
      const isFull = events.length === limit;
      const isLast = nth === pages.length - 1;
      expect(isFull || isLast || (searched?.events ?? 0) >= 2500).toBe(true);
    }
    const looked = pages.map(({ searched }) => searched?.events ?? 0);
    expect(looked.reduce((sum, events) => sum + events, 0)).toBe(COUNT);
    expect(Math.max(...looked)).toBeLessThan(2500 + 250);
    expect(pages.at(-1)?.searched?.until).toBe(0);
  });

  test('with a filter that ends within a chunk loses no event', async () => {
    const isTenth = ({ id }: { id?: unknown }) => Number(id) % 10 === 0;
    const { keys } = await walk(7, isTenth);
    expect(keys).toEqual(Array.from({ length: COUNT / 10 }, (_, n) => `delivered#${COUNT - 10 - 10 * n}`));
  });

  test('without a filter is always full, and reports no search', async () => {
    const { pages, keys } = await walk(1000);
    expect(pages.map(({ events, searched }) => [events.length, searched])).toEqual(Array(6).fill([1000, null]));
    expect(new Set(keys).size).toBe(COUNT);
  });
});
