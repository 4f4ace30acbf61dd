import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type ItemKey, LEASE_KEY } from '../../domain/keys.ts';
import type { Lease } from '../../shared/ports.ts';
import { conditionalWrite, type LedgerTable } from './ledger-table.ts';

/** The lease of reconcile, or another, as one item; it expires if its holder crashes. */
export function createLeaseRepository({ client, name }: LedgerTable, Key: ItemKey = LEASE_KEY): Lease {
  return {
    async hold(holder, nowMs, untilMs) {
      return conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...Key, holder, until: untilMs },
            ConditionExpression: 'attribute_not_exists(pk) OR holder = :holder OR #until <= :now',
            ExpressionAttributeNames: { '#until': 'until' },
            ExpressionAttributeValues: { ':holder': holder, ':now': nowMs },
          }),
        ),
      );
    },

    async release(holder) {
      await conditionalWrite(() =>
        client.send(
          new DeleteCommand({
            TableName: name,
            Key,
            ConditionExpression: 'holder = :holder',
            ExpressionAttributeValues: { ':holder': holder },
          }),
        ),
      );
    },
  };
}
