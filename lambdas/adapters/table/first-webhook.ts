import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { FIRST_WEBHOOK_KEY } from '../../domain/keys.ts';
import type { FirstWebhook } from '../../ingest/ports.ts';
import type { LedgerTable } from './ledger-table.ts';
import { conditionalWrite } from './ledger-table.ts';

/** The fact that a webhook was verified, as one item that is written once. */
export function createFirstWebhook({ client, name }: LedgerTable): FirstWebhook {
  const Key = FIRST_WEBHOOK_KEY;
  return {
    async note(atMs) {
      await conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...Key, at: atMs },
            ConditionExpression: 'attribute_not_exists(pk)',
          }),
        ),
      );
    },

    async isNoted() {
      const { Item } = await client.send(new GetCommand({ TableName: name, Key }));
      return Item !== undefined;
    },
  };
}
