import { isObject, type JsonObject } from '../domain/canonical.ts';
import { eventName } from '../domain/event.ts';
import { ListingError, type ListingRequest, type MailgunSource } from '../domain/reconcile-ports.ts';

/** More pages than this in one slice are no listing. */
const MOST_PAGES = 100_000;

/** All pages of a listing, to its end. Throws where following it would never end. */
export async function* listPages(source: MailgunSource, request: ListingRequest): AsyncGenerator<JsonObject[]> {
  let position: string | undefined;
  // Brent's cycle detection: one remembered position, replaced at every power of two.
  let remembered: string | undefined;
  let before: string | undefined;
  for (let count = 1; count <= MOST_PAGES; count += 1) {
    const { events, next } = await source.page({ ...request, position });
    const ids = events.map((event) => JSON.stringify([event.id, event.timestamp, event.event])).join();
    const isRepeated = next === remembered || (events.length > 0 && ids === before);
    if (next !== undefined && isRepeated) throw new ListingError('endless');
    yield events.filter((event) => isObject(event) && eventName(event).trim() !== '');
    if (next === undefined) return;
    before = ids;
    if ((count & (count - 1)) === 0) remembered = next;
    position = next;
  }
  throw new ListingError('endless');
}
