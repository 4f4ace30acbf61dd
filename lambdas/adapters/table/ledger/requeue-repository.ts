import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { MAX_REQUEUES } from '../../../contract.ts';
import { nameInRequeueSort, requeuePartition, requeueSort, requeueSortRange } from '../../../domain/keys.ts';
import type { Requeue, Requeues, SliceKey } from '../../../reconcile/ports.ts';
import { type LedgerTable, readPartition } from '../ledger-table.ts';

/** Longer than Mailgun keeps events, so what was sent is known as long as it can be listed. */
export const REQUEUES_KEPT_SECONDS = 60 * 86_400;

/** The sends of a missing event as stored; times in epoch milliseconds. */
interface RequeueItem {
  sk: string;
  at: number;
  type: string;
  sends: number;
  sentAt: number;
}

/** Sends of missing events as items `SENT#<domain>#<slice>` by minute and name; TTL removes them. */
export function createRequeuesTable(table: LedgerTable): Requeues {
  const { client, name } = table;
  const keyOf = (slice: SliceKey, requeue: Pick<Requeue, 'atMs' | 'name'>) => ({
    pk: requeuePartition(slice.domain, slice.start),
    sk: requeueSort(requeue.atMs, requeue.name),
  });
  return {
    async list(slice, fromMs, toMs) {
      const [from, to] = requeueSortRange(fromMs, toMs);
      const found: Requeue[] = [];
      for await (const item of readPartition(table, requeuePartition(slice.domain, slice.start), { from, to })) {
        const { sk, at, type, sends, sentAt } = item as unknown as RequeueItem;
        found.push({ name: nameInRequeueSort(sk), atMs: at, type, sends, sentAtMs: sentAt });
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
              ':expiresAt': Math.floor(requeue.sentAtMs / 1000) + REQUEUES_KEPT_SECONDS,
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
      const expiresAt = Math.floor(sentAtMs / 1000) + REQUEUES_KEPT_SECONDS;
      const Item = { ...keyOf(slice, { atMs, name: event }), ...about, expiresAt };
      await client.send(new PutCommand({ TableName: name, Item }));
    },
  };
}
