import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import {
  eventSortPrefix,
  parseMessageSort,
  recipientKey,
  suppressionPartition,
  suppressionSort,
} from '../../domain/keys.ts';
import type { Suppression } from '../../domain/suppression.ts';
import type { EventRecord } from '../../process/ports.ts';
import type { StoredEvent } from '../../read-api/ports.ts';
import { eventItem } from './event-repository.ts';
import { conditionalWrite, type LedgerTable } from './ledger-table.ts';
import { readPartition } from './query.ts';
import { storedEvent } from './stored-items.ts';

/** Rewrites what followed from one event; every write holds only while nothing else has changed the item. */
export function createEventCorrection(table: LedgerTable) {
  const { client, name } = table;
  const statusKey = ({ identity }: EventRecord) => ({ pk: identity.partition, sk: identity.statusSort });
  return {
    async siblings({ identity }: EventRecord) {
      const { recipientKey: recipient } = parseMessageSort(identity.eventSort);
      const found: StoredEvent[] = [];
      const range = { prefix: eventSortPrefix(recipient) };
      for await (const item of readPartition(table, identity.partition, range)) found.push(storedEvent(item));
      return found;
    },

    async readOrder(record: EventRecord) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: statusKey(record), ConsistentRead: true }),
      );
      return Item?.order as string | undefined;
    },

    async resetStatus(
      record: EventRecord,
      decided: { order: string; status: string | null; reason: string | null; atMs: number; eventKey: string },
      seenOrder: string | undefined,
    ) {
      return conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: statusKey(record),
            ConditionExpression: seenOrder === undefined ? 'attribute_not_exists(#order)' : '#order = :seen',
            UpdateExpression:
              'SET #order = :order, #status = :status, reason = :reason, statusAt = :at, decidedBy = :eventKey',
            ExpressionAttributeNames: { '#order': 'order', '#status': 'status' },
            ExpressionAttributeValues: {
              ...{ ':order': decided.order, ':status': decided.status, ':reason': decided.reason },
              ...{ ':at': decided.atMs, ':eventKey': decided.eventKey },
              ...(seenOrder !== undefined && { ':seen': seenOrder }),
            },
          }),
        ),
      );
    },

    async withdrawSuppressions(record: EventRecord, kept: readonly Suppression[]) {
      const pk = suppressionPartition(recipientKey(record.event.recipient ?? ''));
      const stays = new Set(kept.map(({ kind, scope }) => suppressionSort(record.domain, kind, scope)));
      for await (const { sk, eventKey, since } of readPartition(table, pk)) {
        if (eventKey !== record.identity.eventKey || stays.has(sk as string)) continue;
        await conditionalWrite(() =>
          client.send(
            new DeleteCommand({
              TableName: name,
              Key: { pk, sk },
              // A later event suppresses too, whatever becomes of this one.
              ConditionExpression: 'eventKey = :eventKey AND lastAt = :since',
              ExpressionAttributeValues: { ':eventKey': eventKey, ':since': since },
            }),
          ),
        );
      }
    },

    async replaceEvent(record: EventRecord) {
      await conditionalWrite(() =>
        client.send(
          // An erased event must not come back.
          new PutCommand({ TableName: name, Item: eventItem(record), ConditionExpression: 'attribute_exists(pk)' }),
        ),
      );
    },
  };
}
