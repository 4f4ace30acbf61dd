import { type DomainDrift, domainDrift, domainDriftText, mergedDrift } from '../../domain/webhooks/domain-drift.ts';
import type { HolderOf } from '../../domain/webhooks/domains-held-elsewhere.ts';
import { type AccountDomains, ListingError } from '../ports.ts';
import {
  type CompareWebhooksDeps,
  type ComparisonRequest,
  isTimeToCompare,
  MAX_SEARCH_MS,
} from './compare-webhooks.ts';

interface FindDomainDriftDeps extends Pick<CompareWebhooksDeps, 'domains' | 'isConfigured' | 'everySeconds' | 'now'> {
  account: AccountDomains;
  /** Returns the other environment that holds a domain. */
  holderOf: HolderOf;
  /** Called with a difference, as a sentence that names the domains. */
  onDrift: (text: string) => void;
  onFailure: (error: unknown) => void;
}

/**
 * Compares Mailgun's domains with the ledger's, about once an hour. Returns how many only one of them has, except those
 * of other environments; undefined if it is not time to compare, or a list was incomplete: a part says nothing about
 * the rest. Never throws.
 */
export function createFindDomainDrift(deps: FindDomainDriftDeps) {
  const { account, domains, now } = deps;

  const compare = async (deadlineMs: number): Promise<DomainDrift> => {
    const drifts: DomainDrift[] = [];
    for (const [place, own] of Map.groupBy(domains, account.placeOf)) {
      const names = own.map(({ name }) => name);
      const drift = domainDrift(await account.listed(place, deadlineMs), names, deps.holderOf);
      for (const domain of own.filter(({ name }) => drift.notAtMailgun.includes(name.toLowerCase()))) {
        // A domain hidden from the key is not gone.
        if (await account.has(domain, deadlineMs)) {
          throw new ListingError('malformed', { cause: new Error(`the list lacks ${domain.name}, which is there`) });
        }
      }
      drifts.push(drift);
    }
    return mergedDrift(drifts);
  };

  return async ({
    ignoreWaits,
    deadlineMs = Number.POSITIVE_INFINITY,
  }: ComparisonRequest): Promise<number | undefined> => {
    const startedMs = now();
    if (!ignoreWaits && !isTimeToCompare(startedMs, deps.everySeconds)) return undefined;
    if (!(await deps.isConfigured().catch(() => false))) return undefined;
    try {
      const drift = await compare(Math.min(startedMs + MAX_SEARCH_MS, deadlineMs));
      const text = domainDriftText(drift, domains.length);
      if (text !== undefined) deps.onDrift(text);
      return drift.notInLedger.length + drift.notAtMailgun.length;
    } catch (error) {
      // A key that may read events need not read domains.
      const isRefused = error instanceof ListingError && error.reason === 'unauthorized';
      if (!isRefused) deps.onFailure(error);
      return undefined;
    }
  };
}
