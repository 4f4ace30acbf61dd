import { createFilter, type Filters } from './event-filter.ts';
import { type EventLog, FIRST, LAST, type LoggedEvent, type Place } from './event-log.ts';

/** The part of the log that a request asks for. Times are epoch seconds, both ends included. */
export interface Listing {
  /** Undefined: every domain of the account. */
  readonly domain?: string;
  readonly begin: number;
  /** Null where there is none: the listing goes on as long as things happen, or to the oldest event. */
  readonly end: number | null;
  readonly ascending: boolean;
  readonly limit: number;
  /** Undefined: every event. */
  readonly filters?: Filters;
}

/** A listing with a place in it: what `next` and `previous` stand for. */
export interface Cursor extends Listing {
  readonly place: Place;
  readonly backwards: boolean;
}

export interface Page {
  readonly events: readonly LoggedEvent[];
  readonly next: Cursor;
  readonly previous: Cursor;
}

export function firstPage(listing: Listing): Cursor {
  return { ...listing, place: [listing.begin, listing.ascending ? FIRST : LAST], backwards: false };
}

/** The last page of a listing is read from its end. */
export function lastPage(listing: Listing): Cursor {
  const end = listing.end ?? (listing.ascending ? LAST : 0);
  return { ...listing, place: [end, listing.ascending ? LAST : FIRST], backwards: true };
}

/** The page at a cursor: the next one begins behind its last event, even where there was none. */
export function readPage(log: EventLog, cursor: Cursor, shows: (event: LoggedEvent) => boolean): Page {
  const { domain, begin, end, ascending, limit, filters, place, backwards } = cursor;
  const passes = filters === undefined ? () => true : createFilter(filters);
  const upwards = ascending !== backwards;
  const bound = backwards ? begin : end;
  const events = log.read({
    from: place,
    until: bound ?? (upwards ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY),
    upwards,
    limit,
    shows: (event) => (domain === undefined || event.domain === domain) && passes(event) && shows(event),
  });
  if (backwards) events.reverse();
  return {
    events,
    next: { ...cursor, place: placeBehind(events.at(-1), ascending) ?? place, backwards: false },
    previous: { ...cursor, place: placeBehind(events[0], !ascending) ?? place, backwards: true },
  };
}

function placeBehind(event: LoggedEvent | undefined, upwards: boolean): Place | undefined {
  return event && [event.data.timestamp, event.number + (upwards ? 0.5 : -0.5)];
}

/** As a text that means nothing to who gets it. */
export function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Undefined where it is none of ours. */
export function decodeCursor(text: string): Cursor | undefined {
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Partial<Cursor>;
    return Array.isArray(cursor.place) ? (cursor as Cursor) : undefined;
  } catch {
    return undefined;
  }
}
