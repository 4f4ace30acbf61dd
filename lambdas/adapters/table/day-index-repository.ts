import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { DAY_MS, INDEXES } from '../../contract.ts';
import { recipientMail } from '../../domain/campaign/recipient-mail.ts';
import { SENDING_TYPES } from '../../domain/campaign/tagged-slices.ts';
import { eachOf, READS_AT_ONCE } from '../../domain/concurrency.ts';
import {
  dayPartitions,
  INDEXED_TYPES,
  type StoredKey,
  type TimeRange,
  typePartition,
} from '../../domain/events/day-index.ts';
import { eachShard } from '../../domain/events/day-shards.ts';
import { tagsOf } from '../../domain/events/mailgun-event.ts';
import { messageIdOfPartition, parseMessageSort, utcDay } from '../../domain/keys.ts';
import type { CampaignReader, DayEvents, EventRange, IndexedPlace, StoredEvent } from '../../read-api/ports.ts';
import type { DayIndex } from '../../reconcile/ports.ts';
import { BATCH_KEYS, batchGet, batchGetAtOnce, type Item, itemName, type LedgerTable } from './ledger-table.ts';
import { storedEvent } from './stored-event-repository.ts';

/** All shards of a type together are read in pages of this, so it bounds the memory. */
const KEYS_PER_PAGE = 1000;

interface AllKeys {
  /** Returns all index entries of a domain between two times, both inclusive (epoch milliseconds), unordered. */
  keys(domain: string, fromMs: number, toMs: number): Promise<StoredKey[]>;
}

/** Reads the day index: the types of a day are merged by time, page by page. */
export function createDayIndexRepository(table: LedgerTable): DayIndex & AllKeys {
  const keysUpTo: DayIndex['keysUpTo'] = async (max, domain, fromMs, toMs) => {
    const partitions = dayPartitions(domain, fromMs, toMs, table.shards ?? []).flat();
    const found: StoredKey[] = [];
    await eachOf(partitions, READS_AT_ONCE, async (partition) => {
      if (found.length > max) return;
      for await (const key of keysOf(table, partition, [fromMs, toMs], KEYS_PER_PAGE)) {
        if (found.push(key) > max) return;
      }
    });
    return found.length > max ? undefined : found;
  };
  return {
    keysUpTo,

    keys: async (...range) => (await keysUpTo(Number.POSITIVE_INFINITY, ...range)) ?? [],

    async *stored(domain, fromMs, toMs) {
      for (const partitions of dayPartitions(domain, fromMs, toMs, table.shards ?? [])) {
        const perPage = Math.ceil((KEYS_PER_PAGE * (INDEXED_TYPES.length + 1)) / partitions.length);
        const streams = partitions.map((partition) => keysOf(table, partition, [fromMs, toMs], perPage));
        yield* mergeSorted(streams, (one, other) => one.atMs < other.atMs);
      }
    },
  };
}

async function* keysOf(
  table: LedgerTable,
  partition: string,
  [fromMs, toMs]: [number, number],
  pageSize: number,
): AsyncGenerator<StoredKey> {
  const { byDay } = INDEXES;
  for await (const items of pagesOf(table, partition, { fromMs, throughMs: toMs }, { pageSize })) {
    for (const item of items) {
      yield { partition: item.pk as string, eventSort: item.sk as string, atMs: item[byDay.sortKey] as number };
    }
  }
}

/** Yields a partition of the day index page by page, both ends of the time included. */
async function* pagesOf(
  { client, name }: LedgerTable,
  partition: string,
  { fromMs, throughMs }: { fromMs: number; throughMs: number },
  paging: { pageSize: number; startingToken?: Item | undefined },
  isBackwards = false,
): AsyncGenerator<Item[]> {
  const { byDay } = INDEXES;
  const pages = paginateQuery(
    { client, ...paging },
    {
      TableName: name,
      IndexName: byDay.name,
      ScanIndexForward: !isBackwards,
      KeyConditionExpression: '#day = :day AND #at BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#day': byDay.partitionKey, '#at': byDay.sortKey },
      ExpressionAttributeValues: { ':day': partition, ':from': fromMs, ':to': throughMs },
    },
  );
  for await (const { Items = [] } of pages) yield Items;
}

