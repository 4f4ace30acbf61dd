import type { CauseEntry, SuppressionEntry, SuppressionsResponse } from '../../../api/responses/suppressions.ts';
import { UNKNOWN_DOMAIN } from '../../contract.ts';
import { isSuppressing, type StoredSuppression } from '../../domain/status/suppression.ts';
import { type ConfirmedCheck, judgedEvent } from '../messages/confirmed.ts';
import type { RecipientHistory, Suppressions } from '../ports.ts';
import { createSuppressionCauses, isCauseOf, type SuppressionCause } from './suppression-causes.ts';

export type { CauseEntry };

export interface SuppressionQuery {
  recipient: string;
  /** Only what holds for mail of this domain. */
  domain?: string | undefined;
  /** Only what holds for mail under these tags, in lower case; undefined for mail under any. */
  tags?: readonly string[] | undefined;
  /** Whether the events that it rests on are listed; the keys are those of the recipient, today's first. */
  causesUnder?: readonly string[] | undefined;
}

/**
 * Returns true if a mail to this recipient should not be sent, with the reasons, lifted ones too. In doubt it should
 * not, since sending to people who do not want it harms more than holding back: without domain and tags every
 * suppression counts, and that of an event without a domain may be of any domain.
 */
export function createSuppressions(suppressions: Suppressions, readCauses?: ReadCauses) {
  return async ({ recipient, domain, tags, causesUnder }: SuppressionQuery): Promise<SuppressionsResponse> => {
    const known = await suppressions.list(recipient);
    const holds = (each: StoredSuppression) =>
      isSuppressing(each) &&
      (domain === undefined || each.domain === domain || each.domain === UNKNOWN_DOMAIN) &&
      (tags === undefined || each.scope === '*' || tags.includes(each.scope.toLowerCase()));
    const entries = known.map(suppressionEntry);
    if (causesUnder !== undefined && readCauses !== undefined && known.length > 0) {
      const causes = await readCauses(causesUnder);
      for (const [nth, stored] of known.entries()) {
        const own = causes.filter((each) => isCauseOf(each, stored)).map(({ entry }) => entry);
        Object.assign(entries[nth] ?? {}, { causes: own });
      }
    }
    return { recipient, suppressed: known.some(holds), suppressions: entries };
  };
}

type ReadCauses = (keys: readonly string[]) => Promise<(SuppressionCause & { readonly entry: CauseEntry })[]>;

/** Returns a reader of causes by the read API's contract, each with what Mailgun lists of it. */
export function createCauseEntries(history: RecipientHistory, check: ConfirmedCheck): ReadCauses {
  const read = createSuppressionCauses(history);
  return async (keys) => {
    const causes = await read(keys);
    const confirmed = await check(causes.map(({ event }) => judgedEvent(event)));
    return causes.map((cause, nth) => {
      const { eventKey, atMs, unconfirmedSinceMs } = cause.event;
      const trust = { unconfirmed: unconfirmedSinceMs !== undefined, confirmed: confirmed[nth] ?? false };
      return { ...cause, entry: { eventKey, messageId: cause.messageId, at: isoTime(atMs), ...trust } };
    });
  };
}

/** Returns a suppression by the read API's contract. */
export function suppressionEntry(stored: StoredSuppression): SuppressionEntry {
  const { domain, kind, scope, reason, source, eventKey } = stored;
  const [since, lastAt] = [isoTime(stored.sinceMs), isoTime(stored.lastAtMs)];
  const liftedAt = stored.liftedAtMs === null ? null : isoTime(stored.liftedAtMs);
  return { domain, kind, scope, reason, source, since, lastAt, eventKey, causes: null, liftedAt };
}

const isoTime = (ms: number) => new Date(ms).toISOString();
