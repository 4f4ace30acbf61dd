import { type ApiResponse, BadRequestError, ok, parseLimit, parseTime } from '../api/api-response.ts';
import type { EventData } from '../traffic/event-parts.ts';
import { type Fields, fieldsOf, isFields, timeText } from './analytics-request.ts';
import { createFilter, FILTER_NAMES, type Filters } from './event-filter.ts';
import { decodeCursor, encodeCursor, firstPage, type Listing, lastPage } from './listing.ts';
import type { ListingSource } from './listing-source.ts';

const MAX_PAGE_EVENTS = 100;
const DAY_SECONDS = 24 * 3600;
const FIELDS = new Set([
  'start',
  'end',
  'duration',
  'events',
  'metric_events',
  'filter',
  'pagination',
  'include_subaccounts',
  'include_totals',
  // mailgun-java 2 sends this instead of include_totals, and gets no totals.
  'includeTotals',
]);

/** `POST /v1/analytics/logs`: the events of the Events API in another format. */
export function listLogs(source: ListingSource, request: unknown): ApiResponse {
  const body = fieldsOf(request, FIELDS);
  const listing = parseListing(body, source.now());
  const { token } = isFields(body.pagination) ? body.pagination : {};
  const cursor = token === undefined || token === '' ? firstPage(listing) : decodeCursor(String(token));
  if (!cursor || !isSameQuery(cursor, listing)) throw new BadRequestError('the token belongs to another query');
  const { events, next, previous } = source.read(cursor);
  return ok({
    start: rfc2822(Math.min(listing.begin, listing.end ?? 0)),
    end: rfc2822(Math.max(listing.begin, listing.end ?? 0)),
    items: events.map(({ data }) => source.item(logged(data))),
    pagination: {
      previous: encodeCursor(previous),
      first: encodeCursor(firstPage(listing)),
      last: encodeCursor(lastPage(listing)),
      ...(body.include_totals === true && { total: source.count(firstPage(listing)) }),
      // No link after the last page, unlike in the Events API.
      ...(events.length > 0 && { next: encodeCursor(next) }),
    },
    aggregates: { all: events.length, metrics: {} },
  });
}

function parseListing(body: Fields, now: number): Listing {
  const { sort = 'timestamp:desc', limit } = isFields(body.pagination) ? body.pagination : {};
  if (sort !== 'timestamp:asc' && sort !== 'timestamp:desc')
    throw new BadRequestError('sort is timestamp:asc or :desc');
  const end = isBlank(body.end) ? now : parseTime('end', body.end);
  const start = parseStart(body, end);
  if (end < start) throw new BadRequestError('end is before start');
  const ascending = sort === 'timestamp:asc';
  const filters = parseFilters(body);
  createFilter(filters);
  return {
    begin: ascending ? start : end,
    end: ascending ? end : start,
    ascending,
    limit: parseLimit(limit, MAX_PAGE_EVENTS, MAX_PAGE_EVENTS),
    ...(Object.keys(filters).length > 0 && { filters }),
  };
}

const isBlank = (value: unknown) => value === undefined || value === '';
const UNIT_SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: DAY_SECONDS };

/** A duration overrides the start. */
function parseStart({ start, duration }: Fields, end: number): number {
  if (isBlank(duration)) return isBlank(start) ? end - DAY_SECONDS : parseTime('start', start);
  const [, count, unit = ''] = /^(\d+)([mhd])$/.exec(String(duration)) ?? [];
  if (count === undefined) throw new BadRequestError('duration is a number with m, h or d');
  return end - Number(count) * (UNIT_SECONDS[unit] ?? 0);
}

/** Names in Logs of the Events API's filters. */
const ATTRIBUTES: Readonly<Record<string, string>> = { tag: 'tags', message_id: 'message-id' };
const COMPARATORS = new Set(['=', '!=']);

/**
 * Converts `{"AND":[{"attribute":"domain","comparator":"=","values":[{"label","value"}]}]}` and `events` to filters.
 */
function parseFilters({ filter, events }: Fields): Filters {
  const filters: Record<string, string> = {};
  if (Array.isArray(events) && events.length > 0) filters.event = anyOf(events);
  if (filter === undefined) return filters;
  const conditions = isFields(filter) && Array.isArray(filter.AND) ? (filter.AND as unknown[]) : undefined;
  if (conditions === undefined) throw new BadRequestError('filter needs AND with its conditions');
  for (const condition of conditions) {
    const { attribute = '', comparator, values } = isFields(condition) ? condition : {};
    const name = ATTRIBUTES[String(attribute)] ?? String(attribute);
    const wanted = Array.isArray(values)
      ? values.map((each: unknown) => (isFields(each) ? each.value : undefined))
      : [];
    const isKnown = FILTER_NAMES.includes(name) && COMPARATORS.has(String(comparator)) && wanted.length > 0;
    if (!isKnown || !wanted.every((value) => typeof value === 'string')) {
      throw new BadRequestError(`filter has a condition that cannot be met: ${JSON.stringify(condition)}`);
    }
    const expression = comparator === '=' ? `(${anyOf(wanted)})` : `NOT (${anyOf(wanted)})`;
    filters[name] = [filters[name], expression].filter(Boolean).join(' AND ');
  }
  return filters;
}

const anyOf = (values: readonly unknown[]) => values.map((value) => `"${String(value)}"`).join(' OR ');

/** Compares two listings; if the caller gives no times, the window may move. */
const isSameQuery = (one: Listing, other: Listing) =>
  one.ascending === other.ascending && JSON.stringify(one.filters) === JSON.stringify(other.filters);

/** Returns an event with the Logs API's format of time, user variables and storage. */
function logged({ timestamp, ...data }: EventData): Fields {
  const { storage, 'user-variables': variables } = data;
  return {
    ...data,
    '@timestamp': new Date(Math.floor(timestamp * 1000)).toISOString(),
    'user-variables': JSON.stringify(variables ?? {}),
    ...(isFields(storage) && { storage: { ...storage, url: [storage.url] } }),
  };
}

const rfc2822 = (epochSeconds: number) => timeText(epochSeconds, '-0000');
