import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { EVERY_RECIPIENT, eventSort, messagePartition, statusSort } from '../../domain/keys.ts';
import type { Source } from '../../domain/queue-message.ts';
import type { MessageHistory } from '../../read-api/ports.ts';
import type { LedgerTable } from './ledger-table.ts';
import { queryRange } from './query.ts';
import { historyEntries, storedStatus } from './stored-items.ts';

/** Reads what is stored of one message, page by page. */
export function createMessageHistory(table: LedgerTable): MessageHistory {
  const { client, name } = table;
  return {
    async page(messageId, most, after) {
      const { items, hasMore } = await queryRange(table, messagePartition(messageId), EVERY_RECIPIENT, most, after);
      return { entries: historyEntries(items), hasMore };
    },

    async status(messageId, recipientKey) {
      const Key = { pk: messagePartition(messageId), sk: statusSort(recipientKey) };
      const { Item } = await client.send(new GetCommand({ TableName: name, Key }));
      return Item && storedStatus(Item);
    },

    async originOf(messageId, recipientKey, eventKey) {
      const Key = { pk: messagePartition(messageId), sk: eventSort(recipientKey, eventKey) };
      const { Item } = await client.send(
        new GetCommand({
          TableName: name,
          Key,
          ProjectionExpression: '#source, unconfirmedSince',
          ExpressionAttributeNames: { '#source': 'source' },
        }),
      );
      return Item && { source: Item.source as Source, unconfirmedSinceMs: Item.unconfirmedSince as number | undefined };
    },
  };
}
