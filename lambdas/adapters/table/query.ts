import { paginateQuery, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { LedgerTable } from './ledger-table.ts';
import type { Item } from './stored-items.ts';

/** Greater than every sort key that starts with the same prefix. */
const PAST_ALL = '\u{10ffff}';

/**
 * Up to so many items of a partition whose sort keys start with a prefix, behind a sort key, by one query. The
 * position is part of the key condition, so no position leads out of the partition and the prefix.
 */
export async function queryRange(
  { client, name }: LedgerTable,
  partition: string,
  prefix: string,
  most: number,
  after = prefix,
): Promise<{ items: Item[]; hasMore: boolean }> {
  if (!after.startsWith(prefix)) throw new Error('a position outside its range');
  const { Items: items = [], LastEvaluatedKey } = await client.send(
    new QueryCommand({
      TableName: name,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :after AND :end',
      ExpressionAttributeValues: { ':pk': partition, ':after': after, ':end': prefix + PAST_ALL },
      // One for the position itself, one to see whether others follow.
      Limit: most + 2,
    }),
  );
  const found = items.filter(({ sk }) => sk !== after);
  if (found.length > most || LastEvaluatedKey === undefined) {
    return { items: found.slice(0, most), hasMore: found.length > most };
  }
  // Cut at a megabyte, and a query does not know whether anything follows; its last item, put back, does.
  return { items: found.length > 1 ? found.slice(0, -1) : found, hasMore: true };
}

/** Sort keys from one to another, both included, or all that start with a prefix. */
export type SortRange = { from: string; to: string } | { prefix: string };

/** Yields the items of a partition, or of a range of it, by their sort keys, read strongly, page by page. */
export async function* readPartition(
  { client, name }: LedgerTable,
  partition: string,
  range?: SortRange,
): AsyncGenerator<Item> {
  const pages = paginateQuery(
    { client },
    {
      TableName: name,
      ConsistentRead: true,
      ...keyCondition(partition, range),
    },
  );
  for await (const { Items = [] } of pages) yield* Items;
}

function keyCondition(partition: string, range: SortRange | undefined) {
  const values = { ':pk': partition };
  if (range === undefined) return { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: values };
  if ('prefix' in range) {
    return {
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ...values, ':prefix': range.prefix },
    };
  }
  return {
    KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
    ExpressionAttributeValues: { ...values, ':from': range.from, ':to': range.to },
  };
}
