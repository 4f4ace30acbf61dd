import type { StoredSuppression } from '../domain/suppression.ts';
import type { Item } from './stored-items.ts';

/** What an item says of a suppression. Older items do not note their latest event. */
export function storedSuppression(item: Item): StoredSuppression {
  const { domain, kind, scope, reason, since, lastAt = since, eventKey, liftedAt } = item as unknown as SuppressionItem;
  const times = { sinceMs: since, lastAtMs: lastAt, liftedAtMs: liftedAt ?? null };
  return { domain, kind, scope, reason: reason ?? null, eventKey, ...times };
}

interface SuppressionItem extends Pick<StoredSuppression, 'domain' | 'kind' | 'scope' | 'eventKey'> {
  readonly reason?: string | null;
  readonly since: number;
  readonly lastAt?: number;
  readonly liftedAt?: number | null;
}
