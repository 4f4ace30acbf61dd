import { recipientKey, suppressionPartition } from '../../domain/keys.ts';
import type { StoredSuppression } from '../../domain/status/suppression.ts';
import type { Suppressions } from '../../read-api/ports.ts';
import { type Item, type LedgerTable, readPartition } from './ledger-table.ts';
import { olderRecipientKeys } from './older-spellings.ts';

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
  for (const key of [recipientKey(recipient), ...olderRecipientKeys(recipient)]) {
    yield* readPartition(table, suppressionPartition(key));
  }
}

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
