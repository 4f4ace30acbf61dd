import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { DAY_SECONDS, RESTORED_ATTRIBUTE } from '../../contract.ts';
import type { DeliveryLog, ReceiverStates } from '../../deliver/ports.ts';
import { allDone } from '../../domain/concurrency.ts';
import type { JsonObject } from '../../domain/json.ts';
import {
  deliveryHour,
  deliveryKey,
  deliveryPartitions,
  type ItemKey,
  parseDeliveryKey,
  RESTORED_KEY,
  receiverStateKey,
  SUPPRESSION_PREFIX,
  suppressionPartition,
} from '../../domain/keys.ts';
import type { Attempt, Delivery, DeliveryName, LoggedDelivery } from '../../domain/publishing/delivery.ts';
import type { PublishableRow, StatusRow, SuppressionRow } from '../../domain/publishing/published.ts';
import type { ReceiverState } from '../../domain/publishing/receiver-state.ts';
import type { PublishableRows, PublishedDeliveries, PublishedDelivery } from '../../publish/ports.ts';
import type { DeliveryHistory, DeliveryPlace } from '../../read-api/ports.ts';
import { batchGet, conditionalWrite, type Item, type LedgerTable, readPartition } from './ledger-table.ts';
import { statusFacts, storedSuppression } from './recipient-repository.ts';

/** Retention of the delivery log. */
interface DeliveryRetention {
  retentionDays: number;
}

const expiryOf = (sinceSeconds: number, { retentionDays }: DeliveryRetention) =>
  sinceSeconds + retentionDays * DAY_SECONDS;

const keyOf = ({ receiver, publishedAt, id }: DeliveryName) => deliveryKey(receiver, publishedAt, id);

/** Logs deliveries before they are published, one item per receiver; keeps items that are already logged. */
export function createPublishedDeliveryRepository(
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

/** Creates the delivery log for `deliver`. */
export function createDeliveryLog({ client, name }: LedgerTable, retention: DeliveryRetention): DeliveryLog {
  return {
    async read(delivery) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keyOf(delivery), ConsistentRead: true }),
      );
      return Item && deliveryOf(Item);
    },

    async write(delivery, { state, version, attempts, settledAt, nextAt }, event, responseText) {
      // A delivery whose attempts are forgotten between two of them would have no last one.
      const lastAt = Math.floor((attempts.at(-1)?.at ?? 0) / 1000);
      // A single write even if the event was never logged: a test or a redelivery may be older than the log.
      const set = {
        state,
        version,
        attempts,
        settledAt,
        nextAt,
        response: responseText,
        detailType: event.detailType,
        expiresAt: expiryOf(Math.max(delivery.publishedAt, lastAt), retention),
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
function loggedDelivery(item: Item): LoggedDelivery | undefined {
  const name = parseDeliveryKey(item as unknown as ItemKey);
  if (name === undefined) return undefined;
  const { detailType = '', detail = '{}', response } = item as Record<string, string | undefined>;
  return { ...deliveryOf(item), name, detailType, detail: JSON.parse(detail) as JsonObject, response };
}

/** Reads an item of the log. */
function deliveryOf(item: Item): Delivery {
  const { state, version, attempts = [], settledAt, nextAt } = item as unknown as Delivery & { attempts?: Attempt[] };
  return { state, version, attempts, settledAt, nextAt };
}

/** Creates the repository of receiver states; a state is replaced only if it is unchanged. */
export function createReceiverStateRepository({ client, name }: LedgerTable): ReceiverStates {
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

/** Removes undefined fields: the document client rejects nested ones and drops others. */
const withoutBlanks = (state: ReceiverState) =>
  Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined));

/** Hours without deliveries cost a query each. */
const MAX_QUERIES = 48;

/** Creates the delivery log for the read API: one query per hour, newest first. */
export function createDeliveryHistory({ client, name }: LedgerTable): DeliveryHistory {
  /** Reads at most `limit` deliveries of the hour in which the place is, or which ends with it. */
  async function readHour(receiver: string, hour: number, fromSeconds: number, limit: number, after: DeliveryPlace) {
    const { pk } = deliveryKey(receiver, hour, '');
    const before = deliveryKey(receiver, after.publishedAt, after.id).sk;
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: name,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :before',
        ExpressionAttributeValues: {
          ':pk': pk,
          ':from': deliveryKey(receiver, Math.max(hour, fromSeconds), '').sk,
          ':before': before,
        },
        ScanIndexForward: false,
        // One more for the position itself.
        Limit: limit + 1,
      }),
    );
    const deliveries = Items.filter(({ sk }) => sk !== before).flatMap((item) => loggedDelivery(item) ?? []);
    const isLast = LastEvaluatedKey === undefined && deliveries.length <= limit;
    return { deliveries: deliveries.slice(0, limit), isLast };
  }

  return {
    async newest(receiver, fromSeconds, limit, after) {
      const deliveries: LoggedDelivery[] = [];
      let place = after;
      for (let queries = 0; queries < MAX_QUERIES && deliveries.length < limit; queries += 1) {
        // With no id the place is before its second, so that at the start of an hour it belongs to the hour before.
        const hour = deliveryHour(place.id === '' ? place.publishedAt - 1 : place.publishedAt);
        const page = await readHour(receiver, hour, fromSeconds, limit - deliveries.length, place);
        deliveries.push(...page.deliveries);
        const last = page.deliveries.at(-1)?.name;
        place = page.isLast || last === undefined ? { publishedAt: hour, id: '' } : placeOf(last);
        if (place.id === '' && place.publishedAt <= fromSeconds) return { deliveries, next: undefined };
      }
      return { deliveries, next: place };
    },
  };
}

