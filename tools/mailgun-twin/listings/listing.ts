import { createFilter, type Filters } from './event-filter.ts';
import { type EventLog, FIRST, LAST, type LoggedEvent, type Position } from './event-log.ts';

/** A requested part of the log. Times are epoch seconds, both ends included. */
export interface Listing {
  /** Undefined: every domain of the account. */
  readonly domain?: string;
  readonly begin: number;
  /** Null: open-ended, up to new events or down to the oldest. */
  readonly end: number | null;
  readonly ascending: boolean;
  readonly limit: number;
  /** Undefined: every event. */
  readonly filters?: Filters;
}

/** A position in a listing: what `next` and `previous` encode. */
export interface Cursor extends Listing {
  readonly position: Position;
  readonly backwards: boolean;
}

export interface ServedPage {
  readonly events: readonly LoggedEvent[];
  readonly next: Cursor;
  readonly previous: Cursor;
}

export function firstPage(listing: Listing): Cursor {
  return { ...listing, position: [listing.begin, listing.ascending ? FIRST : LAST], backwards: false };
}

/** Returns the cursor of the last page, which is read from the end. */
export function lastPage(listing: Listing): Cursor {
  const end = listing.end ?? (listing.ascending ? LAST : 0);
  return { ...listing, position: [end, listing.ascending ? LAST : FIRST], backwards: true };
}

/** Returns the page at a cursor; the next one begins after its last event, even for an empty page. */
export function readPage(log: EventLog, cursor: Cursor, shows: (event: LoggedEvent) => boolean): ServedPage {
  const { domain, begin, end, ascending, limit, filters, position, backwards } = cursor;
  const passes = filters === undefined ? () => true : createFilter(filters);
  const upwards = ascending !== backwards;
  const bound = backwards ? begin : end;
  const events = log.read({
    from: position,
    until: bound ?? (upwards ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY),
    upwards,
    limit,
    shows: (event) => (domain === undefined || event.domain === domain) && passes(event) && shows(event),
  });
  if (backwards) events.reverse();
  return {
    events,
    next: { ...cursor, position: positionBehind(events.at(-1), ascending) ?? position, backwards: false },
    previous: { ...cursor, position: positionBehind(events[0], !ascending) ?? position, backwards: true },
  };
}

function positionBehind(event: LoggedEvent | undefined, upwards: boolean): Position | undefined {
  return event && [event.data.timestamp, event.number + (upwards ? 0.5 : -0.5)];
}

/** Encodes a cursor as opaque text. */
export function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Decodes a cursor; undefined if it is not one of ours. */
export function decodeCursor(text: string): Cursor | undefined {
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Partial<Cursor>;
    return Array.isArray(cursor.position) ? (cursor as Cursor) : undefined;
  } catch {
    return undefined;
  }
}
