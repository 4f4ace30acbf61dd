import type { TimeRange } from '../../domain/events/day-index.ts';
import { isEventPartition } from '../../domain/keys.ts';
import { isKeyText, isTime } from '../http/cursor.ts';
import { EVER } from '../http/range.ts';
import type { MessagePlace, RecipientHistory, RecipientMessage } from '../ports.ts';

/**
 * A message of a recipient. `spelling` is the number of the recipient's key under which it is stored; absent for the
 * key of today. Older versions stored some mailboxes under several.
 */
export interface RecipientPlace extends MessagePlace {
  spelling?: number;
}

/** Returns true if a value is a place under one of this many keys and in the range; the index refuses to begin elsewhere. */
export function isRecipientPlace(
  value: unknown,
  keyCount: number,
  { fromMs, toMs }: TimeRange = EVER,
): value is RecipientPlace {
  const { atMs, partition, spelling = 0 } = (value ?? {}) as Partial<RecipientPlace>;
  const isKnown = Number.isInteger(spelling) && spelling >= 0 && spelling < keyCount;
  return (
    isKnown && isTime(atMs) && atMs >= fromMs && atMs < toMs && isKeyText(partition) && isEventPartition(partition)
  );
}

/** Returns at most `limit` messages under all keys of a recipient behind a place: newest first, at one time key by key. */
export async function newestPlaces(
  history: RecipientHistory,
  keys: readonly string[],
  range: TimeRange,
  limit: number,
  after?: RecipientPlace,
): Promise<{ places: RecipientPlace[]; hasMore: boolean }> {
  const pages = await Promise.all(
    keys.map(async (key, spelling) => {
      const { fromMs, toMs, place } = rangeBehind(after, spelling, range);
      if (toMs <= fromMs) return { places: [], hasMore: false };
      const { places, hasMore } = await history.newest(key, { fromMs, toMs }, limit, place);
      return { places: spelling === 0 ? places : places.map((each) => ({ ...each, spelling })), hasMore };
    }),
  );
  // The sort is stable, so places of one time stay in the order of their keys.
  const places: RecipientPlace[] = pages.flatMap((page) => page.places).sort((a, b) => b.atMs - a.atMs);
  return { places: places.slice(0, limit), hasMore: places.length > limit || pages.some(({ hasMore }) => hasMore) };
}

/** Returns what of a range is behind a place under another key, and behind the place itself under its own. */
function rangeBehind(after: RecipientPlace | undefined, spelling: number, { fromMs, toMs }: TimeRange) {
  if (after === undefined) return { fromMs, toMs };
  const own = after.spelling ?? 0;
  if (own === spelling) return { fromMs, toMs, place: { partition: after.partition, atMs: after.atMs } };
  return { fromMs, toMs: Math.min(toMs, spelling < own ? after.atMs : after.atMs + 1) };
}

/** Returns the messages at these places; undefined where one is gone, or is stored under an earlier key too. */
export async function messagesAt(
  history: RecipientHistory,
  keys: readonly string[],
  places: readonly RecipientPlace[],
): Promise<(RecipientMessage | undefined)[]> {
  const found = new Map<RecipientPlace, { spelling: number; message: RecipientMessage }>();
  for (const [spelling, key] of keys.entries()) {
    const wanted = places.filter((place) => (place.spelling ?? 0) >= spelling && !found.has(place));
    const messages = await history.messages(key, wanted);
    for (const [nth, place] of wanted.entries()) {
      const message = messages[nth];
      if (message !== undefined) found.set(place, { spelling, message });
    }
  }
  return places.map((place) => {
    const { spelling, message } = found.get(place) ?? {};
    return spelling === (place.spelling ?? 0) ? message : undefined;
  });
}
