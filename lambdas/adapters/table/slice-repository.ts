import { DeleteCommand, GetCommand, PutCommand, paginateQuery, paginateScan } from '@aws-sdk/lib-dynamodb';
import { DAY_SECONDS } from '../../contract.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { asciiJson } from '../../domain/json.ts';
import {
  chainHeadKey,
  domainOfChainHead,
  givenUpChainKey,
  type ItemKey,
  isOfChain,
  sealMarkKey,
  sealPositionKey,
  sliceKey,
  timeKey,
  witnessKey,
  witnessStateKey,
} from '../../domain/keys.ts';
import { emptyDimensions } from '../../domain/ledger/dimensions.ts';
import type { Slice } from '../../domain/ledger/slice.ts';
import { WITNESS_KEPT_SECONDS, type WitnessHour } from '../../domain/ledger/witness.ts';
import type { ComparedSlice, ListedSlice, SliceFactsReader, SliceReader, WitnessReader } from '../../read-api/ports.ts';
import type { Slices, WitnessRepository, WitnessState } from '../../reconcile/ports.ts';
import type { ChainHead, SealMark, SealState } from '../../seal/ports.ts';
import {
  batchGetAtOnce,
  conditionalWrite,
  type Item,
  itemName,
  type LedgerTable,
  readPartition,
} from './ledger-table.ts';

/** Slices as items `SLICE#<domain>` by their start; tags and dimensions are JSON, since an attribute cannot be called "". */
export function createSliceRepository(table: LedgerTable): Slices {
  const { client, name } = table;
  return {
    async read(domain, start) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: sliceKey(domain, start), ConsistentRead: true }),
      );
      return Item && sliceOf(Item);
    },

    async *list(domain, from, to) {
      for await (const item of sliceItems(table, domain, from, to)) yield sliceOf(item);
    },

    async write(slice, previous) {
      const isWritten = await conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: {
              ...sliceKey(slice.domain, slice.start),
              ...slice,
              tags: asciiJson(slice.tags),
              dimensions: asciiJson(slice.dimensions),
            },
            ConditionExpression: previous ? '#version = :version' : 'attribute_not_exists(pk)',
            ...(previous && {
              ExpressionAttributeNames: { '#version': 'version' },
              ExpressionAttributeValues: { ':version': previous.version },
            }),
          }),
        ),
      );
      if (isWritten) return true;
      // The SDK repeats a write whose reply was lost, and then finds its own.
      const held = await this.read(slice.domain, slice.start);
      return held !== undefined && canonicalJson(held) === canonicalJson(slice);
    },
  };
}

async function* sliceItems(
  { client, name }: LedgerTable,
  domain: string,
  from: number,
  to: number,
  projection: Projection = {},
): AsyncGenerator<Item> {
  if (from >= to) return;
  const pages = paginateQuery(
    { client },
    {
      TableName: name,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: { ':pk': sliceKey(domain, 0).pk, ':from': timeKey(from), ':to': timeKey(to - 1) },
      ...projection,
    },
  );
  for await (const { Items = [] } of pages) yield* Items;
}

/** What is read of an item. */
interface Projection {
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
}

const projectionOf = (fields: readonly string[]): Projection => ({
  ProjectionExpression: fields.map((field) => `#${field}`).join(', '),
  ExpressionAttributeNames: Object.fromEntries(fields.map((field) => [`#${field}`, field])),
});

const LISTED_FIELDS: Readonly<Record<keyof ListedSlice, true>> = {
  domain: true,
  start: true,
  end: true,
  expected: true,
  stored: true,
  missing: true,
  recovered: true,
  polled: true,
  late: true,
  lost: true,
  unconfirmed: true,
  altered: true,
  stuck: true,
  short: true,
  accepted: true,
  unlisted: true,
  passes: true,
  startedAt: true,
  passedAt: true,
  finalAt: true,
  isJudgedEarly: true,
};

/**
 * Reads slices for reports, without the rows and names that these do not need: a slice may hold 400 KB. What is left out
 * is neither sent nor parsed, but costs and takes DynamoDB a read all the same.
 */
