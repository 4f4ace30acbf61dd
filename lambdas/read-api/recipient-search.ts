import type { EventEntry } from '../../api/responses/events.ts';
import { indexedType, OTHER_TYPE } from '../domain/events/day-index.ts';
import { eventName } from '../domain/events/event.ts';
import { eventSortPrefix, keyPart, recipientKey } from '../domain/keys.ts';
import { isKeyText } from './cursor.ts';
import { eventEntry } from './event-entry.ts';
import type { EventPredicate } from './event-filter.ts';
import { PageRoom } from './page-room.ts';
import type { MessagePlace, RecipientHistory, StoredEvent } from './ports.ts';
import { EVER } from './range.ts';
import { isMessagePlace } from './recipients.ts';

export interface SearchQuery {
  recipient: string;
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
export interface SearchPosition extends MessagePlace {
  after?: string;
}

export function isSearchPosition(
  value: unknown,
  { recipient, type }: Pick<SearchQuery, 'recipient' | 'type'>,
): value is SearchPosition {
  const { after } = (value ?? {}) as Partial<SearchPosition>;
  const isWithin = isKeyText(after) && after.startsWith(eventSortPrefix(recipientKey(recipient), nameOf(type)));
  return isMessagePlace(value) && (after === undefined || isWithin);
}

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
    const found: { atMs: number; entry: EventEntry }[] = [];
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
      const entry = eventEntry(event);
      room.take(entry);
      found.push({ atMs: event.atMs, entry });
    }
    const events = found.sort((a, b) => b.atMs - a.atMs || (a.entry.key < b.entry.key ? -1 : 1));
    const until = last === undefined ? null : last.atMs / 1000;
    const body = {
      events: events.map(({ entry }) => entry),
      searched: query.predicate ? { events: searched, until } : null,
    };
    return { body, next: isOver ? undefined : last };
  };
}

/** An event, or the end of a message, and the position behind it; no position at the end of all. */
type Step = { position?: SearchPosition | undefined; event?: StoredEvent };

async function* walk(history: RecipientHistory, { recipient, type, predicate, limit, position }: SearchQuery) {
  const perQuery = predicate ? Math.max(limit, MIN_PER_QUERY) : limit;
  const key = recipientKey(recipient);
  let queries = 0;

  async function* stepsOf(place: MessagePlace, start?: string): AsyncGenerator<Step> {
    for (let after = start, hasMore = true; hasMore && queries < MAX_QUERIES; queries += 1) {
      const page = await history.events(place.partition, key, nameOf(type), perQuery, after);
      for (const entry of page.entries) {
        after = entry.sort;
        if ('event' in entry) yield { position: { ...place, after }, event: entry.event };
      }
      hasMore = page.hasMore;
      if (!hasMore) yield { position: place };
    }
  }

  const start = position && { partition: position.partition, atMs: position.atMs };
  if (start && position.after !== undefined) yield* stepsOf(start, position.after);
  const { places, hasMore } = await history.newest(key, EVER, MAX_MESSAGES, start);
  for (const place of places) yield* stepsOf(place);
  if (!hasMore && queries < MAX_QUERIES) yield {};
}

function isWanted({ atMs, domain, event }: StoredEvent, query: SearchQuery): boolean {
  const { fromMs, toMs, domain: wanted, type, predicate } = query;
  if (atMs < fromMs || atMs >= toMs || (wanted !== undefined && domain !== keyPart(wanted))) return false;
  if (type === OTHER_TYPE && indexedType(eventName(event)) !== OTHER_TYPE) return false;
  return predicate === undefined || predicate(event);
}
