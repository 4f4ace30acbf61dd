import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import type { Item } from './stored-items.ts';
import type { LedgerTable } from './table-client.ts';

/** All items of a partition by their sort keys, read strongly, page by page. */
export async function* readPartition({ client, name }: LedgerTable, partition: string): AsyncGenerator<Item> {
  const pages = paginateQuery(
    { client },
    {
      TableName: name,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': partition },
    },
  );
  for await (const { Items = [] } of pages) yield* Items;
}
