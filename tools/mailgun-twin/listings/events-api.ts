import { type ApiResponse, BadRequestError, ok, parseLimit, parseTime } from '../api/api-response.ts';
import { createFilter, FILTER_NAMES } from './event-filter.ts';
import { type Cursor, decodeCursor, encodeCursor, firstPage, type Listing, lastPage } from './listing.ts';
import type { ListingSource } from './listing-source.ts';

const MAX_PAGE_EVENTS = 300;
const USUAL_PAGE = 100;
const PARAMETERS = new Set(['begin', 'end', 'ascending', 'limit', 'pretty', ...FILTER_NAMES]);

/** `GET /v3/{domain}/events`, and the page URLs that it returns. */
export function listEvents(
  source: ListingSource,
  domain: string,
  page: string | undefined,
  query: URLSearchParams,
): ApiResponse {
  const cursor = page === undefined ? firstPage(parseListing(domain, query, source.now())) : decodeCursor(page);
  if (!cursor || cursor.domain !== domain) throw new BadRequestError('this page is not of this domain');
  const { events, next, previous } = source.read(cursor);
  const address = (base: string, at: Cursor) => `${base}/v3/${encodeURIComponent(domain)}/events/${encodeCursor(at)}`;
  return ok({
    items: events.map(({ data }) => source.item(data)),
    paging: {
      next: address(source.nextBase, next),
      previous: address(source.base, previous),
      first: address(source.base, firstPage(cursor)),
      last: address(source.base, lastPage(cursor)),
    },
  });
}

/** Without an end, the direction is required; with one, it must match the order of begin and end. */
function parseListing(domain: string, query: URLSearchParams, now: number): Listing {
  const unknown = [...query.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) throw new BadRequestError(`the twin does not know the filter ${unknown}`);
  const time = (name: string) => (query.has(name) ? parseTime(name, query.get(name)) : undefined);
  const begin = time('begin');
  const end = time('end');
  const ascending = parseDirection(query.get('ascending'));
  const limit = parseLimit(query.get('limit'), MAX_PAGE_EVENTS, USUAL_PAGE);
  const filters = Object.fromEntries([...query].filter(([name]) => FILTER_NAMES.includes(name)));
  // Rejects an invalid expression even if the log is empty.
  createFilter(filters);
  const rest = { domain, limit, ...(Object.keys(filters).length > 0 && { filters }) };

  if (end === undefined) {
    if (begin !== undefined && ascending === undefined)
      throw new BadRequestError('ascending is needed where end is not given');
    return { ...rest, begin: begin ?? (ascending ? 0 : now), end: null, ascending: ascending ?? false };
  }
  const from = begin ?? now;
  const order = from === end ? (ascending ?? true) : from < end;
  if (ascending !== undefined && ascending !== order) throw new BadRequestError('ascending contradicts begin and end');
  return { ...rest, begin: from, end, ascending: order };
}

function parseDirection(text: string | null): boolean | undefined {
  if (text === null) return undefined;
  if (text === 'yes' || text === 'true') return true;
  if (text === 'no' || text === 'false') return false;
  throw new BadRequestError('ascending is yes or no');
}