/** Ten types are merged, so a long page would discard most of a larger read-ahead. */
const KEYS_PER_QUERY = 250;

/**
 * Reads the day index backwards and merges a day's types and their shards. Events of one millisecond are ordered by
 * `types`, then by shard, then by the index, so one position tells every shard where to continue.
 */
export function createDayEvents(table: LedgerTable): DayEvents {
  return {
    async newest(range, limit, after) {
      const places: IndexedPlace[] = [];
      let queries = 0;
      const lastMs = Math.min(range.toMs - 1, after?.atMs ?? Number.POSITIVE_INFINITY);
      for (let day = startOfDay(lastMs); day >= startOfDay(range.fromMs) && places.length <= limit; day -= DAY_MS) {
        const perQuery = Math.min(limit + 1, KEYS_PER_QUERY);
        const shards = eachShard(table.shards ?? [], utcDay(day));
        const streams = range.types.flatMap((type) =>
          shards.map((shard) => placesOf(table, range, { dayMs: day, type, shard }, perQuery, after)),
        );
        queries += streams.length;
        for await (const place of mergeSorted(streams, (one, other) => one.atMs > other.atMs)) {
          if (places.push(place) > limit) break;
        }
      }
      return { places: places.slice(0, limit), hasMore: places.length > limit, queries };
    },

    async *read(places) {
      for (let start = 0; start < places.length; start += BATCH_KEYS) {
        const chunk = places.slice(start, start + BATCH_KEYS);
        const items = await batchGet(table, {
          Keys: chunk.map(({ partition, sort }) => ({ pk: partition, sk: sort })),
        });
        const found = new Map(items.map((item) => [itemName(item), item]));
        for (const { partition, sort } of chunk) {
          const item = found.get(itemName({ pk: partition, sk: sort }));
          // The index may still name a copy that is merged.
          yield item && storedEvent(item);
        }
      }
    },
  };
}

/** A shard of a type on the day that starts then. */
interface DayShard {
  dayMs: number;
  type: string;
  shard: number;
}

/** Yields the positions in one shard, newest first, after a position in this or another shard. */
async function* placesOf(
  table: LedgerTable,
  { domain, fromMs, toMs, types }: EventRange,
  { dayMs, type, shard }: DayShard,
  perQuery: number,
  after: IndexedPlace | undefined,
): AsyncGenerator<IndexedPlace> {
  const { byDay } = INDEXES;
  const partition = typePartition(domain, dayMs, type, shard);
  const ends = [toMs - 1, dayMs + DAY_MS - 1];
  const shardsBehind = shard - (after?.shard ?? 0);
  const typesBehind = types.indexOf(type) - types.indexOf(after?.type ?? type);
  // Shards before that of the place have given all they have of its millisecond.
  if (after) ends.push((typesBehind || shardsBehind) < 0 ? after.atMs - 1 : after.atMs);
  const bounds = { fromMs: Math.max(fromMs, dayMs), throughMs: Math.min(...ends) };
  if (bounds.fromMs > bounds.throughMs) return;
  const isOfPlace = typesBehind === 0 && shardsBehind === 0;
  const start = after && isOfPlace && startOfDay(after.atMs) === dayMs ? after : undefined;
  const startingToken = start && {
    [byDay.partitionKey]: partition,
    [byDay.sortKey]: start.atMs,
    pk: start.partition,
    sk: start.sort,
  };
  const pages = pagesOf(table, partition, bounds, { pageSize: perQuery, startingToken }, true);
  for await (const items of pages) {
    for (const item of items) {
      const atMs = item[byDay.sortKey] as number;
      yield { type, ...(shard > 0 && { shard }), partition: item.pk as string, sort: item.sk as string, atMs };
    }
  }
}