const placeOf = ({ publishedAt, id }: DeliveryPlace): DeliveryPlace => ({ publishedAt, id });

/** Notes when a restore begins: what is published later counts as later, whatever archive or backup lack. */
export function createRestoreNotes({ client, name }: LedgerTable) {
  return {
    /** Returns when the last restore began, in epoch milliseconds, read strongly; undefined if there was none. */
    async readBegin(): Promise<number | undefined> {
      const { Item } = await client.send(new GetCommand({ TableName: name, Key: RESTORED_KEY, ConsistentRead: true }));
      return Item?.beganAt as number | undefined;
    },

    /** Notes that a restore begins; a clock that is behind changes nothing. */
    async noteBegin(nowMs: number): Promise<void> {
      await conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...RESTORED_KEY, beganAt: nowMs },
            ConditionExpression: 'attribute_not_exists(pk) OR beganAt < :now',
            ExpressionAttributeValues: { ':now': nowMs },
          }),
        ),
      );
    },
  };
}

/** Reads the current statuses and suppressions, to publish them again. */
export function createPublishableRows(table: LedgerTable): PublishableRows {
  return {
    async statuses(keys) {
      const Keys = keys.map(({ partition, sort }) => ({ pk: partition, sk: sort }));
      const items = await batchGet(table, { Keys, ConsistentRead: true });
      return items.map(rowOf).filter(isStatus);
    },

    async suppressions(recipientKey) {
      const rows: SuppressionRow[] = [];
      for await (const item of readPartition(table, suppressionPartition(recipientKey))) {
        const row = rowOf(item);
        if (row?.type === 'suppression') rows.push(row);
      }
      return rows;
    },
  };
}

const isStatus = (row: PublishableRow | undefined): row is StatusRow => row?.type === 'status';

/** Returns an item as a row; undefined if it is neither a status nor a suppression. */
export function rowOf(item: Readonly<Item>): PublishableRow | undefined {
  const { pk, sk, order, recipient = '' } = item;
  const corrections = item.corrections as number | undefined;
  const place = { partition: pk as string, sort: sk as string };
  if (typeof order === 'string') {
    const { domain = null, ...facts } = statusFacts(item);
    return { type: 'status', ...place, order, corrections, ...facts, domain };
  }
  if (!place.partition?.startsWith(SUPPRESSION_PREFIX) || typeof item.since !== 'number') return undefined;
  return { type: 'suppression', ...place, recipient: recipient as string, ...storedSuppression(item) };
}

type Image = Readonly<Record<string, { S?: string; N?: string; NULL?: boolean; BOOL?: boolean } | undefined>>;

/** A record of the table's stream, as Lambda hands it over. */
export interface StreamRecord {
  dynamodb?:
    | {
        ApproximateCreationDateTime?: number | undefined;
        SequenceNumber?: string | undefined;
        OldImage?: object | undefined;
        NewImage?: object | undefined;
      }
    | undefined;
}

/** A change of a row; `before` is absent where the row is new. */
export interface RowChange {
  /** Place in the stream. */
  position: string;
  changedAtMs: number;
  before: PublishableRow | undefined;
  after: PublishableRow;
}

/** Returns the change in a stream record; undefined where it is about anything but a status or a suppression, or was restored. */
export function readChange({ dynamodb = {} }: StreamRecord): RowChange | undefined {
  const { ApproximateCreationDateTime = 0, SequenceNumber = '', OldImage, NewImage } = dynamodb;
  const after = NewImage && rowOf(plain(NewImage as Image));
  if (after === undefined || (NewImage as Image)[RESTORED_ATTRIBUTE]?.BOOL === true) return undefined;
  const before = OldImage && rowOf(plain(OldImage as Image));
  return { position: SequenceNumber, changedAtMs: ApproximateCreationDateTime * 1000, before, after };
}

/** Rows hold texts, numbers and nulls; what else an item may hold does not concern them. */
function plain(image: Image): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(image).map(([name, value]) => [name, value?.S ?? (value?.N === undefined ? null : Number(value.N))]),
  );
}
