import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../contract.ts';
import { typePartition } from '../../domain/day-index.ts';
import type { DayEvents, EventRange, IndexedPlace } from '../../read-api/ports.ts';
import { BATCH_KEYS, batchGet } from './batch-get.ts';
import type { LedgerTable } from './ledger-table.ts';
import { mergeSorted } from './merge-sorted.ts';
import { storedEvent } from './stored-items.ts';

const DAY_MS = 86_400_000;
/** Ten types are read side by side, and most of what is read ahead of a long page would be for nothing. */
const KEYS_PER_QUERY = 250;

/**
 * Reads the day index backwards and merges the types of a day. Among events of one millisecond the order is that of
 * `types`, and within a type the index's own, so one place says for every type where to go on.
 */
export function createDayEvents(table: LedgerTable): DayEvents {
  return {
    async newest(range, most, after) {
      const places: IndexedPlace[] = [];
      const lastMs = Math.min(range.toMs - 1, after?.atMs ?? Number.POSITIVE_INFINITY);
      for (let day = startOfDay(lastMs); day >= startOfDay(range.fromMs) && places.length <= most; day -= DAY_MS) {
        const perQuery = Math.min(most + 1, KEYS_PER_QUERY);
        const streams = range.types.map((type) => placesOf(table, range, day, type, perQuery, after));
        for await (const place of mergeSorted(streams, (one, other) => one.atMs > other.atMs)) {
          if (places.push(place) > most) break;
        }
      }
      return { places: places.slice(0, most), hasMore: places.length > most };
    },

    async *read(places) {
      for (let start = 0; start < places.length; start += BATCH_KEYS) {
        const chunk = places.slice(start, start + BATCH_KEYS);
        const items = await batchGet(table, {
          Keys: chunk.map(({ partition, sort }) => ({ pk: partition, sk: sort })),
        });
        const found = new Map(items.map((item) => [nameOf(item.pk as string, item.sk as string), item]));
        for (const { partition, sort } of chunk) {
          const item = found.get(nameOf(partition, sort));
          yield item && storedEvent(item);
        }
      }
    },
  };
}

/** The places of one type on the day that starts then, newest first, behind a place of this or another type. */
async function* placesOf(
  { client, name }: LedgerTable,
  { domain, fromMs, toMs, types }: EventRange,
  dayMs: number,
  type: string,
  perQuery: number,
  after: IndexedPlace | undefined,
): AsyncGenerator<IndexedPlace> {
  const { byDay } = INDEXES;
  const partition = typePartition(domain, dayMs, type);
  const ends = [toMs - 1, dayMs + DAY_MS - 1];
  // Types before that of the place have given all they have of its millisecond.
  if (after) ends.push(types.indexOf(type) < types.indexOf(after.type) ? after.atMs - 1 : after.atMs);
  const bounds = { ':from': Math.max(fromMs, dayMs), ':to': Math.min(...ends) };
  if (bounds[':from'] > bounds[':to']) return;
  const start = after?.type === type && startOfDay(after.atMs) === dayMs ? after : undefined;
  const pages = paginateQuery(
    {
      client,
      pageSize: perQuery,
      startingToken: start && {
        [byDay.partitionKey]: partition,
        [byDay.sortKey]: start.atMs,
        pk: start.partition,
        sk: start.sort,
      },
    },
    {
      TableName: name,
      IndexName: byDay.name,
      ScanIndexForward: false,
      KeyConditionExpression: '#day = :day AND #at BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#day': byDay.partitionKey, '#at': byDay.sortKey },
      ExpressionAttributeValues: { ':day': partition, ...bounds },
    },
  );
  for await (const { Items = [] } of pages) {
    for (const item of Items) {
      yield { type, partition: item.pk as string, sort: item.sk as string, atMs: item[byDay.sortKey] as number };
    }
  }
}

const startOfDay = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS;
const nameOf = (partition: string, sort: string) => `${partition} ${sort}`;
