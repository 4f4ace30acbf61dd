import { ConditionalCheckFailedException, DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES, RESTORED_ATTRIBUTE } from '../../../contract.ts';
import { dayPartition } from '../../../domain/events/day-index.ts';
import { type DayShards, shardOf } from '../../../domain/events/day-shards.ts';
import {
  eventSortPrefix,
  parseMessageSort,
  recipientIndexKey,
  recipientKey,
  suppressionIndexKey,
  suppressionPartition,
  suppressionSort,
} from '../../../domain/keys.ts';
import type { DecidedStatus } from '../../../domain/status/decide-status.ts';
import { isHigher, statusOrder } from '../../../domain/status/decide-status.ts';
import type { Suppression } from '../../../domain/status/suppression.ts';
import { type EventRecord, type Records, UnstorableError } from '../../../process/ports.ts';
import type { StoredEvent } from '../../../read-api/ports.ts';
import { createBatchedGet } from '../batched-get.ts';
import { conditionalWrite, type LedgerTable, readPartition } from '../ledger-table.ts';
import { isMergedCopy, packEvent, storedEvent } from './event-codec.ts';
import { createEventLookup } from './event-lookup.ts';
import { changeOfDecision, changeOfOwner } from './status-codec.ts';

/** Writes events, statuses and suppressions; every write is conditional, so repeating one changes nothing. */
export function createEventRepository(table: LedgerTable): Records {
  const { client, name } = table;
  const events = createEventLookup(table);
  const statusOf = createBatchedGet(table, {
    ProjectionExpression: 'pk, sk, #order',
    ExpressionAttributeNames: { '#order': 'order' },
  });
  return {
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
      // A refused update is billed like one that is done, a read at a tenth of it. What is read may be old, but the
      // join never goes back: an order that was as high once is so now.
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
        ...(isRestored ? [`${RESTORED_ATTRIBUTE} = :restored`] : []),
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
      return 'known';
    },
  };
}

/** The cause of a suppression: an event, or an entry of a list. */
export interface SuppressionCause {
  readonly recipient: string;
  readonly domain: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly eventKey: string;
  /** It comes from the archive, so it is not new. */
  readonly isRestored?: boolean;
}

/** Ends an update expression, which sets: what is restored is not published, and whatever changes the item later is. */
function restoredMark(isRestored = false) {
  return isRestored
    ? { mark: `, ${RESTORED_ATTRIBUTE} = :restored`, values: { ':restored': true } }
    : { mark: ` REMOVE ${RESTORED_ATTRIBUTE}`, values: {} };
}

/** Joins a suppression to what is stored: in any order and any number of times, the result is the same. */
export async function writeSuppression(
  { client, name }: LedgerTable,
  { recipient, domain, atMs, eventKey, isRestored }: SuppressionCause,
  suppression: Suppression,
): Promise<void> {
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
        ConditionExpression: 'attribute_not_exists(pk) OR since > :since OR (since = :since AND eventKey < :eventKey)',
        UpdateExpression:
          'SET since = :since, lastAt = if_not_exists(lastAt, :since), eventKey = :eventKey, reason = :reason, ' +
          'recipient = :recipient, #domain = :domain, kind = :kind, #scope = :scope, #source = :source, ' +
          // Written once, for the reason of the status. A time that was first is never earlier than `since`.
          `#indexKey = if_not_exists(#indexKey, :indexKey), #indexAt = if_not_exists(#indexAt, :since)${mark}`,
        ExpressionAttributeNames: {
          ...{ '#domain': 'domain', '#scope': 'scope', '#source': 'source' },
          ...{ '#indexKey': byRecipient.partitionKey, '#indexAt': byRecipient.sortKey },
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
  // What is later than a lift suppresses again.
  await conditional(() =>
    client.send(
      new UpdateCommand({
        TableName: name,
        Key,
        ConditionExpression: 'attribute_not_exists(lastAt) OR lastAt < :at',
        UpdateExpression: `SET lastAt = :at${mark}`,
        ExpressionAttributeValues: { ...values, ':at': atMs },
      }),
    ),
  );
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

/** Runs a conditional write: undefined where it was done, the refusal where its condition does not hold. */
async function conditional(write: () => Promise<unknown>): Promise<ConditionalCheckFailedException | undefined> {
  try {
    await write();
    return undefined;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return error;
    const refusedForGood = error instanceof DynamoDBServiceException && error.name === 'ValidationException';
    throw refusedForGood ? new UnstorableError('the table refuses the item', { cause: error }) : error;
  }
}

/** Rewrites what followed from one event; every write holds only while nothing else has changed the item. */
export function createEventCorrection(table: LedgerTable) {
  const { client, name } = table;
  type Identified = Pick<EventRecord, 'identity'>;
  const statusKey = ({ identity }: Identified) => ({ pk: identity.partition, sk: identity.statusSort });
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
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: statusKey(record), ConsistentRead: true }),
      );
      return Item?.order as string | undefined;
    },

    async resetStatus(record: Identified, decided: DecidedStatus, seenOrder: string | undefined) {
      const { set, remove, names, values } = changeOfDecision(decided, decided.order);
      return conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: statusKey(record),
            ConditionExpression: seenOrder === undefined ? 'attribute_not_exists(#order)' : '#order = :seen',
            UpdateExpression: `SET ${set.join(', ')} REMOVE ${[...remove, RESTORED_ATTRIBUTE].join(', ')}`,
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: { ...values, ...(seenOrder !== undefined && { ':seen': seenOrder }) },
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
