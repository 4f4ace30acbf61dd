import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { parseAddress } from '../../../api/address.ts';
import { conditionalWrite, readPartition } from '../../../lambdas/adapters/table/ledger-table.ts';
import { storedSuppression } from '../../../lambdas/adapters/table/suppression-repository.ts';
import { recipientKey, suppressionPartition } from '../../../lambdas/domain/keys.ts';
import type { StoredSuppression } from '../../../lambdas/domain/suppression.ts';
import { UsageError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';

/** A suppression and its key. */
export interface SuppressionItem extends StoredSuppression {
  readonly pk: string;
  readonly sk: string;
  readonly recipient: string;
}

/** All suppressions of an address, whatever its case. */
export async function readSuppressions(deployment: Deployment, address: string): Promise<SuppressionItem[]> {
  const items: SuppressionItem[] = [];
  for await (const item of readPartition(tableOf(deployment), suppressionPartition(recipientKey(address)))) {
    const { pk, sk, recipient } = item as unknown as SuppressionItem;
    items.push({ pk, sk, recipient, ...storedSuppression(item) });
  }
  return items;
}

/** Writes that it was lifted; of several lifts the latest counts. */
export async function liftSuppression(deployment: Deployment, { pk, sk }: SuppressionItem, atMs: number) {
  const { client, name } = tableOf(deployment);
  await conditionalWrite(() =>
    client.send(
      new UpdateCommand({
        TableName: name,
        Key: { pk, sk },
        ConditionExpression: 'attribute_exists(pk) AND (attribute_not_exists(liftedAt) OR liftedAt < :at)',
        UpdateExpression: 'SET liftedAt = :at',
        ExpressionAttributeValues: { ':at': atMs },
      }),
    ),
  );
}

/** `bounce`, `unsubscribe from news` */
export const describe = ({ kind, scope }: SuppressionItem) => (scope === '*' ? kind : `${kind} from ${scope}`);

/** Returns the address that a text holds, as the read API reads it. */
export function checkAddress(address: string): string {
  const parsed = parseAddress(address);
  if (parsed !== undefined) return parsed;
  throw new UsageError(`"${address}" is no address like ada@example.org`);
}
