import type { SuppressionEntry, SuppressionsResponse } from '../../api/responses/suppressions.ts';
import { recipientKey } from '../domain/identity.ts';
import type { Suppressions } from '../domain/read-ports.ts';
import { isSuppressing, type StoredSuppression } from '../domain/suppression.ts';

export interface SuppressionQuery {
  recipient: string;
  /** Only what holds for mail of this domain. */
  domain?: string | undefined;
  /** Only what holds for mail under these tags; undefined for mail under any. */
  tags?: readonly string[] | undefined;
}

/**
 * Whether a mail to this recipient should not be sent, and all that is known of it, lifted ones too. Without domain
 * and tags every suppression counts, since sending to somebody who does not want it harms more than holding back.
 */
export function createSuppressions(suppressions: Suppressions) {
  return async ({ recipient, domain, tags }: SuppressionQuery): Promise<SuppressionsResponse> => {
    const known = await suppressions.list(recipientKey(recipient));
    const holds = (each: StoredSuppression) =>
      isSuppressing(each) &&
      (domain === undefined || each.domain === domain) &&
      (tags === undefined || each.scope === '*' || tags.includes(each.scope));
    return { recipient, suppressed: known.some(holds), suppressions: known.map(entryOf) };
  };
}

function entryOf({
  domain,
  kind,
  scope,
  reason,
  sinceMs,
  lastAtMs,
  eventKey,
  liftedAtMs,
}: StoredSuppression): SuppressionEntry {
  const liftedAt = liftedAtMs === null ? null : isoTime(liftedAtMs);
  return { domain, kind, scope, reason, since: isoTime(sinceMs), lastAt: isoTime(lastAtMs), eventKey, liftedAt };
}

const isoTime = (ms: number) => new Date(ms).toISOString();
