import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../../contract.ts';
import type { LedgerTable } from '../ledger-table.ts';

/** Where an item is in a partition of the index. Epoch milliseconds. */
interface IndexPlace {
  readonly pk: string;
  readonly sk: string;
  readonly atMs: number;
}

/** Reads the newest items of a partition of the index of recipients, both ends of the time included. */
export async function queryNewest(
  { client, name }: LedgerTable,
  partition: string,
  { fromMs, throughMs }: { fromMs: number; throughMs: number },
  limit: number,
  after: IndexPlace | undefined,
): Promise<{ items: IndexPlace[]; hasMore: boolean }> {
  const { byRecipient } = INDEXES;
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: name,
      IndexName: byRecipient.name,
      ScanIndexForward: false,
      Limit: limit + 1,
      KeyConditionExpression: '#partition = :partition AND #at BETWEEN :from AND :through',
      ExpressionAttributeNames: { '#partition': byRecipient.partitionKey, '#at': byRecipient.sortKey },
      ExpressionAttributeValues: { ':partition': partition, ':from': fromMs, ':through': throughMs },
      ExclusiveStartKey: after && {
        [byRecipient.partitionKey]: partition,
        [byRecipient.sortKey]: after.atMs,
        pk: after.pk,
        sk: after.sk,
      },
    }),
  );
  const items = Items.slice(0, limit).map(
    ({ pk, sk, [byRecipient.sortKey]: atMs }) => ({ pk, sk, atMs }) as IndexPlace,
  );
  return { items, hasMore: Items.length > limit };
}
