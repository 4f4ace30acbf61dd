import type { ListedSuppressionEntry } from '../../../api/responses/suppressions.ts';
import { UNKNOWN_DOMAIN } from '../../contract.ts';
import { SUPPRESSION_KINDS, type SuppressionKind } from '../../domain/event-types.ts';
import { SUPPRESSION_PREFIX } from '../../domain/keys.ts';
import { isSuppressing } from '../../domain/status/suppression.ts';
import { isKeyText, isTime } from '../http/cursor.ts';
import type { SuppressionList, SuppressionPlace } from '../ports.ts';
import { suppressionEntry } from './suppressions.ts';

interface SuppressionListQuery {
  domain: string;
  /** Every kind, where it is not given. */
  kind?: SuppressionKind | undefined;
  /** Epoch milliseconds; only suppressions since then. */
  sinceMs: number;
  limit: number;
  position?: SuppressionListPosition | undefined;
}

/** Start of a page: one of the query's lists, and a position in it. */
export interface SuppressionListPosition {
  list: number;
  after?: SuppressionPlace;
}

/** A suppression without a domain holds for every domain, so it is on the list of each. */
function listsOf({ domain, kind }: Pick<SuppressionListQuery, 'domain' | 'kind'>) {
  const domains = domain === UNKNOWN_DOMAIN ? [domain] : [domain, UNKNOWN_DOMAIN];
  const kinds = kind === undefined ? SUPPRESSION_KINDS : [kind];
  return kinds.flatMap((each) => domains.map((name) => ({ domain: name, kind: each })));
}

export function isSuppressionListPosition(
  value: unknown,
  query: Pick<SuppressionListQuery, 'domain' | 'kind' | 'sinceMs'>,
): value is SuppressionListPosition {
  const { list, after } = (value ?? {}) as Partial<SuppressionListPosition>;
  if (!Number.isSafeInteger(list) || listsOf(query)[list as number] === undefined) return false;
  if (after === undefined) return true;
  const { partition, sort, atMs } = after ?? {};
  return (
    isTime(atMs) &&
    atMs >= query.sinceMs &&
    isKeyText(sort) &&
    isKeyText(partition) &&
    partition.startsWith(SUPPRESSION_PREFIX)
  );
}

/** Suppressions that are looked at for one page, and how many of them at a time at least. */
const MAX_SEARCHED = 2000;
const MIN_CHUNK = 100;

/**
 * Returns a page of a domain's active suppressions, kind by kind, last stored first: one index query, and one read per
 * hundred. A page reads a bounded number, so if most were lifted it may hold few while more pages follow.
 */
export function createSuppressionPages(suppressions: SuppressionList) {
  return async ({ domain, kind, sinceMs, limit, position }: SuppressionListQuery) => {
    const lists = listsOf({ domain, kind });
    const entries: ListedSuppressionEntry[] = [];
    let { list, after }: SuppressionListPosition = position ?? { list: 0 };
    for (let searched = 0; list < lists.length && entries.length < limit && searched < MAX_SEARCHED; ) {
      const { domain: name, kind: each } = lists[list] as (typeof lists)[number];
      const chunk = Math.max(limit - entries.length, MIN_CHUNK);
      const { found, hasMore } = await suppressions.newest(name, each, sinceMs, chunk, after);
      let isCut = false;
      for (const { place, suppression } of found) {
        isCut = entries.length === limit;
        if (isCut) break;
        searched += 1;
        after = place;
        // The place in the index is of the copy that was stored first; an older one may have come in since.
        if (suppression === undefined || !isSuppressing(suppression) || suppression.sinceMs < sinceMs) continue;
        entries.push({ recipient: suppression.recipient, ...suppressionEntry(suppression) });
      }
      if (!isCut && !hasMore) [list, after] = [list + 1, undefined];
    }
    const next = list < lists.length ? { list, ...(after && { after }) } : undefined;
    return { body: { suppressions: entries }, next };
  };
}
