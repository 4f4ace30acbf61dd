import { createHash } from 'node:crypto';
import type { Misbehaviour } from '../api/api-misbehaviour.ts';
import type { EventLog, LoggedEvent } from './event-log.ts';
import { type Cursor, firstPage, readPage, type ServedPage } from './listing.ts';

/** How a listing violates time order. */
type Unruliness = Pick<Misbehaviour, 'disorderSeconds' | 'repeats'>;

/** Returns a page of an unordered or repeating listing; its cursor is an offset, so pages shift as events arrive. */
export function readUnrulyPage(
  log: EventLog,
  cursor: Cursor,
  shows: (event: LoggedEvent) => boolean,
  unruliness: Unruliness,
): ServedPage {
  const whole = readPage(log, { ...firstPage(cursor), limit: Number.POSITIVE_INFINITY }, shows);
  const first = offsetOf(cursor);
  const events = arrange(whole.events, cursor.ascending, unruliness).slice(first, first + cursor.limit);
  const at = (offset: number): Cursor => ({ ...cursor, position: [cursor.begin, offset], backwards: false });
  return { events, next: at(first + events.length), previous: at(Math.max(0, first - cursor.limit)) };
}

/** The cursor of a first page has no offset. */
function offsetOf({ position: [, number] }: Cursor): number {
  return number >= 0 && number < Number.MAX_SAFE_INTEGER ? number : 0;
}

/** Places events by their ids, so that the pages of one listing fit together. */
function arrange(events: readonly LoggedEvent[], ascending: boolean, unruliness: Unruliness): LoggedEvent[] {
  const { disorderSeconds = 0, repeats = 0 } = unruliness;
  const [from = 0, to = 0] = [events.at(0)?.data.timestamp, events.at(-1)?.data.timestamp];
  const placed = events.map((event) => ({
    event,
    at: event.data.timestamp + (2 * draw(event, 'disorder') - 1) * disorderSeconds,
  }));
  const again = events
    .filter((event) => draw(event, 'repeats') * 100 < repeats)
    .map((event) => ({ event, at: from + draw(event, 'distance') * (to - from) }));
  const direction = ascending ? 1 : -1;
  return [...placed, ...again].sort((a, b) => direction * (a.at - b.at)).map(({ event }) => event);
}

/** Returns a number in [0, 1) determined by event and purpose. */
export function draw({ data: { event, id } }: Pick<LoggedEvent, 'data'>, purpose: string): number {
  return createHash('sha256').update(`${purpose}#${event}#${id}`).digest().readUInt32BE(0) / 2 ** 32;
}
