import { INDEXED_TYPES, indexedType, OTHER_TYPE } from '../domain/day-index.ts';
import { keyPart, readSort } from '../domain/identity.ts';
import type { DayEvents, EventPlace } from '../domain/read-ports.ts';
import { isKeyText, isTime } from './cursor.ts';
import { type EventEntry, eventEntry } from './event-entry.ts';
import { PageRoom } from './page-room.ts';

export interface EventQuery {
  domain: string;
  fromMs: number;
  /** Exclusive. */
  toMs: number;
  type?: string | undefined;
  limit: number;
  position?: EventPlace | undefined;
}

/** Whether a value of a cursor is a place in this query's own range. */
export function isEventPlace(value: unknown, { fromMs, toMs, type }: EventQuery): value is EventPlace {
  const place = (value ?? {}) as Partial<EventPlace>;
  return (
    isTime(place.atMs) &&
    place.atMs >= fromMs &&
    place.atMs < toMs &&
    typesOf(type).some((each) => each === place.type) &&
    isKeyText(place.partition) &&
    isKeyText(place.sort)
  );
}

/** Every type, or the one that holds the events of a name. */
const typesOf = (name: string | undefined) =>
  name === undefined ? [...INDEXED_TYPES, OTHER_TYPE] : [indexedType(name)];

/**
 * A page of a domain's events, newest first: one query of the index for each type and day, until the page is full,
 * and one read for each hundred events.
 */
export function createEvents(days: DayEvents) {
  return async ({ type, limit, position, ...range }: EventQuery) => {
    const found = await days.newest({ ...range, types: typesOf(type) }, limit, position);
    // Types without a partition of their own share one, so there a page may hold less than it could.
    const wanted = found.places.filter(({ sort }) => type === undefined || nameOf(sort) === keyPart(type));
    const room = new PageRoom(limit);
    const events: EventEntry[] = [];
    let next = found.hasMore ? found.places.at(-1) : undefined;
    let seen = 0;
    for await (const event of days.read(wanted)) {
      if (room.isFull) {
        next = wanted[seen - 1];
        break;
      }
      seen += 1;
      if (event === undefined) continue;
      const entry = eventEntry(event);
      room.take(entry);
      events.push(entry);
    }
    return { body: { events }, next };
  };
}

/** The event's name as its key has it. */
function nameOf(sort: string): string | undefined {
  return readSort(sort).eventKey?.split('#')[0];
}
