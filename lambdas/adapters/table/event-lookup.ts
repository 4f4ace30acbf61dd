import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { EventIdentity } from '../../domain/identity.ts';
import type { EventLookup } from '../../ingest/ports.ts';
import { conditionalWrite, type LedgerTable } from './ledger-table.ts';

/** Looks single events up in the table, by strong reads. */
export function createEventLookup({ client, name }: LedgerTable): EventLookup {
  const key = (identity: EventIdentity) => ({ pk: identity.partition, sk: identity.eventSort });
  return {
    async isStored(identity) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: key(identity), ConsistentRead: true, ProjectionExpression: 'pk' }),
      );
      return Item !== undefined;
    },

    async noteWebhook(identity, atMs) {
      return conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: key(identity),
            // An update would bring back the key of an event that was erased meanwhile.
            ConditionExpression: 'attribute_exists(pk)',
            UpdateExpression: 'SET webhookAt = if_not_exists(webhookAt, :at)',
            ExpressionAttributeValues: { ':at': atMs },
          }),
        ),
      );
    },
  };
}
