import { ConditionalCheckFailedException, DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import DataLoader from 'dataloader';
import { INDEXES, RESTORED_ATTRIBUTE } from '../../contract.ts';
import {
  eventSortPrefix,
  type ItemKey,
  markerKey,
  parseMessageSort,
  recipientIndexKey,
  recipientKey,
  suppressionIndexKey,
  suppressionPartition,
  suppressionSort,
} from '../../domain/keys.ts';
import { erasureHashes } from '../../domain/recipients/erasure.ts';
import { concernsStatus, type DecidedStatus, isHigher, statusOrder } from '../../domain/status/decide-status.ts';
import type { Suppression } from '../../domain/status/suppression.ts';
import {
  type ErasureKey,
  type Erasures,
  type EventRecord,
  type Records,
  UnstorableError,
} from '../../process/ports.ts';
import type { StoredEvent } from '../../read-api/ports.ts';
import {
  BATCH_KEYS,
  type BatchRequest,
  batchGet,
  conditionalWrite,
  type Item,
  itemName,
  type LedgerTable,
  readPartition,
} from './ledger-table.ts';
import { changeOfDecision, changeOfOwner } from './recipient-repository.ts';
import { createEventLookup, eventItem, eventItemKey, isMergedCopy, storedEvent } from './stored-event-repository.ts';

/** Writes events, statuses and suppressions; every write is conditional, so repeating one changes nothing. */
export function createEventRepository(table: LedgerTable): Records {
  const { client, name } = table;
  const events = createEventLookup(table);
  const statusOf = createBatchedGet(table, {
    ConsistentRead: true,
    ProjectionExpression: 'pk, sk, #order',
    ExpressionAttributeNames: { '#order': 'order' },
  });
  const markOf = createBatchedGet(table, { ConsistentRead: true, ProjectionExpression: 'pk, sk, distrustedAt' });
  return {
    isDistrusted: async ({ identity }) => (await markOf(eventItemKey(identity)))?.distrustedAt !== undefined,

    suppress: ({ event, domain, atMs, identity, restored }, suppression) =>
      writeSuppression(
        table,
        {
          recipient: event.recipient ?? '',
          domain,
          atMs,
          eventKey: identity.eventKey,
          isRestored: restored !== undefined,
        },
        suppression,
      ),

    async upsertStatus(record, update) {
      const recipient = record.event.recipient ?? '';
      const { byRecipient } = INDEXES;
      const Key = { pk: record.identity.partition, sk: record.identity.statusSort };
      const order = statusOrder(update, record.atMs, record.identity.eventKey);
      // DynamoDB bills a failed condition like a write, and a read at a fifth of it, so read first. Strongly, since a
      // correction, or `distrust`, may have lowered the order a moment ago.
      if (record.event.type.rarelyChangesStatus && !isHigher(order, (await statusOf(Key))?.order as string | undefined))
        return;
      const isRestored = record.restored !== undefined;
      const decision = changeOfDecision(update, order);
      const owner = changeOfOwner(Key, recipient, record.domain);
      const set = [
        ...decision.set,
        ...owner.set,
        'expiresAt = if_not_exists(expiresAt, :expiresAt)',
        // The index keys are written once: rewriting them would bill a second write each time.
        '#indexKey = if_not_exists(#indexKey, :indexKey)',
        '#indexAt = if_not_exists(#indexAt, :at)',
        ...(isRestored ? [markRestored('#order')] : []),
      ];
      const remove = [...decision.remove, ...owner.remove, ...(isRestored ? [] : [RESTORED_ATTRIBUTE])];
      await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key,
            ConditionExpression: 'attribute_not_exists(#order) OR #order < :order',
            UpdateExpression: `SET ${set.join(', ')} REMOVE ${remove.join(', ')}`,
            ExpressionAttributeNames: {
              ...decision.names,
              ...owner.names,
              '#indexKey': byRecipient.partitionKey,
              '#indexAt': byRecipient.sortKey,
            },
            ExpressionAttributeValues: {
              ...decision.values,
              ...owner.values,
              ...(isRestored && { ':restored': true }),
              ':at': record.atMs,
              ':expiresAt': record.statusExpiresAt,
              ':indexKey': recipientIndexKey(recipientKey(recipient)),
            },
          }),
        ),
      );
    },

    async putEvent(record) {
      const put = new PutCommand({
        TableName: name,
        Item: eventItem(record, table.shards),
        ConditionExpression: 'attribute_not_exists(pk)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      const refused = await conditional(() => client.send(put));
      if (refused === undefined) return 'stored';
      if (refused.Item !== undefined && isMergedCopy(refused.Item)) return 'merged';
      if (record.source === 'webhook' && refused.Item?.webhookAt === undefined) {
        await events.noteWebhook(record.identity, record.receivedAtMs);
      }
      return refused.Item?.distrustedAt === undefined ? 'known' : 'distrusted';
    },
  };
}

