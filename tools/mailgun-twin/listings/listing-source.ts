import type { Misbehaviour } from '../api/api-misbehaviour.ts';
import { BadRequestError } from '../api/api-response.ts';
import type { Random } from '../random.ts';
import type { EventData } from '../traffic/event-parts.ts';
import type { EventLog, LoggedEvent } from './event-log.ts';
import { type Cursor, readPage, type ServedPage } from './listing.ts';
import { draw, readUnrulyPage } from './unruly-listing.ts';

/** The log as the API shows it now. */
export interface ListingSource {
  /** Base URL of this API, and of its links to the next page. */
  readonly base: string;
  readonly nextBase: string;
  /** Epoch seconds. */
  now(): number;
  read(cursor: Cursor): ServedPage;
  /** Returns the number of events in a listing. */
  count(cursor: Cursor): number;
  /** Returns an event in its listed form. */
  item(data: Readonly<Record<string, unknown>>): unknown;
}

interface ListingSourceOptions {
  readonly log: EventLog;
  readonly misbehaviour: Misbehaviour;
  readonly base: string;
  readonly foreignBase: string;
  readonly random: Random;
  now(): number;
}

export function openListingSource({
  log,
  misbehaviour,
  base,
  foreignBase,
  random,
  now,
}: ListingSourceOptions): ListingSource {
  const shows = ({ data }: LoggedEvent) =>
    !misbehaviour.empty &&
    !misbehaviour.hides?.includes(data.id) &&
    isIndexed(data, misbehaviour, now()) &&
    !random.chance((misbehaviour.changing ?? 0) / 100);
  return {
    base,
    nextBase: misbehaviour.next === 'foreign' ? foreignBase : base,
    now,
    read(cursor) {
      const oldest = Math.min(cursor.begin, cursor.end ?? cursor.begin);
      if (misbehaviour.retentionSeconds !== undefined && oldest < now() - misbehaviour.retentionSeconds) {
        throw new BadRequestError('the range is beyond what your plan retains');
      }
      const limit = misbehaviour.shortPages ? 1 + random.below(cursor.limit) : cursor.limit;
      const { disorderSeconds, repeats } = misbehaviour;
      const isUnruly = disorderSeconds !== undefined || repeats !== undefined;
      const page = isUnruly
        ? readUnrulyPage(log, { ...cursor, limit }, shows, misbehaviour)
        : readPage(log, { ...cursor, limit }, shows);
      const next = misbehaviour.next === 'same' ? cursor : { ...page.next, limit: cursor.limit };
      return { ...page, next, previous: { ...page.previous, limit: cursor.limit } };
    },
    count: (cursor) => readPage(log, { ...cursor, limit: Number.POSITIVE_INFINITY }, shows).events.length,
    item: (data) => {
      if (misbehaviour.items === 'without-id') return { ...data, id: undefined };
      if (misbehaviour.items === 'string-timestamps' && data.timestamp !== undefined) {
        return { ...data, timestamp: String(data.timestamp) };
      }
      return rounded(data, misbehaviour.rounding);
    },
  };
}

const STEPS_PER_SECOND = { second: 1, millisecond: 1e3, microsecond: 1e6 };

function rounded(data: Readonly<Record<string, unknown>>, rounding: Misbehaviour['rounding']) {
  if (rounding === undefined || typeof data.timestamp !== 'number') return data;
  const steps = STEPS_PER_SECOND[rounding];
  return { ...data, timestamp: Math.round(data.timestamp * steps) / steps };
}

/** Draws late events from their ids, so that repeated reads agree. */
function isIndexed(data: EventData, { late }: Misbehaviour, now: number): boolean {
  if (!late || now >= data.timestamp + late.seconds) return true;
  return draw({ data }, 'late') * 100 >= late.percent;
}
