import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { DeleteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../contract.ts';
import { dayPartition } from '../../domain/events/day-index.ts';
import { type DayShards, shardOf } from '../../domain/events/day-shards.ts';
import type { JsonObject } from '../../domain/json.ts';
import { type ItemKey, parseDayIndexKey, parseMessageSort } from '../../domain/keys.ts';
import { type EventPlace, placeName } from '../../domain/ledger/ledger-name.ts';
import { eventKeyInOrder } from '../../domain/status/decide-status.ts';
import type { EventLookup } from '../../ingest/ports.ts';
import type { EventRecord, RedactedCopies } from '../../process/ports.ts';
import type { EventOrigin, StoredEvent } from '../../read-api/ports.ts';
import type { StoredEvents, StoredFacts } from '../../reconcile/ports.ts';
import { batchGetAll, conditionalWrite, type Item, type LedgerTable } from './ledger-table.ts';

/**
 * Text that Mailgun's events have in common, in the order of their fields. Deflate looks back into it, which
 * brings an ordinary event under one DynamoDB write unit. Stored items name the version they were written
 * with: add a version, never change one.
 */
const DICTIONARIES: Record<number, readonly string[]> = {
  1: [
    '"mailing-list":{"address":"","list-id":"","sid":""},"reject":{"reason":"","description":""},',
    '"batch":{"id":""},"template":{"name":"","version":"","is-text":false},"primary-dkim":"","api-key-id":"",',
    '"originating-ip":"","method":"HTTP","delivered-at":,"url":"https://","ip":"","geolocation":{"city":"",',
    '"country":"US","region":"","timezone":""},"client-info":{"client-name":"Chrome","client-os":"Windows",',
    '"client-type":"browser","device-type":"desktop","user-agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) ',
    'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/ Safari/537.36","bot":""},"severity":"permanent",',
    '"severity":"temporary","reason":"suppress-bounce","reason":"generic","reason":"bounce","delivery-status":',
    '{"attempt-no":1,"bounce-type":"hard","retry-seconds":600,"certificate-verified":true,"code":550,"code":250,',
    '"description":"","enhanced-code":"","message":"OK","mx-host":"gmail-smtp-in.l.google.com",',
    '"first-delivery-attempt-seconds":,"session-seconds":0.,"tls":true,"utf8":true},"flags":{"is-authenticated":',
    'true,"is-big":false,"is-delayed-bounce":false,"is-routed":false,"is-system-test":false,"is-test-mode":false},',
    '"envelope":{"sender":"","sending-ip":"","targets":"","transport":"smtp"},"storage":{"env":"production",',
    '"key":"","region":"us-west1","url":"https://storage-us-west1.api.mailgun.net/v3/domains//messages/"},',
    '"campaigns":[],"tags":[],"user-variables":{},"log-level":"error","log-level":"warn","log-level":"info",',
    '"account":{"id":""},"domain":{"name":"mg."},"recipient-provider":"Other","recipient-domain":"gmail.com",',
    '"message":{"attachments":[],"headers":{"from":"","message-id":"","subject":"","to":""},"recipients":[],',
    '"size":},"recipient":"","timestamp":17,"event":"unsubscribed","event":"complained","event":"clicked",',
    '"event":"opened","event":"failed","event":"accepted","event":"delivered","id":"',
  ],
};
/**
 * Compresses with the item's own key, which repeats message, recipient and id, followed by the dictionary of version 1.
 * An event that refers to no key can be read under any.
 */
const KEYED_VERSION = 2;

/** Compresses an event for the item of a key; the first byte is the version. */
export function packEvent(event: JsonObject, key: ItemKey): Uint8Array {
  const packed = deflateRawSync(JSON.stringify(event), { dictionary: dictionary(KEYED_VERSION, key), level: 9 });
  return Buffer.concat([Uint8Array.of(KEYED_VERSION), packed]);
}

/** Reads what `packEvent` of this or an earlier version wrote for that key. */
export function unpackEvent(packed: Uint8Array, key: ItemKey): JsonObject {
  const text = inflateRawSync(packed.subarray(1), { dictionary: dictionary(packed[0] ?? 0, key) });
  return JSON.parse(text.toString()) as JsonObject;
}

// Built when an event is packed or unpacked, so that a function that does neither does not carry the dictionaries.
const built = new Map<number, Buffer>();

function dictionary(version: number, { pk, sk }: ItemKey): Buffer {
  if (version === KEYED_VERSION) return Buffer.concat([Buffer.from(pk + sk), shared(1)]);
  return shared(version);
}

function shared(version: number): Buffer {
  const known = built.get(version);
  if (known !== undefined) return known;
  const parts = DICTIONARIES[version];
  if (parts === undefined) throw new Error(`no event dictionary of version ${version}`);
  const found = Buffer.from(parts.join(''));
  built.set(version, found);
  return found;
}

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

const keyOf = ({ partition, eventSort }: EventPlace) => ({ pk: partition, sk: eventSort });

/** Looks single events up in the table, by strong reads. */
export function createEventLookup({ client, name }: LedgerTable): EventLookup {
  return {
    async isStored(identity) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keyOf(identity), ConsistentRead: true, ProjectionExpression: 'pk' }),
      );
      return Item !== undefined;
    },

    async noteWebhook(identity, atMs) {
      return conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: keyOf(identity),
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
  return {
    async lookUp(places) {
      const found = new Map<string, StoredFacts>();
      const distinct = new Map(places.map((each) => [placeName(each), keyOf(each)]));
      const items = await batchGetAll(table, { Keys: [...distinct.values()], ConsistentRead: true });
      for (const { pk, sk, source, webhookAt, raw, ...item } of items) {
        if (isMergedCopy(item)) continue;
        found.set(placeName({ partition: pk as string, eventSort: sk as string }), {
          atMs: item[INDEXES.byDay.sortKey] as number,
          receivedAtMs: item.receivedAt as number,
          storedAtMs: item.storedAt as number | undefined,
          source: source as StoredFacts['source'],
          broughtByWebhook: webhookAt !== undefined,
          event: raw === undefined ? {} : unpackEvent(raw as Uint8Array, { pk: pk as string, sk: sk as string }),
        });
      }
      return found;
    },

    async markUnconfirmed(place, sinceMs) {
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
            Key: keyOf(place),
            // An update would bring back the key of an event that was erased meanwhile.
            ConditionExpression: 'attribute_exists(pk)',
            ...change,
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
