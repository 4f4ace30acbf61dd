import { GetCommand, PutCommand, paginateQuery, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { asciiJson } from '../../domain/canonical.ts';
import { keyPart } from '../../domain/keys.ts';
import type { Slices } from '../../domain/reconcile-ports.ts';
import type { Slice } from '../../domain/slice.ts';
import type { LedgerTable } from './ledger-table.ts';
import { conditionalWrite } from './ledger-table.ts';

/** Slices as items `SLICE#<domain>` by their start; tags are JSON, since an attribute cannot be called "". */
export function createSlicesTable({ client, name }: LedgerTable): Slices {
  const key = (domain: string, start: number) => ({ pk: `SLICE#${keyPart(domain)}`, sk: timeKey(start) });
  return {
    async read(domain, start) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: key(domain, start), ConsistentRead: true }),
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
          ExpressionAttributeValues: { ':pk': key(domain, 0).pk, ':from': timeKey(from), ':to': timeKey(to - 1) },
        },
      );
      for await (const { Items = [] } of pages) yield* Items.map(sliceOf);
    },

    async write(slice, previous) {
      return conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...key(slice.domain, slice.start), ...slice, tags: asciiJson(slice.tags) },
            ConditionExpression: previous ? '#version = :version' : 'attribute_not_exists(pk)',
            ...(previous && {
              ExpressionAttributeNames: { '#version': 'version' },
              ExpressionAttributeValues: { ':version': previous.version },
            }),
          }),
        ),
      );
    },

    async countPass({ domain, start, version }, passedAt) {
      return conditionalWrite(() =>
        client.send(
          new UpdateCommand({
            TableName: name,
            Key: key(domain, start),
            ConditionExpression: '#version = :version',
            UpdateExpression: 'SET passes = passes + :one, passedAt = :passedAt',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':version': version, ':one': 1, ':passedAt': passedAt },
          }),
        ),
      );
    },
  };
}

/** A time as a key that sorts. */
export function timeKey(epochSeconds: number): string {
  return String(epochSeconds).padStart(12, '0');
}

function sliceOf({ pk: _pk, sk: _sk, ...item }: Record<string, unknown>): Slice {
  return { ...item, tags: JSON.parse(item.tags as string) } as Slice;
}
