import { paginateQuery, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unlessRefused } from '../../lambdas/adapters/conditional-write.ts';
import { suppressionPartition } from '../../lambdas/domain/identity.ts';
import type { SuppressionKind } from '../../lambdas/domain/suppression.ts';
import type { Target } from '../target.ts';

/** A suppression as process wrote it; times in epoch milliseconds. */
export interface SuppressionItem {
  readonly pk: string;
  readonly sk: string;
  readonly recipient: string;
  readonly domain: string;
  readonly kind: SuppressionKind;
  readonly scope: string;
  readonly reason: string | null;
  readonly eventKey: string;
  readonly since: number;
  readonly lastAt: number;
  readonly liftedAt?: number;
}

/** All suppressions of an address, whatever its case. */
export async function readSuppressions({ clients, output }: Target, address: string): Promise<SuppressionItem[]> {
  const items: SuppressionItem[] = [];
  const pages = paginateQuery(
    { client: clients.table },
    {
      TableName: output('TableName'),
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': suppressionPartition(address) },
    },
  );
  for await (const { Items = [] } of pages) {
    // Older items do not note their latest event.
    for (const item of Items) items.push({ lastAt: item.since, ...item } as SuppressionItem);
  }
  return items;
}

/** Writes that it was lifted; of several lifts the latest counts. */
export async function liftSuppression({ clients, output }: Target, { pk, sk }: SuppressionItem, atMs: number) {
  await unlessRefused(() =>
    clients.table.send(
      new UpdateCommand({
        TableName: output('TableName'),
        Key: { pk, sk },
        ConditionExpression: 'attribute_exists(pk) AND (attribute_not_exists(liftedAt) OR liftedAt < :at)',
        UpdateExpression: 'SET liftedAt = :at',
        ExpressionAttributeValues: { ':at': atMs },
      }),
    ),
  );
}
