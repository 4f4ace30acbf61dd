import type { SuppressionEntry, SuppressionsResponse } from '../../../api/responses/suppressions.ts';
import { UNKNOWN_DOMAIN } from '../../contract.ts';
import { isSuppressing, type StoredSuppression } from '../../domain/status/suppression.ts';
import type { Suppressions } from '../ports.ts';

export interface SuppressionQuery {
  recipient: string;
  /** Only what holds for mail of this domain. */
  domain?: string | undefined;
  /** Only what holds for mail under these tags, in lower case; undefined for mail under any. */
  tags?: readonly string[] | undefined;
}

/**
 * Returns true if a mail to this recipient should not be sent, with the reasons, lifted ones too. In doubt it should
 * not, since sending to people who do not want it harms more than holding back: without domain and tags every
 * suppression counts, and that of an event without a domain may be of any domain.
 */
export function createSuppressions(suppressions: Suppressions) {
  return async ({ recipient, domain, tags }: SuppressionQuery): Promise<SuppressionsResponse> => {
    const known = await suppressions.list(recipient);
    const holds = (each: StoredSuppression) =>
      isSuppressing(each) &&
      (domain === undefined || each.domain === domain || each.domain === UNKNOWN_DOMAIN) &&
      (tags === undefined || each.scope === '*' || tags.includes(each.scope.toLowerCase()));
    return { recipient, suppressed: known.some(holds), suppressions: known.map(suppressionEntry) };
  };
}

/** Returns a suppression by the read API's contract. */
export function suppressionEntry(stored: StoredSuppression): SuppressionEntry {
  const { domain, kind, scope, reason, source, eventKey } = stored;
  const [since, lastAt] = [isoTime(stored.sinceMs), isoTime(stored.lastAtMs)];
  const liftedAt = stored.liftedAtMs === null ? null : isoTime(stored.liftedAtMs);
  return { domain, kind, scope, reason, source, since, lastAt, eventKey, liftedAt };
}

const isoTime = (ms: number) => new Date(ms).toISOString();
