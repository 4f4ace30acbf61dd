import type { SendingDomain } from '../../contract.ts';
import { canonicalJson } from '../../domain/canonical.ts';
import { absentFrom, type LedgerDomains, withListing, withUndiscovered } from '../../domain/ledger/ledger-domains.ts';
import { type AccountDomains, type DomainStore, ListingError } from '../ports.ts';
import { type CompareWebhooksDeps, isTimeToCompare } from './compare-webhooks.ts';

export interface DiscoverDomainsDeps extends Pick<CompareWebhooksDeps, 'isConfigured' | 'everySeconds' | 'now'> {
  store: DomainStore;
  account: AccountDomains;
  onFailure: (error: unknown) => void;
}

const REGIONS: readonly SendingDomain['region'][] = ['us', 'eu'];
/** For the listing of each region, and the domains that it lacks. */
const MAX_SEARCH_MS = 5000;

/**
 * Reads which domains have a ledger, after Mailgun's list was looked at: about once an hour, and at once where events
 * name a domain that they did not name before. What Mailgun does not list whole changes nothing. Throws only where the
 * table cannot be read.
 */
export function createDiscoverDomains(deps: DiscoverDomainsDeps) {
  const { store, account, now } = deps;

  return async ({ ignoreWaits }: { ignoreWaits: boolean }): Promise<LedgerDomains> => {
    const [known, noted] = await Promise.all([store.read(), store.undiscovered()]);
    const startedMs = now();
    const names = new Set([...known.domains, ...known.undiscovered].map(({ name }) => name));
    const isDue =
      ignoreWaits ||
      isTimeToCompare(startedMs, deps.everySeconds) ||
      Object.keys(known.listedAt).length === 0 ||
      noted.some(({ name }) => !names.has(name));
    const isAsked = isDue && (await deps.isConfigured().catch(() => false));
    const listed = isAsked ? await afterListings(known) : known;
    const next = withUndiscovered(listed, noted);
    if (canonicalJson(next) === canonicalJson(known)) return known;
    // Another run that was quicker has looked as well; and a write whose reply was lost is read here.
    const held = (await store.write(next, known)) ?? (await store.read());
    const own = new Set(held.domains.map(({ name }) => name));
    for (const { name } of noted) if (own.has(name)) await store.dropUndiscovered(name);
    return held;
  };

  async function afterListings(known: LedgerDomains): Promise<LedgerDomains> {
    let next = known;
    const places = Map.groupBy(REGIONS, (region) => account.placeOf({ name: '', region }));
    const failures: unknown[] = [];
    for (const [place, [region = 'us']] of places) {
      const deadlineMs = now() + MAX_SEARCH_MS;
      const at = Math.floor(now() / 1000);
      try {
        const listing = { region, at, listed: await account.listed(place, deadlineMs) };
        const gone: string[] = [];
        for (const name of absentFrom(next, listing)) {
          // What a key is not shown is not gone.
          if (!(await account.has({ name, region }, deadlineMs))) gone.push(name);
        }
        next = withListing(next, listing, gone);
      } catch (error) {
        failures.push(error);
      }
    }
    // A key may be one of one region alone.
    const isRefused = (error: unknown) => error instanceof ListingError && error.reason === 'unauthorized';
    for (const error of failures) if (failures.length === places.size || !isRefused(error)) deps.onFailure(error);
    return next;
  }
}
