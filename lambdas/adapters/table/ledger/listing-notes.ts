import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { LISTING_KEY } from '../../../domain/keys.ts';
import type { ListingNote } from '../../../domain/ledger/listing-note.ts';
import type { ListingNotes } from '../../../reconcile/ports.ts';
import { conditionalWrite, type LedgerTable } from '../ledger-table.ts';

/** Reads and writes the item `LISTING`: what is known of the end of the Mailgun API that the ledger lists by. */
export function createListingNotes({ client, name }: LedgerTable): ListingNotes {
  const update = (expression: string, values?: Record<string, unknown>, condition?: string) =>
    client.send(
      new UpdateCommand({
        TableName: name,
        Key: LISTING_KEY,
        UpdateExpression: expression,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      }),
    );
  const read = async (): Promise<ListingNote> => {
    const { Item } = await client.send(new GetCommand({ TableName: name, Key: LISTING_KEY, ConsistentRead: true }));
    const { fellBackAt, announced } = (Item ?? {}) as ListingNote;
    return { ...(fellBackAt !== undefined && { fellBackAt }), ...(announced !== undefined && { announced }) };
  };
  return {
    read,

    async fall(atMs) {
      const isNoted = await conditionalWrite(() =>
        update('SET fellBackAt = :at', { ':at': atMs }, 'attribute_not_exists(fellBackAt)'),
      );
      // The SDK repeats a write whose reply was lost, and then finds its own.
      return isNoted || (await read()).fellBackAt === atMs;
    },

    async announce(announced) {
      if (announced === undefined) await update('REMOVE announced');
      else await update('SET announced = :announced', { ':announced': announced });
    },

    async goBack() {
      return conditionalWrite(() => update('REMOVE fellBackAt', undefined, 'attribute_exists(fellBackAt)'));
    },
  };
}
