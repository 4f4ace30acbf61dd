import { indexedType, OTHER_TYPE } from '../../domain/events/day-index.ts';
import { eventName } from '../../domain/events/event.ts';
import { eventSortPrefix, keyPart } from '../../domain/keys.ts';
import { isKeyText } from '../http/cursor.ts';
import { PageRoom } from '../http/page-room.ts';
import { EVER } from '../http/range.ts';
import { type JudgedEventEntry, shownEvent } from '../messages/confirmed.ts';
import type { EventPredicate } from '../messages/event-filter.ts';
import type { RecipientHistory, StoredEvent } from '../ports.ts';
import { isRecipientPlace, newestPlaces, type RecipientPlace } from './recipient-places.ts';

interface SearchQuery {
  /** The keys under which the recipient may be stored, today's first. */
  keys: readonly string[];
  domain?: string | undefined;
  fromMs: number;
  /** Exclusive. */
  toMs: number;
  type?: string | undefined;
  predicate: EventPredicate | undefined;
  limit: number;
  position?: SearchPosition | undefined;
}

/** A message, and the key in it behind which a page begins; without one the message is done. */
interface SearchPosition extends RecipientPlace {
  after?: string;
}

export function isSearchPosition(
  value: unknown,
  { keys, type }: Pick<SearchQuery, 'keys' | 'type'>,
): value is SearchPosition {
  if (!isRecipientPlace(value, keys.length)) return false;
  const { after } = value as SearchPosition;
  return (
    after === undefined || (isKeyText(after) && after.startsWith(eventSortPrefix(keyAt(keys, value), nameOf(type))))
  );
}

const keyAt = (keys: readonly string[], { spelling = 0 }: RecipientPlace): string => keys[spelling] ?? '';

/** Keys name each event; `other` is any name without a meaning. */
const nameOf = (type: string | undefined) => (type === OTHER_TYPE ? undefined : type);

/** Messages looked at for one page, and queries made in all of them. */
const MAX_MESSAGES = 50;
const MAX_QUERIES = 60;
/** Events of one query, where a filter passes over most of them. */
const MIN_PER_QUERY = 100;

/**
 * Returns a page of one recipient's events. An index of events by recipient would cost a write unit with every event,
 * so pages go by message, the newest first, as do the events of one page. A page takes a bounded number of queries, so where the search passes over much, it may hold little or nothing
 * while more pages follow.
 */
export function createRecipientSearch(history: RecipientHistory) {
  return async (query: SearchQuery) => {
    const room = new PageRoom(query.limit);
    const found: JudgedEventEntry[] = [];
    let last = query.position;
    let isOver = false;
    let searched = 0;
    for await (const step of walk(history, query)) {
      const event = step.event && isWanted(step.event, query) ? step.event : undefined;
      if (event !== undefined && room.isFull) break;
      if (step.event) searched += 1;
      isOver = step.position === undefined;
      last = step.position;
      if (event === undefined) continue;
      const shown = shownEvent(event);
      room.take(shown.entry);
      found.push(shown);
    }
    const events = found.sort((a, b) => b.judged.atMs - a.judged.atMs || (a.entry.key < b.entry.key ? -1 : 1));
    const until = last === undefined ? null : last.atMs / 1000;
    const body = {
      events: events.map(({ entry }) => entry),
      searched: query.predicate ? { events: searched, until } : null,
    };
    return { body, judged: events, next: isOver ? undefined : last };
  };
}

/** An event, or the end of a message, and the position behind it; no position at the end of all. */
type Step = { position?: SearchPosition | undefined; event?: StoredEvent };

async function* walk(history: RecipientHistory, { keys, type, predicate, limit, position }: SearchQuery) {
  const perQuery = predicate ? Math.max(limit, MIN_PER_QUERY) : limit;
  let queries = 0;

  async function* stepsOf(place: RecipientPlace, start?: string): AsyncGenerator<Step> {
    for (let after = start, hasMore = true; hasMore && queries < MAX_QUERIES; queries += 1) {
      const page = await history.events(place.partition, keyAt(keys, place), nameOf(type), perQuery, after);
      for (const entry of page.entries) {
        if ('event' in entry) yield { position: { ...place, after: entry.sort }, event: entry.event };
      }
      after = page.hasMore ? page.last : undefined;
      hasMore = after !== undefined;
      yield { position: { ...place, ...(after !== undefined && { after }) } };
    }
  }

  const { after, ...start } = position ?? {};
  const place = position && (start as RecipientPlace);
  if (place && after !== undefined) yield* stepsOf(place, after);
  const { places, hasMore } = await newestPlaces(history, keys, EVER, MAX_MESSAGES, place);
  for (const each of places) yield* stepsOf(each);
  if (!hasMore && queries < MAX_QUERIES) yield {};
}

function isWanted({ atMs, domain, event }: StoredEvent, query: SearchQuery): boolean {
  const { fromMs, toMs, domain: wanted, type, predicate } = query;
  if (atMs < fromMs || atMs >= toMs || (wanted !== undefined && domain !== keyPart(wanted))) return false;
  if (type === OTHER_TYPE && indexedType(eventName(event)) !== OTHER_TYPE) return false;
  return predicate === undefined || predicate(event);
}