/** What a suppression comes from: an event, or an entry of a list. */
interface SuppressionOrigin {
  readonly recipient: string;
  readonly domain: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly eventKey: string;
  /** It comes from the archive, so it is not new. */
  readonly isRestored?: boolean;
}

/**
 * Restored items are not published. Later changes to them are, and changes to items that are there, which get another
 * value than true: one of their attributes.
 */
const markRestored = (attribute: string) =>
  `${RESTORED_ATTRIBUTE} = if_not_exists(${RESTORED_ATTRIBUTE}, if_not_exists(${attribute}, :restored))`;

/** Returns the end of an update expression's SET. */
function restoredMark(isRestored = false) {
  return isRestored
    ? { mark: `, ${markRestored('kind')}`, values: { ':restored': true } }
    : { mark: ` REMOVE ${RESTORED_ATTRIBUTE}`, values: {} };
}

/** Merges a suppression into the stored one: the result does not depend on order or repeats. */
export async function writeSuppression(
  table: LedgerTable,
  origin: SuppressionOrigin,
  suppression: Suppression,
): Promise<void> {
  const { client, name } = table;
  const { recipient, domain, atMs, eventKey, isRestored } = origin;
  const { mark, values } = restoredMark(isRestored);
  const { byRecipient } = INDEXES;
  const Key = {
    pk: suppressionPartition(recipientKey(recipient)),
    sk: suppressionSort(domain, suppression.kind, suppression.scope),
  };
  const refused = await conditional(() =>
    client.send(
      new UpdateCommand({
        TableName: name,
        Key,
        // The earliest event counts, of two at one time the greater key, so that the record does not depend on arrival.
        // What was withdrawn counts no more.
        ConditionExpression:
          'attribute_not_exists(pk) OR since > :since OR (since = :since AND eventKey < :eventKey) ' +
          'OR (attribute_exists(corrections) AND attribute_not_exists(lastAt))',
        UpdateExpression:
          'SET since = :since, lastAt = if_not_exists(lastAt, :since), eventKey = :eventKey, reason = :reason, ' +
          'recipient = :recipient, #domain = :domain, kind = :kind, #scope = :scope, #source = :source, ' +
          // Written once, for the reason of the status. A time that was first is never earlier than `since`.
          `#indexKey = if_not_exists(#indexKey, :indexKey), #indexAt = if_not_exists(#indexAt, :since)${mark}`,
        ExpressionAttributeNames: {
          '#domain': 'domain',
          '#scope': 'scope',
          '#source': 'source',
          '#indexKey': byRecipient.partitionKey,
          '#indexAt': byRecipient.sortKey,
        },
        ExpressionAttributeValues: {
          ...values,
          ':since': atMs,
          ':eventKey': eventKey,
          ':reason': suppression.reason,
          ':recipient': recipient,
          ':domain': domain,
          ':kind': suppression.kind,
          ':scope': suppression.scope,
          ':source': suppression.source,
          ':indexKey': suppressionIndexKey(domain, suppression.kind),
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );
  if (refused === undefined || Number(refused.Item?.lastAt?.N) >= atMs) return;
  // An event later than a lift suppresses again.
  const late = await conditional(() =>
    client.send(
      new UpdateCommand({
        TableName: name,
        Key,
        // Only what was withdrawn has a count of corrections and no time.
        ConditionExpression: 'lastAt < :at OR (attribute_not_exists(lastAt) AND attribute_not_exists(corrections))',
        UpdateExpression: `SET lastAt = :at${mark}`,
        ExpressionAttributeValues: { ...values, ':at': atMs },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );
  // It was withdrawn between the two writes, so this event is the earliest now.
  if (late?.Item !== undefined && late.Item.lastAt === undefined) await writeSuppression(table, origin, suppression);
}

/** Runs a conditional write; returns undefined if it was done, the refusal if its condition does not hold. */
async function conditional(write: () => Promise<unknown>): Promise<ConditionalCheckFailedException | undefined> {
  try {
    await write();
    return undefined;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return error;
    const isPermanent = error instanceof DynamoDBServiceException && error.name === 'ValidationException';
    throw isPermanent ? new UnstorableError('the table refuses the item', { cause: error }) : error;
  }
}

/** Consistency and attributes (`pk` and `sk` included) with which all items of a batch are read. */
type HowToRead = Omit<BatchRequest, 'Keys'>;

/** Reads of the records of one batch are short; what the table leaves unread for longer comes back with its message. */
const MAX_ROUNDS = 4;

/** Reads single items; combines reads of the same moment, as by the records of a batch, into one call. */
function createBatchedGet(table: LedgerTable, how: HowToRead): (key: ItemKey) => Promise<Item | undefined> {
  const loader = new DataLoader<ItemKey, Item | undefined>(
    async (keys) => {
      const Keys = [...new Map(keys.map(({ pk, sk }) => [itemName({ pk, sk }), { pk, sk }])).values()];
      const items = await batchGet(table, { ...how, Keys }, MAX_ROUNDS);
      const byName = new Map(items.map((item) => [itemName(item), item]));
      return keys.map((key) => byName.get(itemName(key)));
    },
    // Nothing is kept: the next batch reads again.
    { cache: false, maxBatchSize: BATCH_KEYS },
  );
  return (key) => loader.load(key);
}

/** Looks for the markers of recipients; nearly every event names one recipient, so a batch of events is one call. */
export function createErasureRepository(table: LedgerTable, key: ErasureKey): Erasures {
  const marker = createBatchedGet(table, { ConsistentRead: true, ProjectionExpression: 'pk, sk' });
  return {
    async among(addresses) {
      if (addresses.length === 0) return [];
      const secret = await key.read();
      const isErased = async (address: string) => {
        const found = await Promise.all(erasureHashes(secret, address).map((hash) => marker(markerKey(hash))));
        return found.some((item) => item !== undefined);
      };
      const erased = await Promise.all(addresses.map(isErased));
      return addresses.filter((_, index) => erased[index]);
    },
  };
}

/** Rewrites what followed from one event; every write holds only while nothing else has changed the item. */
export function createEventCorrection(table: LedgerTable) {
  const { client, name } = table;
  type Identified = Pick<EventRecord, 'identity'>;
  const statusKey = ({ identity }: Identified) => ({ pk: identity.partition, sk: identity.statusSort });
  const readStatus = async (record: Identified) => {
    const get = new GetCommand({ TableName: name, Key: statusKey(record), ConsistentRead: true });
    return (await client.send(get)).Item;
  };
  return {
    async siblings({ identity }: Identified) {
      const { recipientKey: recipient } = parseMessageSort(identity.eventSort);
      const found: StoredEvent[] = [];
      const range = { prefix: eventSortPrefix(recipient) };
      for await (const item of readPartition(table, identity.partition, range)) {
        const event = storedEvent(item);
        if (event !== undefined) found.push(event);
      }
      return found;
    },

    async readOrder(record: Identified) {
      return (await readStatus(record))?.order as string | undefined;
    },

    async resetStatus(record: Identified, decided: DecidedStatus, seenOrder: string) {
      const { order, reason } = decided;
      const { set, remove, names, values } = changeOfDecision(decided, order);
      // The type also differs where the reason is absent, or null as in older items.
      const isOtherReason = reason === null ? 'attribute_type(reason, :text)' : 'NOT reason = :reason';
      const counts = concernsStatus(seenOrder, decided) || (await readStatus(record))?.corrections !== undefined;
      const refused = await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: statusKey(record),
            // A repeat must not count as another correction.
            ConditionExpression:
              `#order = :seen AND (#order <> :order OR ${isOtherReason})` +
              (counts ? '' : ' AND attribute_not_exists(corrections)'),
            UpdateExpression:
              `SET ${set.join(', ')} REMOVE ${[...remove, RESTORED_ATTRIBUTE].join(', ')}` +
              (counts ? ' ADD corrections :one' : ''),
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: {
              ...values,
              ':seen': seenOrder,
              ...(counts && { ':one': 1 }),
              ...(reason === null && { ':text': 'S' }),
            },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        ),
      );
      const found = refused?.Item;
      return refused === undefined || (found?.order?.S === order && (found.reason?.S ?? null) === reason);
    },

    async withdrawSuppressions(record: EventRecord, kept: readonly Suppression[]) {
      const pk = suppressionPartition(recipientKey(record.event.recipient ?? ''));
      const { byRecipient } = INDEXES;
      const stays = new Set(kept.map(({ kind, scope }) => suppressionSort(record.domain, kind, scope)));
      for await (const { sk, eventKey, since } of readPartition(table, pk)) {
        if (eventKey !== record.identity.eventKey || stays.has(sk as string)) continue;
        await conditionalWrite(() =>
          client.send(
            // The count stays, so that what is published of it later is ordered behind this.
            new UpdateCommand({
              TableName: name,
              Key: { pk, sk },
              // A later event suppresses on its own, and a lift stays.
              ConditionExpression: 'eventKey = :eventKey AND lastAt = :since AND NOT liftedAt >= :since',
              UpdateExpression:
                `REMOVE lastAt, liftedAt, ${byRecipient.partitionKey}, ${byRecipient.sortKey}, ` +
                `${RESTORED_ATTRIBUTE} ADD corrections :one`,
              ExpressionAttributeValues: { ':eventKey': eventKey, ':since': since, ':one': 1 },
            }),
          ),
        );
      }
    },

    async replaceEvent(record: EventRecord) {
      await conditionalWrite(() =>
        client.send(
          // An erased event must not come back.
          new PutCommand({
            TableName: name,
            Item: eventItem(record, table.shards),
            ConditionExpression: 'attribute_exists(pk)',
          }),
        ),
      );
    },
  };
}
