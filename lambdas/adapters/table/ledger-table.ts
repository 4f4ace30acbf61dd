import { setTimeout as sleep } from 'node:timers/promises';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  type BatchGetCommandInput,
  type BatchGetCommandOutput,
  DynamoDBDocumentClient,
  paginateQuery,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../contract.ts';
import type { DayShards } from '../../domain/events/day-shards.ts';
import { AWS_CLIENT_CONFIG, namesCalls } from '../../runtime/aws-client.ts';

/** The ledger's table: a document client bound to its name. */
export interface LedgerTable {
  client: DynamoDBDocumentClient;
  name: string;
  /** Shards of its day index; one each day where it is absent. */
  shards?: DayShards;
}

/** An item as the document client gives it. */
export type Item = Record<string, unknown>;

/** Returns a key as text, by which items that were read in no order are found again. */
export const itemName = ({ pk, sk }: { pk?: unknown; sk?: unknown }): string => JSON.stringify([pk, sk]);

export function openTable(name: string, shards: DayShards = []): LedgerTable {
  return { client: DynamoDBDocumentClient.from(namesCalls(new DynamoDBClient(AWS_CLIENT_CONFIG))), name, shards };
}

/** Runs a conditional write; returns false if its condition does not hold. */
export async function conditionalWrite(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Greater than every sort key that starts with the same prefix. */
const PAST_ALL = '\u{10ffff}';

/**
 * Returns up to `limit` items of a partition whose sort keys start with a prefix, behind a sort key, by one query. The
 * position is part of the key condition, so no position leads out of the partition and the prefix.
 */
export async function queryRange(
  { client, name }: LedgerTable,
  partition: string,
  prefix: string,
  limit: number,
  after = prefix,
): Promise<{ items: Item[]; hasMore: boolean }> {
  if (!after.startsWith(prefix)) throw new Error('a position outside its range');
  const { Items: items = [], LastEvaluatedKey } = await client.send(
    new QueryCommand({
      TableName: name,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :after AND :end',
      ExpressionAttributeValues: { ':pk': partition, ':after': after, ':end': prefix + PAST_ALL },
      // One more for the position itself, one more to see if others follow.
      Limit: limit + 2,
    }),
  );
  const found = items.filter(({ sk }) => sk !== after);
  if (found.length > limit || LastEvaluatedKey === undefined) {
    return { items: found.slice(0, limit), hasMore: found.length > limit };
  }
  // Cut at a megabyte, and a query does not know whether anything follows; its last item, put back, does.
  return { items: found.length > 1 ? found.slice(0, -1) : found, hasMore: true };
}

/** Sort keys from one to another, both included, or all that start with a prefix. */
type SortRange = { from: string; to: string } | { prefix: string };

/** Yields the items of a partition, or of a range of it, by their sort keys, read strongly, page by page. */
export async function* readPartition(
  { client, name }: LedgerTable,
  partition: string,
  range?: SortRange,
): AsyncGenerator<Item> {
  const pages = paginateQuery(
    { client },
    {
      TableName: name,
      ConsistentRead: true,
      ...keyCondition(partition, range),
    },
  );
  for await (const { Items = [] } of pages) yield* Items;
}

function keyCondition(partition: string, range: SortRange | undefined) {
  const values = { ':pk': partition };
  if (range === undefined) return { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: values };
  if ('prefix' in range) {
    return {
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ...values, ':prefix': range.prefix },
    };
  }
  return {
    KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
    ExpressionAttributeValues: { ...values, ':from': range.from, ':to': range.to },
  };
}

/** Most keys of one call. */
export const BATCH_KEYS = 100;

const FIRST_WAIT_MS = 50;
const MAX_ROUNDS = 8;

/** Keys, and what to read of the items under them. */
export type BatchRequest = NonNullable<BatchGetCommandInput['RequestItems']>[string];

/** Returns the items under any number of different keys, a hundred at a time, in no order. */
export async function batchGetAll(table: LedgerTable, { Keys = [], ...how }: BatchRequest): Promise<Item[]> {
  const found: Item[] = [];
  for (let from = 0; from < Keys.length; from += BATCH_KEYS) {
    found.push(...(await batchGet(table, { ...how, Keys: Keys.slice(from, from + BATCH_KEYS) })));
  }
  return found;
}

/** Returns the items under as many different keys as are worth reading side by side, in no order. */
export async function batchGetAtOnce(
  table: LedgerTable,
  keys: readonly { readonly pk: string; readonly sk: string }[],
  projection: Omit<BatchRequest, 'Keys'> = {},
): Promise<Item[]> {
  const chunks = Array.from({ length: Math.ceil(keys.length / BATCH_KEYS) }, (_, nth) =>
    keys.slice(nth * BATCH_KEYS, (nth + 1) * BATCH_KEYS),
  );
  return (await Promise.all(chunks.map((Keys) => batchGet(table, { Keys, ...projection })))).flat();
}

/** Returns the items for up to a hundred different keys, in no order; retries unprocessed keys. */
export async function batchGet(
  { client, name }: LedgerTable,
  request: BatchRequest,
  maxRounds = MAX_ROUNDS,
): Promise<Item[]> {
  const found: Item[] = [];
  let unread: BatchGetCommandInput['RequestItems'] = { [name]: request };
  if (request.Keys?.length === 0) return found;
  for (let round = 0; unread !== undefined; round += 1) {
    if (round === maxRounds) throw new Error('the table leaves keys unread');
    if (round > 0) await sleep(FIRST_WAIT_MS * 2 ** round);
    const reply: BatchGetCommandOutput = await client.send(new BatchGetCommand({ RequestItems: unread }));
    found.push(...(reply.Responses?.[name] ?? []));
    unread = reply.UnprocessedKeys?.[name] ? reply.UnprocessedKeys : undefined;
  }
  return found;
}

/** Position of an item in a partition of the index. Epoch milliseconds. */
interface IndexPlace {
  readonly pk: string;
  readonly sk: string;
  readonly atMs: number;
}

/** Reads the newest items of a partition of the index of recipients, both ends of the time included. */
export async function queryNewest(
  { client, name }: LedgerTable,
  partition: string,
  { fromMs, throughMs }: { fromMs: number; throughMs: number },
  limit: number,
  after: IndexPlace | undefined,
): Promise<{ items: IndexPlace[]; hasMore: boolean }> {
  const { byRecipient } = INDEXES;
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: name,
      IndexName: byRecipient.name,
      ScanIndexForward: false,
      Limit: limit + 1,
      KeyConditionExpression: '#partition = :partition AND #at BETWEEN :from AND :through',
      ExpressionAttributeNames: { '#partition': byRecipient.partitionKey, '#at': byRecipient.sortKey },
      ExpressionAttributeValues: { ':partition': partition, ':from': fromMs, ':through': throughMs },
      ExclusiveStartKey: after && {
        [byRecipient.partitionKey]: partition,
        [byRecipient.sortKey]: after.atMs,
        pk: after.pk,
        sk: after.sk,
      },
    }),
  );
  const items = Items.slice(0, limit).map(
    ({ pk, sk, [byRecipient.sortKey]: atMs }) => ({ pk, sk, atMs }) as IndexPlace,
  );
  return { items, hasMore: Items.length > limit };
}
