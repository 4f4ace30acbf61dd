import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../contract.ts';
import { suppressionIndexKey, suppressionPartition } from '../../domain/keys.ts';
import type { StoredSuppression } from '../../domain/status/suppression.ts';
import type { SuppressionList, Suppressions } from '../../read-api/ports.ts';
import { batchGetAll, type Item, type LedgerTable, readPartition } from './ledger-table.ts';
import { recipientKeys } from './older-spellings.ts';

/** Reads the suppressions of a recipient, whatever the spelling of the address. */
export function createSuppressionRepository(table: LedgerTable): Suppressions {
  return {
    async list(recipient) {
      const found: StoredSuppression[] = [];
      for await (const item of readSuppressionItems(table, recipient)) found.push(storedSuppression(item));
      return found;
    },
  };
}

/**
 * Yields the items of a recipient's suppressions, which are one partition: one read, unless it holds over a megabyte,
 * or an older version may have stored it under another spelling. Read strongly: one may have been lifted a moment ago.
 */
export async function* readSuppressionItems(table: LedgerTable, recipient: string): AsyncGenerator<Item> {
  for (const key of recipientKeys(recipient)) {
    yield* readPartition(table, suppressionPartition(key));
  }
}

/** Lists suppressions by the index, which holds what was stored since it has them; reads the items strongly. */
export function createSuppressionList(table: LedgerTable): SuppressionList {
  const { byRecipient } = INDEXES;
  return {
    async newest(domain, kind, sinceMs, limit, after) {
      const partition = suppressionIndexKey(domain, kind);
      const { Items = [] } = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          IndexName: byRecipient.name,
          ScanIndexForward: false,
          Limit: limit + 1,
          KeyConditionExpression: '#list = :list AND #at >= :since',
          ExpressionAttributeNames: { '#list': byRecipient.partitionKey, '#at': byRecipient.sortKey },
          ExpressionAttributeValues: { ':list': partition, ':since': sinceMs },
          ExclusiveStartKey: after && {
            [byRecipient.partitionKey]: partition,
            [byRecipient.sortKey]: after.atMs,
            pk: after.partition,
            sk: after.sort,
          },
        }),
      );
      const listed = Items.slice(0, limit);
      const Keys = listed.map(({ pk, sk }) => ({ pk, sk }));
      const items = await batchGetAll(table, { Keys, ConsistentRead: true });
      const byName = new Map(items.map((item) => [nameOf(item), suppressionItem(item)]));
      const found = listed.map((item) => ({
        place: { partition: item.pk as string, sort: item.sk as string, atMs: item[byRecipient.sortKey] as number },
        suppression: byName.get(nameOf(item)),
      }));
      return { found, hasMore: Items.length > limit };
    },
  };
}

const nameOf = ({ pk, sk }: Item) => `${pk} ${sk}`;

/** What an item says of a suppression. Older items do not note their latest event. */
export function storedSuppression(item: Item): StoredSuppression {
  const {
    since,
    lastAt = since,
    liftedAt,
    reason = null,
    source = 'event',
    ...rest
  } = item as unknown as SuppressionAttributes;
  const { domain, kind, scope, eventKey } = rest;
  const times = { sinceMs: since, lastAtMs: lastAt, liftedAtMs: liftedAt ?? null };
  return { domain, kind, scope, reason, source, eventKey, ...times };
}

/** A suppression with its key and its recipient. */
export interface SuppressionItem extends StoredSuppression {
  readonly pk: string;
  readonly sk: string;
  readonly recipient: string;
}

/** Returns what an item says of a suppression, with its key and its recipient. */
export function suppressionItem(item: Item): SuppressionItem {
  const { pk, sk, recipient } = item as unknown as SuppressionItem;
  return { pk, sk, recipient, ...storedSuppression(item) };
}

interface SuppressionAttributes extends Pick<StoredSuppression, 'domain' | 'kind' | 'scope' | 'eventKey'> {
  readonly reason?: string | null;
  readonly source?: StoredSuppression['source'];
  readonly since: number;
  readonly lastAt?: number;
  readonly liftedAt?: number | null;
}
