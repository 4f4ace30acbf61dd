import { suppressionPartition } from '../../domain/keys.ts';
import type { StoredSuppression } from '../../domain/suppression.ts';
import type { Suppressions } from '../../read-api/ports.ts';
import { type Item, type LedgerTable, readPartition } from './ledger-table.ts';

/** Reads the suppressions of a recipient, which are one partition: one read, unless it holds over a megabyte. */
export function createSuppressionRepository(table: LedgerTable): Suppressions {
  return {
    // Strongly: it may have been lifted, or come about, a moment ago.
    async list(recipientKey) {
      const found: StoredSuppression[] = [];
      for await (const item of readPartition(table, suppressionPartition(recipientKey)))
        found.push(storedSuppression(item));
      return found;
    },
  };
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
  } = item as unknown as SuppressionItem;
  const { domain, kind, scope, eventKey } = rest;
  const times = { sinceMs: since, lastAtMs: lastAt, liftedAtMs: liftedAt ?? null };
  return { domain, kind, scope, reason, source, eventKey, ...times };
}

interface SuppressionItem extends Pick<StoredSuppression, 'domain' | 'kind' | 'scope' | 'eventKey'> {
  readonly reason?: string | null;
  readonly source?: StoredSuppression['source'];
  readonly since: number;
  readonly lastAt?: number;
  readonly liftedAt?: number | null;
}