export function createSliceReader(table: LedgerTable): SliceReader {
  return {
    async *list(domain, from, to, rows) {
      const projection = projectionOf([...Object.keys(LISTED_FIELDS), ...rows]);
      for await (const item of sliceItems(table, domain, from, to, projection)) yield sliceOf(item);
    },
  };
}

/** Reads what slices say of their comparison: one read for each hundred, without their statistics. */
export function createSliceFactsReader(table: LedgerTable): SliceFactsReader {
  return {
    async facts(places) {
      const keys = places.map(({ domain, start }) => sliceKey(domain, start));
      const found = await batchGetAtOnce(table, keys, projectionOf(['pk', 'sk', ...Object.keys(COMPARED_FIELDS)]));
      const byName = new Map(found.map(({ pk, sk, ...slice }) => [itemName({ pk, sk }), slice]));
      return keys.map(({ pk, sk }) => {
        const slice = byName.get(itemName({ pk, sk }));
        return slice && ({ altered: {}, startedAt: null, finalAt: null, ...slice } as ComparedSlice);
      });
    },
  };
}

const COMPARED_FIELDS: Readonly<Record<keyof ComparedSlice, true>> = {
  start: true,
  end: true,
  startedAt: true,
  passedAt: true,
  unlisted: true,
  unconfirmed: true,
  altered: true,
  finalAt: true,
  isJudgedEarly: true,
};

/** Reads a slice; what an earlier version did not count is zero. Rows may be left out. */
function sliceOf({ pk: _pk, sk: _sk, ...item }: Record<string, unknown>): Slice {
  const { unconfirmedNames, tags, dimensions, ...rest } = item;
  return {
    altered: {},
    short: 0,
    accepted: 0,
    sends: 0,
    startedAt: null,
    finalAt: null,
    ...rest,
    unconfirmedNames: Array.isArray(unconfirmedNames) ? unconfirmedNames : [],
    ...(tags !== undefined && { tags: JSON.parse(tags as string) }),
    dimensions: { ...emptyDimensions(), ...(dimensions !== undefined && JSON.parse(dimensions as string)) },
  } as Slice;
}

/** Stores Mailgun's own counts as items `WITNESS#<domain>` by hour; TTL removes them once they are no longer needed. */
export function createWitnessRepository(table: LedgerTable): WitnessRepository {
  const { client, name } = table;
  return {
    async readState(domain) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: witnessStateKey(domain), ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      // States of before have no failed webhooks.
      const { since, until, calledAt, calls, failedWebhooks = 0 } = Item as unknown as WitnessState;
      return { since, until, calledAt, calls, failedWebhooks };
    },

    async moveState(domain, moved, previous) {
      return conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...witnessStateKey(domain), ...moved },
            ConditionExpression: previous ? 'calledAt = :calledAt AND calls = :calls' : 'attribute_not_exists(pk)',
            ...(previous && {
              ExpressionAttributeValues: { ':calledAt': previous.calledAt, ':calls': previous.calls },
            }),
          }),
        ),
      );
    },

    async hours(domain, from, to) {
      const found: WitnessHour[] = [];
      if (from >= to) return found;
      const range = { from: timeKey(from), to: timeKey(to - 1) };
      for await (const item of readPartition(table, witnessKey(domain, 0).pk, range)) {
        const { start, counts, failedWebhooks } = item as unknown as WitnessHour;
        found.push({ start, counts, failedWebhooks });
      }
      return found;
    },

    async put(domain, hour) {
      const expiresAt = hour.start + WITNESS_KEPT_SECONDS + DAY_SECONDS;
      const Item = { ...witnessKey(domain, hour.start), ...hour, expiresAt };
      await client.send(new PutCommand({ TableName: name, Item }));
    },
  };
}

/** Reads Mailgun's own counts for those that compare. */
export function createWitnessReader(table: LedgerTable): WitnessReader {
  const store = createWitnessRepository(table);
  return {
    async read(domain, from, to) {
      const [state, hours] = await Promise.all([store.readState(domain), store.hours(domain, from, to)]);
      return state && { since: state.since, until: state.until, hours };
    },
  };
}

