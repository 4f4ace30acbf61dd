import { GetCommand, PutCommand, paginateQuery } from '@aws-sdk/lib-dynamodb';
import { asciiJson, canonicalJson } from '../../../domain/canonical.ts';
import { partPartition, partSort, sliceKey, timeKey } from '../../../domain/keys.ts';
import { boundedPart, emptyDimensions } from '../../../domain/ledger/dimensions.ts';
import type { Slice } from '../../../domain/ledger/slice.ts';
import type { DonePart, PartStore, Slices } from '../../../reconcile/ports.ts';
import { conditionalWrite, type LedgerTable, readPartition } from '../ledger-table.ts';
import { REQUEUES_KEPT_SECONDS } from './requeue-repository.ts';

/** Slices as items `SLICE#<domain>` by their start; tags and dimensions are JSON, since an attribute cannot be called "". */
export function createSlicesTable({ client, name }: LedgerTable): Slices {
  return {
    async read(domain, start) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: sliceKey(domain, start), ConsistentRead: true }),
      );
      return Item && sliceOf(Item);
    },

    async *list(domain, from, to) {
      if (from >= to) return;
      const pages = paginateQuery(
        { client },
        {
          TableName: name,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: { ':pk': sliceKey(domain, 0).pk, ':from': timeKey(from), ':to': timeKey(to - 1) },
        },
      );
      for await (const { Items = [] } of pages) yield* Items.map(sliceOf);
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

/** Reads a slice; what an earlier version did not count is zero. */
function sliceOf({ pk: _pk, sk: _sk, ...item }: Record<string, unknown>): Slice {
  const { unconfirmedNames, tags, dimensions, ...rest } = item;
  return {
    ...{ altered: {}, short: 0, accepted: 0, sends: 0, startedAt: null, finalAt: null },
    ...rest,
    unconfirmedNames: Array.isArray(unconfirmedNames) ? unconfirmedNames : [],
    tags: JSON.parse(tags as string),
    dimensions: { ...emptyDimensions(), ...(dimensions !== undefined && JSON.parse(dimensions as string)) },
  } as Slice;
}

/** Parts of slices that take more than one run, as items `PART#<domain>#<slice>` by pass and start; TTL removes them. */
export function createPartsTable(table: LedgerTable, now: () => number): PartStore {
  const { client, name } = table;
  return {
    async done(slice, pass) {
      const found: DonePart[] = [];
      const range = { prefix: partSort(pass) };
      for await (const { part } of readPartition(table, partPartition(slice.domain, slice.start), range)) {
        found.push(JSON.parse(part as string) as DonePart);
      }
      return found;
    },

    async put(slice, pass, part) {
      const tally = { ...part.tally, dimensions: boundedPart(part.tally.dimensions) };
      await client.send(
        new PutCommand({
          TableName: name,
          Item: {
            pk: partPartition(slice.domain, slice.start),
            sk: partSort(pass, part.from),
            part: JSON.stringify({ ...part, tally }),
            expiresAt: Math.floor(now() / 1000) + REQUEUES_KEPT_SECONDS,
          },
        }),
      );
    },
  };
}
