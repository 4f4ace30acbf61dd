import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../contract.ts';
import type { StoredKey } from '../../domain/day-index.ts';
import { dayPartitions } from '../../domain/day-index.ts';
import type { DayIndex } from '../../reconcile/ports.ts';
import type { LedgerTable } from './ledger-table.ts';
import { mergeSorted } from './merge-sorted.ts';

/** Ten partitions a day are read side by side, so this bounds the memory. */
const KEYS_PER_PAGE = 1000;

/** Reads the day index: the types of a day are merged by time, page by page. */
export function createDayIndexTable(table: LedgerTable): DayIndex {
  return {
    async keys(domain, fromMs, toMs) {
      const partitions = dayPartitions(domain, fromMs, toMs).flat();
      const found: StoredKey[] = [];
      const read = async (partition: string) => {
        for await (const key of keysOf(table, partition, fromMs, toMs)) found.push(key);
      };
      await Promise.all(partitions.map(read));
      return found;
    },

    async *stored(domain, fromMs, toMs) {
      for (const partitions of dayPartitions(domain, fromMs, toMs)) {
        const streams = partitions.map((partition) => keysOf(table, partition, fromMs, toMs));
        yield* mergeSorted(streams, (one, other) => one.atMs < other.atMs);
      }
    },
  };
}

async function* keysOf(
  { client, name }: LedgerTable,
  partition: string,
  fromMs: number,
  toMs: number,
): AsyncGenerator<StoredKey> {
  const { byDay } = INDEXES;
  const pages = paginateQuery(
    { client, pageSize: KEYS_PER_PAGE },
    {
      TableName: name,
      IndexName: byDay.name,
      KeyConditionExpression: '#day = :day AND #at BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#day': byDay.partitionKey, '#at': byDay.sortKey },
      ExpressionAttributeValues: { ':day': partition, ':from': fromMs, ':to': toMs },
    },
  );
  for await (const { Items = [] } of pages) {
    for (const item of Items) {
      yield { partition: item.pk as string, eventSort: item.sk as string, atMs: item[byDay.sortKey] as number };
    }
  }
}
