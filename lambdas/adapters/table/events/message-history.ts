import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { messageIdOf } from '../../../domain/events/event.ts';
import type { Source } from '../../../domain/events/queue-message.ts';
import {
  EVERY_RECIPIENT,
  eventSort,
  eventSortPrefix,
  messageIdInPartition,
  messagePartition,
  parseMessageSort,
  recipientIndexKey,
  statusSort,
} from '../../../domain/keys.ts';
import type { HistoryEntry, MessageHistory, RecipientHistory, RecipientMessage } from '../../../read-api/ports.ts';
import { BATCH_KEYS, batchGet, type Item, type LedgerTable, queryRange } from '../ledger-table.ts';
import { queryNewest } from '../recipients/recipient-index.ts';
import { storedEvent } from './event-codec.ts';
import { statusFacts, storedStatus } from './status-codec.ts';

/** Reads what is stored of one message, page by page. */
export function createMessageHistory(table: LedgerTable): MessageHistory {
  const { client, name } = table;
  return {
    async page(messageId, limit, after) {
      const { items, hasMore } = await queryRange(table, messagePartition(messageId), EVERY_RECIPIENT, limit, after);
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

/** Reads the messages of a recipient, by the index of recipients. */
export function createRecipientHistory(table: LedgerTable): RecipientHistory {
  return {
    async newest(recipientKey, { fromMs, toMs }, limit, after) {
      const partition = recipientIndexKey(recipientKey);
      const place = after && { pk: after.partition, sk: statusSort(recipientKey), atMs: after.atMs };
      const time = { fromMs, throughMs: toMs - 1 };
      const { items, hasMore } = await queryNewest(table, partition, time, limit, place);
      return { places: items.map(({ pk, atMs }) => ({ partition: pk, atMs })), hasMore };
    },

    async messages(recipientKey, places) {
      const sk = statusSort(recipientKey);
      const statuses = await itemsOf(places.map(({ partition }) => ({ pk: partition, sk })));
      const deciding = await itemsOf(
        [...statuses.values()].map((item) => ({
          pk: item.pk as string,
          sk: eventSort(recipientKey, statusFacts(item).decidedBy),
        })),
      );
      return places.map(({ partition }): RecipientMessage | undefined => {
        const item = statuses.get(partition);
        if (item === undefined) return undefined;
        const found = deciding.get(partition);
        const event = found && storedEvent(found);
        // A message id that is too long for a key is in the events alone.
        const messageId = messageIdInPartition(partition) ?? (event && messageIdOf(event.event)) ?? null;
        return { messageId, status: storedStatus(item), deciding: event };
      });
    },

    async events(partition, recipientKey, name, limit, after) {
      const { items, hasMore } = await queryRange(table, partition, eventSortPrefix(recipientKey, name), limit, after);
      return { entries: historyEntries(items), hasMore };
    },
  };

  /** Items by their partition; there is one key for each. */
  async function itemsOf(keys: { pk: string; sk: string }[]): Promise<Map<string, Item>> {
    const chunks = Array.from({ length: Math.ceil(keys.length / BATCH_KEYS) }, (_, index) =>
      keys.slice(index * BATCH_KEYS, (index + 1) * BATCH_KEYS),
    );
    const found = await Promise.all(chunks.map((Keys) => batchGet(table, { Keys })));
    return new Map(found.flat().map((item) => [item.pk as string, item]));
  }
}

/** Events and statuses of a message's partition, each unpacked when it is asked for; other items are passed over. */
export function* historyEntries(items: readonly Item[]): Generator<HistoryEntry> {
  for (const item of items) {
    const sort = item.sk as string;
    const { isStatus, eventKey } = parseMessageSort(sort);
    if (isStatus) yield { sort, status: storedStatus(item) };
    else if (eventKey !== undefined) {
      const event = storedEvent(item);
      if (event !== undefined) yield { sort, event };
    }
  }
}
