import { eventName } from '../../domain/events/event.ts';
import { isObject, type JsonObject } from '../../domain/json.ts';
import { ListingError, type ListingRequest, type MailgunSource } from '../ports.ts';

/** More pages than this in one part of a slice mean a listing without an end. */
const MAX_PAGES = 100_000;
/** A page that repeats the one before may be a hiccup; more in a row mean a listing without progress. */
const MAX_REPEATED_PAGES = 3;

/**
 * Yields all pages of a listing. Calls `onTotal` with its size if the first page includes it. Throws a `ListingError`
 * if the listing would never end.
 */
export async function* listPages(
  source: MailgunSource,
  request: ListingRequest,
  onTotal?: (total: number | undefined) => void,
): AsyncGenerator<JsonObject[]> {
  let position: string | undefined;
  // Brent's cycle detection: one remembered position, replaced at every power of two.
  let remembered: string | undefined;
  let before: string | undefined;
  let repeated = 0;
  for (let count = 1; count <= MAX_PAGES; count += 1) {
    const { events, next, total } = await source.page({ ...request, position });
    if (position === undefined) onTotal?.(total);
    const ids = events.map((event) => JSON.stringify([event.id, event.timestamp, event.event])).join();
    repeated = events.length > 0 && ids === before ? repeated + 1 : 0;
    if (next !== undefined && (next === remembered || repeated === MAX_REPEATED_PAGES))
      throw new ListingError('endless');
    yield events.filter((event) => isObject(event) && eventName(event).trim() !== '');
    if (next === undefined) return;
    before = ids;
    if ((count & (count - 1)) === 0) remembered = next;
    position = next;
  }
  throw new ListingError('endless');
}
