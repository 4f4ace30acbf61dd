import { suppressionIndexKey, suppressionPartition } from '../../../domain/keys.ts';
import type { StoredSuppression } from '../../../domain/status/suppression.ts';
import type { SuppressionList, Suppressions } from '../../../read-api/ports.ts';
import { batchGetAll, type Item, type LedgerTable, readPartition } from '../ledger-table.ts';
import { recipientKeys } from './older-spellings.ts';
import { queryNewest } from './recipient-index.ts';

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

/**
 * Lists suppressions by the index of recipients, since a scan reads every event; reads the items strongly. The index keys
 * are written once, and `since` of an item is never later than its place in the index, so a query misses none.
 */
export function createSuppressionList(table: LedgerTable): SuppressionList {
  return {
    async newest(domain, kind, sinceMs, limit, after) {
      const partition = suppressionIndexKey(domain, kind);
      const place = after && { pk: after.partition, sk: after.sort, atMs: after.atMs };
      const time = { fromMs: sinceMs, throughMs: Number.MAX_SAFE_INTEGER };
      const { items: listed, hasMore } = await queryNewest(table, partition, time, limit, place);
      const Keys = listed.map(({ pk, sk }) => ({ pk, sk }));
      const items = await batchGetAll(table, { Keys, ConsistentRead: true });
      const byName = new Map(items.map((item) => [nameOf(item), suppressionItem(item)]));
      const found = listed.map((item) => ({
        place: { partition: item.pk, sort: item.sk, atMs: item.atMs },
        suppression: byName.get(nameOf(item)),
      }));
      return { found, hasMore };
    },
  };
}

const nameOf = ({ pk, sk }: { pk?: unknown; sk?: unknown }) => `${pk} ${sk}`;

/** A suppression as its item holds it. Older items do not note their latest event. */
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
