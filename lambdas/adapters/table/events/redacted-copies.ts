import { DeleteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../../contract.ts';
import type { EventIdentity } from '../../../domain/events/identity.ts';
import { eventKeyInOrder } from '../../../domain/status/decide-status.ts';
import type { RedactedCopies } from '../../../process/ports.ts';
import { batchGetAll, conditionalWrite, type LedgerTable } from '../ledger-table.ts';

const keyOf = ({ partition, eventSort }: EventIdentity) => ({ pk: partition, sk: eventSort });

/** Merges redacted copies of events. What is left of a copy refuses its repeats, as the event itself would. */
export function createRedactedCopies(table: LedgerTable, now: () => number): RedactedCopies {
  const { client, name } = table;
  const { byDay } = INDEXES;
  return {
    async read(copies) {
      const items = await batchGetAll(table, {
        Keys: copies.map(keyOf),
        ConsistentRead: true,
        ProjectionExpression: 'receivedAt, webhookAt',
      });
      return items.map(({ receivedAt, webhookAt }) => ({
        receivedAtMs: receivedAt as number,
        webhookAtMs: webhookAt as number | undefined,
      }));
    },

    async merge(copy) {
      await conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: keyOf(copy),
            ConditionExpression: 'attribute_exists(pk)',
            UpdateExpression: 'SET mergedAt = if_not_exists(mergedAt, :at) REMOVE #raw, #day, #time, unconfirmedSince',
            ExpressionAttributeNames: { '#raw': 'raw', '#day': byDay.partitionKey, '#time': byDay.sortKey },
            ExpressionAttributeValues: { ':at': now() },
          }),
        ),
      );
    },

    async dropStatus({ partition, statusSort, eventKey }) {
      const Key = { pk: partition, sk: statusSort };
      const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
      if (Item === undefined || eventKeyInOrder(Item.order as string) !== eventKey) return;
      await conditionalWrite(() =>
        client.send(
          new DeleteCommand({
            TableName: name,
            Key,
            // Another event may have decided it since.
            ConditionExpression: '#order = :seen',
            ExpressionAttributeNames: { '#order': 'order' },
            ExpressionAttributeValues: { ':seen': Item.order },
          }),
        ),
      );
    },
  };
}