/** Reads and writes the items `SEAL#<domain>`: what the table knows of the archive. */
export function createSealStateRepository({ client, name }: LedgerTable): SealState {
  const read = async (Key: ItemKey) => {
    const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
    if (Item === undefined) return undefined;
    const { pk: _pk, sk: _sk, ...rest } = Item;
    return rest;
  };
  /** Puts an item unless the stored one belongs to a later manifest. */
  const putUnlessLater = (Key: ItemKey, item: ChainHead | SealMark) =>
    conditionalWrite(() =>
      client.send(
        new PutCommand({
          TableName: name,
          Item: { ...Key, ...item },
          ConditionExpression: 'attribute_not_exists(pk) OR #sequence <= :sequence',
          ExpressionAttributeNames: { '#sequence': 'sequence' },
          ExpressionAttributeValues: { ':sequence': item.sequence },
        }),
      ),
    );
  return {
    readHead: async (domain) => (await read(chainHeadKey(domain))) as ChainHead | undefined,
    readMark: async (domain, start) => (await read(sealMarkKey(domain, start))) as SealMark | undefined,

    async moveHead(domain, head) {
      await putUnlessLater(chainHeadKey(domain), head);
    },

    async putMark(domain, mark) {
      await putUnlessLater(sealMarkKey(domain, mark.start), mark);
    },

    async *listMarks(domain, from, to) {
      if (from >= to) return;
      const range = { ':pk': sealMarkKey(domain, 0).pk, ':from': timeKey(from), ':to': timeKey(to - 1) };
      const pages = paginateQuery(
        { client },
        {
          TableName: name,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: range,
        },
      );
      for await (const { Items = [] } of pages) yield* Items as unknown as SealMark[];
    },

    async readPosition(domain) {
      return (await read(sealPositionKey(domain)))?.position as number | undefined;
    },

    async putPosition(domain, position) {
      await client.send(new PutCommand({ TableName: name, Item: { ...sealPositionKey(domain), position } }));
    },
  };
}

/** Returns the heads of all chains, also of domains that the stack no longer names; reads the whole table. */
export async function readChainHeads({ client, name }: LedgerTable): Promise<Map<string, ChainHead>> {
  const heads = new Map<string, ChainHead>();
  const { sk } = chainHeadKey('');
  const filter = { FilterExpression: 'sk = :sk', ExpressionAttributeValues: { ':sk': sk } };
  for await (const { Items = [] } of paginateScan({ client }, { TableName: name, ConsistentRead: true, ...filter })) {
    for (const item of Items) {
      const domain = domainOfChainHead(item as unknown as ItemKey);
      if (domain !== undefined) heads.set(domain, { sequence: item.sequence as number, hash: item.hash as string });
    }
  }
  return heads;
}

/**
 * Forgets a domain's chain, and keeps its head with the reason. The head goes last, so that a call that was cut short is
 * repeated; one that moved meanwhile stays.
 */
export async function giveUpChain(
  table: LedgerTable,
  domain: string,
  { sequence, hash }: ChainHead,
  about: { reason: string; givenUpAt: number },
): Promise<void> {
  const { client, name } = table;
  const Item = { ...givenUpChainKey(domain, sequence), sequence, hash, ...about };
  await client.send(new PutCommand({ TableName: name, Item }));
  const head = chainHeadKey(domain);
  for await (const { pk, sk } of readPartition(table, head.pk)) {
    const Key = { pk, sk } as ItemKey;
    if (isOfChain(Key)) await client.send(new DeleteCommand({ TableName: name, Key }));
  }
  await conditionalWrite(() =>
    client.send(
      new DeleteCommand({
        TableName: name,
        Key: head,
        ConditionExpression: '#hash = :hash',
        ExpressionAttributeNames: { '#hash': 'hash' },
        ExpressionAttributeValues: { ':hash': hash },
      }),
    ),
  );
}
