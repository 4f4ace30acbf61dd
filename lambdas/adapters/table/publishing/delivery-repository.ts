import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DeliveryLog, ReceiverStates } from '../../../deliver/ports.ts';
import type { JsonObject } from '../../../domain/canonical.ts';
import { allDone } from '../../../domain/concurrency.ts';
import {
  deliveryKey,
  deliveryPartitions,
  type ItemKey,
  parseDeliveryKey,
  receiverStateKey,
} from '../../../domain/keys.ts';
import type { Attempt, Delivery, DeliveryName, LoggedDelivery } from '../../../domain/publishing/delivery.ts';
import type { ReceiverState } from '../../../domain/publishing/receiver-state.ts';
import type { PublishedDeliveries, PublishedDelivery } from '../../../publish/ports.ts';
import { conditionalWrite, type Item, type LedgerTable, readPartition } from '../ledger-table.ts';

const DAY_SECONDS = 86_400;

/** How long the delivery log is kept. */
export interface DeliveryRetention {
  retentionDays: number;
}

const expiryOf = (publishedAt: number, { retentionDays }: DeliveryRetention) =>
  publishedAt + retentionDays * DAY_SECONDS;

const keyOf = ({ receiver, publishedAt, id }: DeliveryName) => deliveryKey(receiver, publishedAt, id);

/** Notes what is about to be published, one item per receiver; what is noted already stays as it is. */
export function createPublishedDeliveries(
  { client, name }: LedgerTable,
  retention: DeliveryRetention,
): PublishedDeliveries {
  const note = ({ delivery, detailType, detail }: PublishedDelivery) =>
    conditionalWrite(() =>
      client.send(
        new PutCommand({
          TableName: name,
          Item: {
            ...keyOf(delivery),
            state: 'published',
            version: 0,
            detailType,
            detail: JSON.stringify(detail),
            expiresAt: expiryOf(delivery.publishedAt, retention),
          },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      ),
    );
  return {
    async note(deliveries) {
      await allDone(deliveries.map(note));
    },
  };
}

/** The log of deliveries as `deliver` writes it. */
export function createDeliveryLog({ client, name }: LedgerTable, retention: DeliveryRetention): DeliveryLog {
  return {
    async read(delivery) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keyOf(delivery), ConsistentRead: true }),
      );
      return Item && deliveryOf(Item);
    },

    async write(delivery, { state, version, attempts, settledAt, nextAt }, event, responseText) {
      // One write whether or not the event was noted: a test or a redelivery may be older than the log.
      const set = {
        state,
        version,
        attempts,
        settledAt,
        nextAt,
        response: responseText,
        detailType: event.detailType,
        expiresAt: expiryOf(delivery.publishedAt, retention),
      };
      const given = Object.entries(set).filter(([, value]) => value !== undefined);
      const left = Object.entries(set).filter(([, value]) => value === undefined);
      const assignments = given.map(([field]) => `#${field} = :${field}`);
      assignments.push('detail = if_not_exists(detail, :detail)');
      const removals = left.map(([field]) => `#${field}`);
      return conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: keyOf(delivery),
            UpdateExpression: `SET ${assignments.join(', ')}${removals.length > 0 ? ` REMOVE ${removals.join(', ')}` : ''}`,
            ConditionExpression:
              version === 1 ? 'attribute_not_exists(#version) OR #version = :before' : '#version = :before',
            ExpressionAttributeNames: Object.fromEntries(Object.keys(set).map((field) => [`#${field}`, field])),
            ExpressionAttributeValues: {
              ...Object.fromEntries(given.map(([field, value]) => [`:${field}`, value])),
              ':before': version - 1,
              ':detail': JSON.stringify(event.detail),
            },
          }),
        ),
      );
    },
  };
}

/** Yields the deliveries to a receiver that were published from one time to another (epoch seconds, `to` excluded), oldest first. */
export async function* readDeliveries(
  table: LedgerTable,
  receiver: string,
  from: number,
  to: number,
): AsyncGenerator<LoggedDelivery> {
  for (const partition of deliveryPartitions(receiver, from, to)) {
    for await (const item of readPartition(table, partition)) {
      const logged = loggedDelivery(item);
      if (logged !== undefined && logged.name.publishedAt >= from && logged.name.publishedAt < to) yield logged;
    }
  }
}

/** Reads an item of the log with what it delivers; undefined for any other item. */
export function loggedDelivery(item: Item): LoggedDelivery | undefined {
  const name = parseDeliveryKey(item as unknown as ItemKey);
  if (name === undefined) return undefined;
  const { detailType = '', detail = '{}', response } = item as Record<string, string | undefined>;
  return { ...deliveryOf(item), name, detailType, detail: JSON.parse(detail) as JsonObject, response };
}

/** Reads an item of the log. */
export function deliveryOf(item: Item): Delivery {
  const { state, version, attempts = [], settledAt, nextAt } = item as unknown as Delivery & { attempts?: Attempt[] };
  return { state, version, attempts, settledAt, nextAt };
}

/** States of receivers, each replaced under the one that was read. */
export function createReceiverStates({ client, name }: LedgerTable): ReceiverStates {
  return {
    async read(receiver) {
      const Key = receiverStateKey(receiver);
      const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
      const { pk: _, sk: __, ...state } = Item ?? {};
      return state as ReceiverState;
    },

    replace(receiver, before, after) {
      const unchanged = (['failingSince', 'disabledAt'] as const).map((field) =>
        before[field] === undefined ? `attribute_not_exists(${field})` : `${field} = :${field}`,
      );
      const known = Object.entries({ ':failingSince': before.failingSince, ':disabledAt': before.disabledAt });
      const values = Object.fromEntries(known.filter(([, value]) => value !== undefined));
      return conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...receiverStateKey(receiver), ...withoutBlanks(after) },
            ConditionExpression: unchanged.join(' AND '),
            ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
          }),
        ),
      );
    },
  };
}

/** A document client refuses a nested undefined and drops one at the top; a state holds none either way. */
const withoutBlanks = (state: ReceiverState) =>
  Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined));
