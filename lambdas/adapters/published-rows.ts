import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchGetCommand,
  type BatchGetCommandInput,
  type BatchGetCommandOutput,
  paginateQuery,
} from '@aws-sdk/lib-dynamodb';
import type { PublishableRows } from '../domain/publish-ports.ts';
import type { Row, StatusRow, SuppressionRow } from '../domain/published.ts';
import type { LedgerTable } from './table-client.ts';

const SUPPRESSIONS = 'SUP#';
const FIRST_WAIT_MS = 50;
const MOST_ROUNDS = 8;

/** Reads statuses and suppressions as they stand, to publish them once more. */
export function createPublishableRowsTable({ client, name }: LedgerTable): PublishableRows {
  return {
    async statuses(keys) {
      const rows: StatusRow[] = [];
      const Keys = keys.map(({ partition, sort }) => ({ pk: partition, sk: sort }));
      let asked: BatchGetCommandInput['RequestItems'] = { [name]: { Keys, ConsistentRead: true } };
      if (keys.length === 0) return rows;
      for (let round = 0; asked !== undefined; round += 1) {
        if (round === MOST_ROUNDS) throw new Error('the table leaves keys unread');
        if (round > 0) await sleep(FIRST_WAIT_MS * 2 ** round);
        const answer: BatchGetCommandOutput = await client.send(new BatchGetCommand({ RequestItems: asked }));
        for (const item of answer.Responses?.[name] ?? []) {
          const row = rowOf(item);
          if (row?.type === 'status') rows.push(row);
        }
        asked = answer.UnprocessedKeys?.[name] ? answer.UnprocessedKeys : undefined;
      }
      return rows;
    },

    async suppressions(recipientKey) {
      const rows: SuppressionRow[] = [];
      const pages = paginateQuery(
        { client },
        {
          TableName: name,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': SUPPRESSIONS + recipientKey },
        },
      );
      for await (const { Items = [] } of pages) {
        for (const item of Items) {
          const row = rowOf(item);
          if (row?.type === 'suppression') rows.push(row);
        }
      }
      return rows;
    },
  };
}

/** An item as a row; undefined where it is neither a status nor a suppression. */
export function rowOf(item: Readonly<Record<string, unknown>>): Row | undefined {
  const { pk, sk, recipient = '', reason = null, domain = null } = item;
  const common = {
    partition: pk as string,
    sort: sk as string,
    recipient: recipient as string,
    reason: reason as string,
  };
  if (typeof item.order === 'string') {
    const { order, status = null, statusAt, decidedBy } = item as unknown as StatusRow & { statusAt: number };
    return { type: 'status', ...common, domain: domain as string, order, status, statusAtMs: statusAt, decidedBy };
  }
  if (!common.partition?.startsWith(SUPPRESSIONS) || typeof item.since !== 'number') return undefined;
  const {
    kind,
    scope,
    since,
    lastAt = since,
    eventKey,
    liftedAt = null,
  } = item as unknown as SuppressionRow & SuppressionTimes;
  const times = { sinceMs: since, lastAtMs: lastAt, liftedAtMs: liftedAt };
  return { type: 'suppression', ...common, domain: domain as string, kind, scope, eventKey, ...times };
}

interface SuppressionTimes {
  since: number;
  lastAt?: number;
  liftedAt?: number | null;
}
