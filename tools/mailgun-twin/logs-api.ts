import { type ApiAnswer, BadRequest, ok, parseLimit, parseTime } from './api-answer.ts';
import type { EventData } from './event-parts.ts';
import type { Library } from './library.ts';
import { decodeCursor, encodeCursor, firstPage, type Listing } from './listing.ts';

const MAX_PAGE_EVENTS = 100;
const DAY_SECONDS = 24 * 3600;
const FIELDS = new Set(['start', 'end', 'events', 'filter', 'pagination', 'include_subaccounts', 'include_totals']);

type Fields = Readonly<Record<string, unknown>>;

/** `POST /v1/analytics/logs`: the same events as the Events API shows, in another dress. */
export function listLogs(library: Library, body: unknown): ApiAnswer {
  if (!isFields(body)) throw new BadRequest('a JSON object is needed');
  const listing = parseListing(body, library.now());
  const { token } = isFields(body.pagination) ? body.pagination : {};
  const cursor = token === undefined || token === '' ? firstPage(listing) : decodeCursor(String(token));
  if (!cursor || !isSameQuery(cursor, listing)) throw new BadRequest('the token belongs to another query');
  const { events, next, previous } = library.read(cursor);
  return ok({
    start: rfc2822(Math.min(listing.begin, listing.end ?? 0)),
    end: rfc2822(Math.max(listing.begin, listing.end ?? 0)),
    items: events.map(({ data }) => library.item(logged(data))),
    pagination: {
      previous: encodeCursor(previous),
      first: encodeCursor(firstPage(listing)),
      // After the last page there is none, unlike in the Events API.
      ...(events.length > 0 && { next: encodeCursor(next) }),
    },
    aggregates: { all: events.length, metrics: {} },
  });
}

function parseListing(body: Fields, now: number): Listing {
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw new BadRequest(`the twin does not know the field ${unknown}`);
  const { sort = 'timestamp:desc', limit } = isFields(body.pagination) ? body.pagination : {};
  if (sort !== 'timestamp:asc' && sort !== 'timestamp:desc') throw new BadRequest('sort is timestamp:asc or :desc');
  const start = body.start === undefined ? now - DAY_SECONDS : parseTime('start', body.start);
  const end = body.end === undefined ? now : parseTime('end', body.end);
  if (end < start) throw new BadRequest('end is before start');
  const ascending = sort === 'timestamp:asc';
  const domain = parseFilter(body.filter);
  return {
    begin: ascending ? start : end,
    end: ascending ? end : start,
    ascending,
    limit: parseLimit(limit, MAX_PAGE_EVENTS, MAX_PAGE_EVENTS),
    ...(domain !== undefined && { domain }),
    ...(Array.isArray(body.events) && body.events.length > 0 && { types: body.events.map(String) }),
  };
}

/** `{"AND":[{"attribute":"domain","comparator":"=","values":[{"label","value"}]}]}`, or nothing. */
function parseFilter(filter: unknown): string | undefined {
  if (filter === undefined) return undefined;
  const conditions = isFields(filter) && Array.isArray(filter.AND) ? (filter.AND as unknown[]) : [];
  const [condition] = conditions;
  const { attribute, comparator, values } = isFields(condition) ? condition : {};
  const [first] = Array.isArray(values) ? (values as unknown[]) : [];
  const isKnown = conditions.length === 1 && attribute === 'domain' && comparator === '=' && isFields(first);
  if (!isKnown || typeof first.value !== 'string') throw new BadRequest('the twin filters by one domain only');
  return first.value;
}

/** The window may move along with the time, where the caller names none. */
const isSameQuery = (one: Listing, other: Listing) =>
  one.domain === other.domain && one.ascending === other.ascending && String(one.types) === String(other.types);

/** An event with the Logs API's own spelling of time, user variables and storage. */
function logged({ timestamp, ...data }: EventData): Fields {
  const { storage, 'user-variables': variables } = data;
  return {
    ...data,
    '@timestamp': new Date(Math.floor(timestamp * 1000)).toISOString(),
    'user-variables': JSON.stringify(variables ?? {}),
    ...(isFields(storage) && { storage: { ...storage, url: [storage.url] } }),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const rfc2822 = (epochSeconds: number) => `${new Date(epochSeconds * 1000).toUTCString().slice(0, 25)} -0000`;
