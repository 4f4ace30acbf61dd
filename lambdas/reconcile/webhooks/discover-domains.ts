import { DAY_SECONDS, HOUR_MS, MAX_SLICE_SECONDS, type SendingDomain } from '../../contract.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { eachOf, startingWith } from '../../domain/concurrency.ts';
import {
  absentFrom,
  formerDomains,
  isCompared,
  type LedgerDomain,
  type LedgerDomains,
  listedNames,
  NO_DOMAINS,
  withConfigured,
  withDone,
  withListing,
  withUndiscovered,
} from '../../domain/ledger/ledger-domains.ts';
import type { HolderOf } from '../../domain/webhooks/domains-held-elsewhere.ts';
import {
  type AccountDomains,
  type ComparedDomain,
  type DomainRepository,
  ListingError,
  type ReconciliationState,
} from '../ports.ts';
import { type CompareWebhooksDeps, isTimeToCompare, MAX_SEARCH_MS } from './compare-webhooks.ts';

interface DiscoverDomainsDeps extends Pick<CompareWebhooksDeps, 'isConfigured' | 'everySeconds' | 'now'> {
  store: DomainRepository;
  account: AccountDomains;
  /** Returns the other environment that holds a domain, which is left to it. */
  holderOf: HolderOf;
  onFailure: (error: unknown) => void;
}

const REGIONS: readonly SendingDomain['region'][] = ['us', 'eu'];
const CALLS_AT_ONCE = 4;
/** After retention has ended, runs still write the last slices of a former domain as unlisted. */
const MARGIN_SECONDS = DAY_SECONDS;

/**
 * Returns the domains with a ledger, after reading Mailgun's list: about once an hour, and at once if events name a new
 * domain. An incomplete list changes nothing. Throws only if the table cannot be read.
 */
export function createDiscoverDomains(deps: DiscoverDomainsDeps) {
  const { store, account, now } = deps;

  return async ({ ignoreWaits }: { ignoreWaits: boolean }): Promise<LedgerDomains> => {
    const [known, noted] = await Promise.all([store.read(), store.undiscovered()]);
    const startedMs = now();
    const before = new Set(known.undiscovered.map(({ name }) => name));
    const isDue =
      ignoreWaits ||
      isTimeToCompare(startedMs, deps.everySeconds) ||
      Object.keys(known.listedAt).length === 0 ||
      // Those that do not fit into the item would be new in each run.
      withUndiscovered(known, noted).undiscovered.some(({ name }) => !before.has(name));
    const isListing = isDue && (await deps.isConfigured().catch(() => false));
    const listed = isListing ? await afterListings(known) : known;
    const next = withUndiscovered(listed, noted);
    if (canonicalJson(next) === canonicalJson(known)) return known;
    // A quicker run may have written the list; and a write whose reply was lost is read here.
    const held = (await store.write(next, known)) ?? (await store.read());
    const own = listedNames(held);
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
        // A gone one may be another environment's by now.
        const own = listedNames(next);
        const isOurs = ({ name }: { name: string }) => own.has(name) || deps.holderOf(name) === undefined;
        const listing = { region, at, listed: (await account.listed(place, deadlineMs)).filter(isOurs) };
        const gone: string[] = [];
        // A domain hidden from the key is not gone; those without time left now do not block the others.
        const absent = startingWith(absentFrom(next, listing), Math.floor(now() / HOUR_MS));
        await eachOf(absent, CALLS_AT_ONCE, async (name) => {
          if (!(await account.has({ name, region }, deadlineMs))) gone.push(name);
        }).catch((error) => failures.push(error));
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

interface NoteConfiguredDeps extends Pick<DiscoverDomainsDeps, 'now' | 'onFailure'> {
  store: Pick<DomainRepository, 'read' | 'write'>;
  configured: readonly SendingDomain[];
  retentionSeconds: number;
  ledger: Pick<ReconciliationState, 'readMarkers' | 'readDoubts' | 'readWatermarks'>;
}

/**
 * Returns the configured and the former domains, after noting which those are. Never throws: where the table cannot be
 * read, only the configured ones are known to this run, and where it cannot be written, the next run writes.
 */
export function createNoteConfigured(deps: NoteConfiguredDeps) {
  const { store, configured, now, onFailure, ledger } = deps;
  const names = configured.map(({ name }) => name);

  /** Returns the former domains past retention whose slices are all passed, with nothing open or in doubt. */
  const doneOf = async (known: LedgerDomains, at: number) => {
    const done = new Set<string>();
    for (const each of formerDomains(known, names)) {
      const { name, goneAt = at, doneAt } = each;
      if (doneAt !== undefined || isCompared(each, at - MARGIN_SECONDS, deps.retentionSeconds)) continue;
      const watermarks = await ledger.readWatermarks(name);
      const isPassed = watermarks === undefined || watermarks.second >= goneAt - MAX_SLICE_SECONDS;
      const { open, stragglers } = await ledger.readMarkers(name);
      const doubts = await ledger.readDoubts(name);
      if (isPassed && open.length + stragglers.length + doubts.length === 0) done.add(name);
    }
    return done;
  };

  const noted = async (known: LedgerDomains | undefined): Promise<LedgerDomains> => {
    const at = Math.floor(now() / 1000);
    const configuredNow = withConfigured(known ?? NO_DOMAINS, configured, at);
    const done = await doneOf(configuredNow, at).catch(onFailure);
    const next = done === undefined || done.size === 0 ? configuredNow : withDone(configuredNow, done, at);
    if (known === undefined || canonicalJson(next) === canonicalJson(known)) return next;
    await store.write(next, known).catch(onFailure);
    return next;
  };

  /** `done`: the former ones that no run compares any more; `isKnown`: false where the table was not read. */
  return async (): Promise<Record<'domains' | 'former' | 'done', ComparedDomain[]> & { isKnown: boolean }> => {
    const held = (await store.read().catch(onFailure)) ?? undefined;
    const known = await noted(held);
    const gone = Object.groupBy(formerDomains(known, names), ({ doneAt }) =>
      doneAt === undefined ? 'former' : 'done',
    );
    const asGone = ({ name, region, goneAt }: LedgerDomain) => {
      return { name, region, isGone: true, ...(goneAt !== undefined && { endsAt: goneAt }) };
    };
    const [former, done] = [gone.former ?? [], gone.done ?? []].map((each) => each.map(asGone)) as [
      ComparedDomain[],
      ComparedDomain[],
    ];
    const domains = configured.map(({ name, region }) => {
      const returnedAt = known.domains.find((each) => each.name === name)?.returnedAt;
      return { name, region, ...(returnedAt !== undefined && { returnedAt }) };
    });
    return { domains, former, done, isKnown: held !== undefined };
  };
}
