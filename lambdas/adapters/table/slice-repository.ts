import { GetCommand, PutCommand, paginateQuery } from '@aws-sdk/lib-dynamodb';
import { asciiJson, canonicalJson } from '../../domain/canonical.ts';
import { sliceKey, timeKey } from '../../domain/keys.ts';
import type { Slice } from '../../domain/slice.ts';
import type { Slices } from '../../reconcile/ports.ts';
import { conditionalWrite, type LedgerTable } from './ledger-table.ts';

/** Slices as items `SLICE#<domain>` by their start; tags are JSON, since an attribute cannot be called "". */
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
            Item: { ...sliceKey(slice.domain, slice.start), ...slice, tags: asciiJson(slice.tags) },
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
  const { unconfirmedNames, tags, ...rest } = item;
  return {
    ...{ altered: {}, short: 0, accepted: 0, sends: 0, startedAt: null, finalAt: null },
    ...rest,
    unconfirmedNames: Array.isArray(unconfirmedNames) ? unconfirmedNames : [],
    tags: JSON.parse(tags as string),
  } as Slice;
}
