import type { EventEntry } from '../../api/responses/events.ts';
import { INDEXED_TYPES, indexedType, OTHER_TYPE } from '../domain/day-index.ts';
import { keyPart, nameInEventKey, parseMessageSort } from '../domain/keys.ts';
import type { DayEvents, EventPlace } from '../domain/read-ports.ts';
import { isKeyText, isTime } from './cursor.ts';
import { eventEntry } from './event-entry.ts';
import { PageRoom } from './page-room.ts';
import { isRange, type Range } from './range.ts';

export interface EventQuery {
  domain: string;
  range: Range;
  type?: string | undefined;
  limit: number;
  position?: EventsPosition | undefined;
}

/** Where a page begins; without `from` or `to` a range moves with the clock, and a walk over pages must not. */
export interface EventsPosition {
  range: Range;
  place: EventPlace;
}

export function isEventsPosition(value: unknown, type: string | undefined): value is EventsPosition {
  const { range, place } = (value ?? {}) as Partial<EventsPosition>;
  return isRange(range) && isEventPlace(place, range, type);
}

function isEventPlace(value: unknown, { fromMs, toMs }: Range, type: string | undefined): value is EventPlace {
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
  return async ({ domain, type, limit, position, range: given }: EventQuery) => {
    const range = position?.range ?? given;
    const found = await days.newest({ domain, ...range, types: typesOf(type) }, limit, position?.place);
    // Types without a partition of their own share one, so there a page may hold less than it could.
    const wanted = found.places.filter(
      ({ sort }) => type === undefined || type === OTHER_TYPE || nameOf(sort) === keyPart(type),
    );
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
    return { body: { events }, next: next && { range, place: next } };
  };
}

/** The event's name as its key has it. */
function nameOf(sort: string): string | undefined {
  const { eventKey } = parseMessageSort(sort);
  return eventKey === undefined ? undefined : nameInEventKey(eventKey);
}
