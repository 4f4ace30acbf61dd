import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../lambdas/contract.ts';
import { dayPartitions } from '../lambdas/domain/day-index.ts';
import { parseDayIndexKey } from '../lambdas/domain/keys.ts';
import { tableOf } from './ledger.ts';
import type { Deployment } from './target/types.ts';

export interface LastEvent {
  readonly type: string;
  /** Epoch milliseconds at which it happened. */
  readonly atMs: number;
}

const DAY_MS = 86_400_000;
/** An older one says nothing on whether webhooks come. */
export const LOOKBACK_DAYS = 2;

/** The newest stored event of a domain: one index read a type and day, without the events themselves. */
export async function readLastEvent(
  deployment: Deployment,
  domain: string,
  nowMs: number,
): Promise<LastEvent | undefined> {
  const days = dayPartitions(domain, nowMs - LOOKBACK_DAYS * DAY_MS, nowMs).reverse();
  for (const partitions of days) {
    const found = await Promise.all(partitions.map((partition) => readNewest(deployment, partition, nowMs)));
    const events = found.filter((event) => event !== undefined);
    if (events.length > 0) return events.reduce((newest, event) => (event.atMs > newest.atMs ? event : newest));
  }
  return undefined;
}

async function readNewest(deployment: Deployment, partition: string, nowMs: number): Promise<LastEvent | undefined> {
  const { byDay } = INDEXES;
  const { client, name } = tableOf(deployment);
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: name,
      IndexName: byDay.name,
      KeyConditionExpression: '#day = :day AND #at <= :now',
      ExpressionAttributeNames: { '#day': byDay.partitionKey, '#at': byDay.sortKey },
      ExpressionAttributeValues: { ':day': partition, ':now': nowMs },
      ScanIndexForward: false,
      Limit: 1,
    }),
  );
  const [item] = Items;
  return item && { type: parseDayIndexKey(partition).type, atMs: item[byDay.sortKey] as number };
}
