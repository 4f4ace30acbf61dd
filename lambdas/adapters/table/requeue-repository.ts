import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, paginateQuery, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { MAX_REQUEUES } from '../../contract.ts';
import {
  nameInRequeueSort,
  partPartition,
  partSort,
  requeuePartition,
  requeueSort,
  requeueSortRange,
} from '../../domain/keys.ts';
import type { DonePart, PartStore, Requeue, Requeues, SliceKey } from '../../domain/reconcile-ports.ts';
import type { LedgerTable } from './ledger-table.ts';

/** Longer than Mailgun keeps events, so what was sent is known as long as it can be listed. */
const KEPT_SECONDS = 60 * 86_400;

/** Sends of missing events as items `SENT#<domain>#<slice>` by minute and name; TTL removes them. */
export function createRequeuesTable({ client, name }: LedgerTable): Requeues {
  const keyOf = (slice: SliceKey, requeue: Pick<Requeue, 'atMs' | 'name'>) => ({
    pk: requeuePartition(slice.domain, slice.start),
    sk: requeueSort(requeue.atMs, requeue.name),
  });
  return {
    async list(slice, fromMs, toMs) {
      const [first, last] = requeueSortRange(fromMs, toMs);
      const pages = paginateQuery(
        { client },
        {
          TableName: name,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: {
            ':pk': requeuePartition(slice.domain, slice.start),
            ':from': first,
            ':to': last,
          },
        },
      );
      const found: Requeue[] = [];
      for await (const { Items = [] } of pages) {
        for (const { sk, at, type, sends, sentAt } of Items) {
          found.push({ name: nameInRequeueSort(sk), atMs: at, type, sends, sentAtMs: sentAt });
        }
      }
      return found.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    },

    async count(slice, requeue, runId) {
      try {
        await client.send(
          new UpdateCommand({
            TableName: name,
            Key: keyOf(slice, requeue),
            ConditionExpression: 'attribute_not_exists(sends) OR (sends < :max AND #run <> :run)',
            UpdateExpression:
              'SET sends = if_not_exists(sends, :zero) + :one, #run = :run, #at = :at, #type = :type, ' +
              'sentAt = :sentAt, expiresAt = :expiresAt',
            ExpressionAttributeNames: { '#run': 'run', '#at': 'at', '#type': 'type' },
            ExpressionAttributeValues: {
              ...{ ':max': MAX_REQUEUES, ':zero': 0, ':one': 1, ':run': runId },
              ...{ ':at': requeue.atMs, ':type': requeue.type, ':sentAt': requeue.sentAtMs },
              ':expiresAt': Math.floor(requeue.sentAtMs / 1000) + KEPT_SECONDS,
            },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // The SDK repeats a write whose reply was lost, and then finds its own.
        return error.Item?.run?.S === runId;
      }
    },

    async exhaust(slice, { name: event, atMs, type, sentAtMs }) {
      const about = { at: atMs, type, sentAt: sentAtMs, sends: MAX_REQUEUES };
      const expiresAt = Math.floor(sentAtMs / 1000) + KEPT_SECONDS;
      const Item = { ...keyOf(slice, { atMs, name: event }), ...about, expiresAt };
      await client.send(new PutCommand({ TableName: name, Item }));
    },
  };
}

/** Parts of slices that take more than one run, as items `PART#<domain>#<slice>` by pass and start; TTL removes them. */
export function createPartsTable({ client, name }: LedgerTable, now: () => number): PartStore {
  return {
    async done(slice, pass) {
      const pages = paginateQuery(
        { client },
        {
          TableName: name,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :pass)',
          ExpressionAttributeValues: { ':pk': partPartition(slice.domain, slice.start), ':pass': partSort(pass) },
        },
      );
      const found: DonePart[] = [];
      for await (const { Items = [] } of pages) {
        found.push(...Items.map(({ part }) => JSON.parse(part as string) as DonePart));
      }
      return found;
    },

    async put(slice, pass, part) {
      await client.send(
        new PutCommand({
          TableName: name,
          Item: {
            pk: partPartition(slice.domain, slice.start),
            sk: partSort(pass, part.from),
            part: JSON.stringify(part),
            expiresAt: Math.floor(now() / 1000) + KEPT_SECONDS,
          },
        }),
      );
    },
  };
}
