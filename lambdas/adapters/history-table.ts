import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { messagePartition } from '../domain/identity.ts';
import type { MessageHistory, StoredEvent, StoredStatus } from '../domain/ports.ts';
import { unpackEvent } from './event-codec.ts';
import type { LedgerTable } from './table-client.ts';

/** Reads all that is stored of one message. */
export function createHistoryTable({ client, name }: LedgerTable): MessageHistory {
  return {
    async read(messageId) {
      const statuses: StoredStatus[] = [];
      const events: StoredEvent[] = [];
      const pages = paginateQuery(
        { client },
        {
          TableName: name,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': messagePartition(messageId) },
        },
      );
      for await (const page of pages) {
        for (const item of page.Items ?? []) {
          if (item.raw === undefined) statuses.push(storedStatus(item));
          else events.push(storedEvent(item));
        }
      }
      return { statuses, events };
    },
  };
}

type Item = Record<string, unknown>;

function storedStatus(item: Item): StoredStatus {
  const { recipient, status, reason, statusAt, decidedBy } = item as unknown as StoredStatus & { statusAt: number };
  return { recipient, status, reason, statusAtMs: statusAt, decidedBy };
}

function storedEvent(item: Item): StoredEvent {
  const sort = item.sk as string;
  return {
    eventKey: sort.slice(sort.indexOf('#E#') + '#E#'.length),
    event: unpackEvent(item.raw as Uint8Array),
    source: item.source as StoredEvent['source'],
    receivedAtMs: item.receivedAt as number,
    atMs: item.at as number,
  };
}
