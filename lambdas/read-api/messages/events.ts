import { MAX_DAY_SHARDS } from '../../contract.ts';
import type { TimeRange } from '../../domain/events/day-index.ts';
import { INDEXED_TYPES, indexedType, OTHER_TYPE } from '../../domain/events/day-index.ts';
import { keyPart, nameInEventKey, parseMessageSort } from '../../domain/keys.ts';
import { isKeyText, isTime } from '../http/cursor.ts';
import { PageRoom } from '../http/page-room.ts';
import { isRangeOf, type RangeQuery } from '../http/range.ts';
import type { DayEvents, IndexedPlace } from '../ports.ts';
import { type JudgedEventEntry, shownEvent } from './confirmed.ts';
import type { EventPredicate } from './event-filter.ts';

interface EventQuery {
  domain: string;
  range: TimeRange;
  type?: string | undefined;
  predicate: EventPredicate | undefined;
  limit: number;
  position?: EventsPosition | undefined;
}

/** Start of a page; fixes the range, which without `from` or `to` would move with the clock between pages. */
export interface EventsPosition {
  range: TimeRange;
  place: IndexedPlace;
}

/** Returns true if a value of a cursor is a position in the range of a query for events of this type. */
export function isEventsPosition(
  value: unknown,
  type: string | undefined,
  query: RangeQuery,
  nowMs: number,
): value is EventsPosition {
  const { range, place } = (value ?? {}) as Partial<EventsPosition>;
  return isRangeOf(range, query, nowMs) && isEventPlace(place, range, type);
}

/** Returns true if a value of a cursor is the place of an event of this type and range. */
export function isEventPlace(
  value: unknown,
  { fromMs, toMs }: TimeRange,
  type: string | undefined,
): value is IndexedPlace {
  const place = (value ?? {}) as Partial<IndexedPlace>;
  return (
    isTime(place.atMs) &&
    place.atMs >= fromMs &&
    place.atMs < toMs &&
    typesOf(type).some((each) => each === place.type) &&
    (place.shard === undefined || isShard(place.shard)) &&
    isKeyText(place.partition) &&
    isKeyText(place.sort)
  );
}

const isShard = (shard: unknown) => Number.isSafeInteger(shard) && Number(shard) >= 1 && Number(shard) < MAX_DAY_SHARDS;

/** Returns every type, or the one that contains the events of a name. */
export const typesOf = (name: string | undefined) =>
  name === undefined ? [...INDEXED_TYPES, OTHER_TYPE] : [indexedType(name)];

/** Returns a check of places, since types without a partition of their own share one; undefined where all are of the name. */
export function nameCheck(name: string | undefined): ((place: IndexedPlace) => boolean) | undefined {
  if (name === undefined || name === OTHER_TYPE || indexedType(name) !== OTHER_TYPE) return undefined;
  return ({ sort }) => nameOf(sort) === keyPart(name);
}

/**
 * Events that are read for one page with a filter, which is not a key: an index for each would cost a write unit with
 * every event, for questions that are rare.
 */
const MAX_SEARCHED = 2500;
const CHUNK = 250;
const MIN_CHUNK = 100;

/**
 * Returns a page of a domain's events, newest first: one index query per type and day until the page is full, and one
 * read per hundred events. With a filter a page reads a bounded number of events, so it may hold few while more pages
 * follow.
 */
export function createEvents(days: DayEvents) {
  return async ({ domain, type, predicate, limit, position, range: given }: EventQuery) => {
    const range = position?.range ?? given;
    const types = typesOf(type);
    const isWanted = nameCheck(type);
    const room = new PageRoom(limit);
    const events: JudgedEventEntry[] = [];
    let place = position?.place;
    let searched = 0;
    let hasMore = true;
    while (hasMore && !room.isFull && searched < MAX_SEARCHED) {
      const left = limit - events.length;
      const chunk = predicate ? CHUNK : isWanted ? Math.max(left, MIN_CHUNK) : left;
      const found = await days.newest({ domain, ...range, types }, chunk, place);
      const wanted = isWanted ? found.places.filter(isWanted) : found.places;
      let read = 0;
      for await (const event of days.read(wanted)) {
        if (room.isFull) break;
        read += 1;
        if (event === undefined || predicate?.(event.event) === false) continue;
        const shown = shownEvent(event);
        room.take(shown.entry);
        events.push(shown);
      }
      const isCut = read < wanted.length;
      hasMore = isCut || found.hasMore;
      searched += isCut ? read : found.places.length;
      place = (isCut ? wanted[read - 1] : found.places.at(-1)) ?? place;
    }
    const until = searched === 0 || place === undefined ? null : place.atMs / 1000;
    return {
      body: { events: events.map(({ entry }) => entry), searched: predicate ? { events: searched, until } : null },
      judged: events,
      next: hasMore && place ? { range, place } : undefined,
    };
  };
}

/** Returns the event name in a sort key. */
function nameOf(sort: string): string | undefined {
  const { eventKey } = parseMessageSort(sort);
  return eventKey === undefined ? undefined : nameInEventKey(eventKey);
}
