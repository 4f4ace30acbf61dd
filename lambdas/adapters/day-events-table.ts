import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../contract.ts';
import { typePartition } from '../domain/day-index.ts';
import type { DayEvents, EventPlace, EventRange } from '../domain/read-ports.ts';
import { BATCH_KEYS, batchGet } from './batch-get.ts';
import { type Item, storedEvent } from './stored-items.ts';
import type { LedgerTable } from './table-client.ts';

const DAY_MS = 86_400_000;

/**
 * Reads the day index backwards and merges the types of a day. Among events of one millisecond the order is that of
 * `types`, and within a type the index's own, so one place says for every type where to go on.
 */
export function createDayEventsTable(table: LedgerTable): DayEvents {
  return {
    async newest(range, most, after) {
      const places: EventPlace[] = [];
      const lastMs = Math.min(range.toMs - 1, after?.atMs ?? Number.POSITIVE_INFINITY);
      for (let day = startOfDay(lastMs); day >= startOfDay(range.fromMs) && places.length <= most; day -= DAY_MS) {
        const wanted = most + 1 - places.length;
        const lists = await Promise.all(
          range.types.map((type) => newestOfType(table, range, day, type, wanted, after)),
        );
        places.push(...merged(lists, wanted));
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

/** The newest places of one type on the day that starts then, behind a place of this or another type. */
async function newestOfType(
  { client, name }: LedgerTable,
  { domain, fromMs, toMs, types }: EventRange,
  dayMs: number,
  type: string,
  most: number,
  after: EventPlace | undefined,
): Promise<EventPlace[]> {
  const { byDay } = INDEXES;
  const partition = typePartition(domain, dayMs, type);
  const ends = [toMs - 1, dayMs + DAY_MS - 1];
  // Types before that of the place have given all they have of its millisecond.
  if (after) ends.push(types.indexOf(type) < types.indexOf(after.type) ? after.atMs - 1 : after.atMs);
  const bounds = { ':from': Math.max(fromMs, dayMs), ':to': Math.min(...ends) };
  if (bounds[':from'] > bounds[':to']) return [];
  const start = after?.type === type && startOfDay(after.atMs) === dayMs ? after : undefined;
  let next: Item | undefined = start && {
    [byDay.partitionKey]: partition,
    [byDay.sortKey]: start.atMs,
    pk: start.partition,
    sk: start.sort,
  };
  const places: EventPlace[] = [];
  do {
    const answer: { Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined } = await client.send(
      new QueryCommand({
        TableName: name,
        IndexName: byDay.name,
        ScanIndexForward: false,
        Limit: most - places.length,
        KeyConditionExpression: '#day = :day AND #at BETWEEN :from AND :to',
        ExpressionAttributeNames: { '#day': byDay.partitionKey, '#at': byDay.sortKey },
        ExpressionAttributeValues: { ':day': partition, ...bounds },
        ExclusiveStartKey: next,
      }),
    );
    for (const item of answer.Items ?? []) {
      places.push({
        type,
        partition: item.pk as string,
        sort: item.sk as string,
        atMs: item[byDay.sortKey] as number,
      });
    }
    next = answer.LastEvaluatedKey;
  } while (next !== undefined && places.length < most);
  return places;
}

/** The newest of several lists that are newest first; the earlier list goes first within a millisecond. */
function merged(lists: EventPlace[][], most: number): EventPlace[] {
  // The sort is stable, and keeps the order of the lists.
  return lists
    .flat()
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, most);
}

const startOfDay = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS;
const nameOf = (partition: string, sort: string) => `${partition} ${sort}`;
