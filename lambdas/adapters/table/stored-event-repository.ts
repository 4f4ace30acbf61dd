import { DeleteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../contract.ts';
import { dayPartition } from '../../domain/events/day-index.ts';
import { type DayShards, shardOf } from '../../domain/events/day-shards.ts';
import { parseDayIndexKey, parseMessageSort } from '../../domain/keys.ts';
import { type EventPlace, placeName } from '../../domain/ledger/ledger-name.ts';
import { eventKeyInOrder } from '../../domain/status/decide-status.ts';
import { packEvent, unpackEvent } from '../../formats/packed-event.ts';
import type { EventLookup } from '../../ingest/ports.ts';
import type { EventRecord, RedactedCopies } from '../../process/ports.ts';
import type { EventOrigin, StoredEvent } from '../../read-api/ports.ts';
import type { StoredEvents, StoredFacts } from '../../reconcile/ports.ts';
import { batchGetAll, conditionalWrite, type Item, type LedgerTable } from './ledger-table.ts';

/** Returns true for the remains of a merged redacted copy: an item without an event. */
export function isMergedCopy(item: Item): boolean {
  return item.mergedAt !== undefined;
}

/** Returns the event in an item; undefined for the remains of a merged redacted copy. */
export function storedEvent(item: Item): StoredEvent | undefined {
  if (isMergedCopy(item)) return undefined;
  const key = { pk: item.pk as string, sk: item.sk as string };
  const { recipientKey, eventKey = '' } = parseMessageSort(key.sk);
  return {
    eventKey,
    recipientKey,
    domain: parseDayIndexKey(item[INDEXES.byDay.partitionKey] as string).domain,
    event: unpackEvent(item.raw as Uint8Array, key),
    atMs: item[INDEXES.byDay.sortKey] as number,
    ...originOf(item),
  };
}

/** Returns how the event in an item came in. */
export function originOf(item: Item): EventOrigin {
  return {
    source: item.source as EventOrigin['source'],
    receivedAtMs: item.receivedAt as number,
    storedAtMs: item.storedAt as number | undefined,
    unconfirmedSinceMs: item.unconfirmedSince as number | undefined,
    distrustedAtMs: item.distrustedAt as number | undefined,
  };
}

/** Returns an event as its item. */
export function eventItem(record: EventRecord, shards: DayShards = []) {
  const { byDay } = INDEXES;
  const shard = shardOf(shards, record.atMs, record.identity.eventKey);
  const key = { pk: record.identity.partition, sk: record.identity.eventSort };
  return {
    ...key,
    [byDay.partitionKey]: dayPartition(record.domain, record.atMs, record.event.raw, shard),
    [byDay.sortKey]: record.atMs,
    raw: packEvent(record.event.raw, key),
    source: record.source,
    receivedAt: record.receivedAtMs,
    expiresAt: record.expiresAt,
    ...(record.storedAtMs !== undefined && { storedAt: record.storedAtMs }),
    ...(record.isImplausible && { implausible: true }),
    ...((record.restored?.byWebhook ?? record.source === 'webhook') && { webhookAt: record.receivedAtMs }),
    ...(record.restored?.unconfirmedSince !== undefined && { unconfirmedSince: record.restored.unconfirmedSince }),
  };
}

/** Returns the key of an event's item. */
export const eventItemKey = ({ partition, eventSort }: EventPlace) => ({ pk: partition, sk: eventSort });

/** Looks single events up in the table, by strong reads. */
export function createEventLookup({ client, name }: LedgerTable): EventLookup {
  return {
    async isStored(identity) {
      const { Item } = await client.send(
        new GetCommand({
          TableName: name,
          Key: eventItemKey(identity),
          ConsistentRead: true,
          ProjectionExpression: 'pk',
        }),
      );
      return Item !== undefined;
    },

    async noteWebhook(identity, atMs) {
      return conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: eventItemKey(identity),
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
export function createStoredEventRepository(table: LedgerTable): StoredEvents {
  const events: StoredEvents = {
    async lookUp(places) {
      const found = new Map<string, StoredFacts>();
      const distinct = new Map(places.map((each) => [placeName(each), eventItemKey(each)]));
      const items = await batchGetAll(table, { Keys: [...distinct.values()], ConsistentRead: true });
      for (const { pk, sk, source, webhookAt, distrustedAt, raw, ...item } of items) {
        if (isMergedCopy(item)) continue;
        found.set(placeName({ partition: pk as string, eventSort: sk as string }), {
          atMs: item[INDEXES.byDay.sortKey] as number,
          receivedAtMs: item.receivedAt as number,
          storedAtMs: item.storedAt as number | undefined,
          source: source as StoredFacts['source'],
          broughtByWebhook: webhookAt !== undefined,
          isUnconfirmed: item.unconfirmedSince !== undefined,
          isDistrusted: distrustedAt !== undefined,
          event: raw === undefined ? {} : unpackEvent(raw as Uint8Array, { pk: pk as string, sk: sk as string }),
        });
      }
      return found;
    },

    async markUnconfirmed(place, sinceMs) {
      // An update would bring back the key of an event that was erased meanwhile.
      const change =
        sinceMs === undefined
          ? {
              ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(distrustedAt)',
              UpdateExpression: 'REMOVE unconfirmedSince',
            }
          : {
              ConditionExpression: 'attribute_exists(pk)',
              UpdateExpression: 'SET unconfirmedSince = if_not_exists(unconfirmedSince, :since)',
              ExpressionAttributeValues: { ':since': sinceMs },
            };
      const Key = eventItemKey(place);
      const isDone = await conditionalWrite(() =>
        table.client.send(new UpdateCommand({ TableName: table.name, Key, ...change })),
      );
      if (isDone || sinceMs !== undefined) return;
      const found = await events.lookUp([place]);
      if (found.get(placeName(place))?.isDistrusted)
        throw new Error('an event that Mailgun lists is distrusted meanwhile');
    },
  };
  return events;
}

/** Returns what marks events whose effect an operator discards; until Mailgun lists them, they decide nothing. */
export function createDistrustMarks({ client, name }: LedgerTable) {
  return {
    /** Marks an event since a time (epoch milliseconds), unless it is erased, or Mailgun lists it meanwhile. */
    async mark(place: EventPlace, atMs: number): Promise<void> {
      await conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: eventItemKey(place),
            ConditionExpression: 'attribute_exists(unconfirmedSince)',
            UpdateExpression: 'SET distrustedAt = if_not_exists(distrustedAt, :at)',
            ExpressionAttributeValues: { ':at': atMs },
          }),
        ),
      );
    },
  };
}

/** Merges redacted copies of events. The remains of a copy absorb its repeats, as the event itself would. */
export function createRedactedCopyRepository(table: LedgerTable, now: () => number): RedactedCopies {
  const { client, name } = table;
  const { byDay } = INDEXES;
  return {
    async read(copies) {
      const items = await batchGetAll(table, {
        Keys: copies.map(eventItemKey),
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
            Key: eventItemKey(copy),
            ConditionExpression: 'attribute_exists(pk)',
            UpdateExpression:
              'SET mergedAt = if_not_exists(mergedAt, :at) REMOVE #raw, #day, #time, unconfirmedSince, distrustedAt',
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