const startOfDay = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS;

/** Merges sorted streams; `isBefore` compares two values, and of equal ones the earlier stream's comes first. */
export async function* mergeSorted<Value>(
  streams: readonly AsyncGenerator<Value>[],
  isBefore: (one: Value, other: Value) => boolean,
): AsyncGenerator<Value> {
  const heads: { stream: AsyncGenerator<Value>; head: IteratorResult<Value> }[] = [];
  await eachOf(streams.entries(), READS_AT_ONCE, async ([index, stream]) => {
    heads[index] = { stream, head: await stream.next() };
  });
  for (;;) {
    let first: { stream: AsyncGenerator<Value>; value: Value; index: number } | undefined;
    for (const [index, { stream, head }] of heads.entries()) {
      if (!head.done && (first === undefined || isBefore(head.value, first.value))) {
        first = { stream, value: head.value, index };
      }
    }
    if (first === undefined) return;
    yield first.value;
    heads[first.index] = { stream: first.stream, head: await first.stream.next() };
  }
}

/** Parallel reads, each of a hundred events. */
const AT_ONCE = 8;
/** Messages that are remembered, so that their further events are not read. */
const MAX_REMEMBERED = 200_000;

/** Reads the mail of a campaign: its messages by the day index, and then each message whole. */
export function createCampaignReader(table: LedgerTable): CampaignReader {
  return {
    async *messages(domain, tag, timeRanges) {
      const known = new Set<string>();
      for (const type of SENDING_TYPES) {
        for (const timeRange of timeRanges) {
          for await (const keys of keysIn(table, domain, type, timeRange)) {
            const wanted = keys.filter(({ pk }) => messageIdOfPartition(pk) !== null && !known.has(pk));
            const partitions = (await batchGetAtOnce(table, wanted)).flatMap((item) => partitionUnder(item, tag) ?? []);
            if (known.size > MAX_REMEMBERED) known.clear();
            const found = [...new Set(partitions)];
            for (const partition of found) known.add(partition);
            yield { partitions: found, read: wanted.length };
          }
        }
      }
    },

    recipients,

    async *mails(partition) {
      for await (const events of recipients(partition)) {
        const mail = recipientMail(partition, events);
        if (mail !== undefined) yield mail;
      }
    },
  };

  async function* recipients(partition: string): AsyncGenerator<StoredEvent[]> {
    const pages = paginateQuery(
      { client: table.client },
      {
        TableName: table.name,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': partition },
      },
    );
    let own: StoredEvent[] = [];
    for await (const { Items = [] } of pages) {
      for (const event of Items.filter(isEvent).flatMap((item) => storedEvent(item) ?? [])) {
        if (own.length > 0 && own[0]?.recipientKey !== event.recipientKey) {
          yield own;
          own = [];
        }
        own.push(event);
      }
    }
    if (own.length > 0) yield own;
  }
}

/** Yields the keys of a type's events in a time range, in batches of the size that is then read in parallel. */
async function* keysIn(table: LedgerTable, domain: string, type: string, { fromMs, toMs }: TimeRange) {
  for (let dayMs = startOfDay(fromMs); dayMs < toMs; dayMs += DAY_MS) {
    const time = { fromMs: Math.max(fromMs, dayMs), throughMs: Math.min(toMs, dayMs + DAY_MS) - 1 };
    for (const shard of eachShard(table.shards ?? [], utcDay(dayMs))) {
      const partition = typePartition(domain, dayMs, type, shard);
      for await (const items of pagesOf(table, partition, time, { pageSize: AT_ONCE * BATCH_KEYS })) {
        yield items.map(({ pk, sk }) => ({ pk, sk }) as { pk: string; sk: string });
      }
    }
  }
}

const partitionUnder = (item: Item, tag: string): string | undefined =>
  tagsOf(storedEvent(item)?.event ?? {}).includes(tag) ? (item.pk as string) : undefined;

const isEvent = ({ sk }: Item) => parseMessageSort(sk as string).eventKey !== undefined;
