import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../../contract.ts';
import type { EventIdentity } from '../../../domain/events/identity.ts';
import { placeName } from '../../../domain/ledger/ledger-name.ts';
import type { EventLookup } from '../../../ingest/ports.ts';
import type { StoredEvents, StoredFacts } from '../../../reconcile/ports.ts';
import { batchGetAll, conditionalWrite, type LedgerTable } from '../ledger-table.ts';
import { isMergedCopy, unpackEvent } from './event-codec.ts';

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

/** Looks events up by strong reads. */
export function createStoredEventsTable(table: LedgerTable): StoredEvents {
  return {
    async lookUp(places) {
      const found = new Map<string, StoredFacts>();
      const distinct = new Map(places.map((each) => [placeName(each), { pk: each.partition, sk: each.eventSort }]));
      const items = await batchGetAll(table, { Keys: [...distinct.values()], ConsistentRead: true });
      for (const { pk, sk, source, receivedAt, webhookAt, raw, ...item } of items) {
        if (isMergedCopy(item)) continue;
        found.set(placeName({ partition: pk as string, eventSort: sk as string }), {
          atMs: item[INDEXES.byDay.sortKey] as number,
          receivedAtMs: receivedAt as number,
          source: source as StoredFacts['source'],
          broughtByWebhook: webhookAt !== undefined,
          event: raw === undefined ? {} : unpackEvent(raw as Uint8Array, { pk: pk as string, sk: sk as string }),
        });
      }
      return found;
    },

    async markUnconfirmed({ partition, eventSort }, sinceMs) {
      const change =
        sinceMs === undefined
          ? { UpdateExpression: 'REMOVE unconfirmedSince' }
          : {
              UpdateExpression: 'SET unconfirmedSince = if_not_exists(unconfirmedSince, :since)',
              ExpressionAttributeValues: { ':since': sinceMs },
            };
      await conditionalWrite(() =>
        table.client.send(
          new UpdateCommand({
            TableName: table.name,
            Key: { pk: partition, sk: eventSort },
            // An update would bring back the key of an event that was erased meanwhile.
            ConditionExpression: 'attribute_exists(pk)',
            ...change,
          }),
        ),
      );
    },
  };
}
