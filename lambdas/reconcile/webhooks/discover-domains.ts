import { DAY_SECONDS, HOUR_MS, MAX_SLICE_SECONDS, type SendingDomain } from '../../contract.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { eachOf, startingWith } from '../../domain/concurrency.ts';
import {
  absentFrom,
  formerDomains,
  isCompared,
  type LedgerDomain,
  type LedgerDomains,
  ledgerStart,
  listedNames,
  NO_DOMAINS,
  withConfigured,
  withDone,
  withListing,
  withUndiscovered,
} from '../../domain/ledger/ledger-domains.ts';
import type { HolderOf } from '../../domain/webhooks/domains-held-elsewhere.ts';
import type { LedgerTimes } from '../passes/pass-slice.ts';
import {
  type AccountDomains,
  type ComparedDomain,
  type DomainRepository,
  ListingError,
  type ReconciliationState,
} from '../ports.ts';
import { type CompareWebhooksDeps, isTimeToCompare, MAX_SEARCH_MS } from './compare-webhooks.ts';

interface NoteDoneDeps extends Pick<CompareWebhooksDeps, 'everySeconds' | 'now'> {
  retentionSeconds: number;
  ledger: Pick<ReconciliationState, 'readMarkers' | 'readDoubts' | 'readWatermarks'>;
  onFailure: (error: unknown) => void;
}

interface DiscoverDomainsDeps extends NoteDoneDeps, Pick<CompareWebhooksDeps, 'isConfigured'> {
  store: DomainRepository;
  account: AccountDomains;
  /** Returns the other environment that holds a domain, which is left to it. */
  holderOf: HolderOf;
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
  const noteDone = createNoteDone(deps);

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
    const next = await noteDone(withUndiscovered(listed, noted), Math.floor(startedMs / 1000), ignoreWaits);
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

/** Returns a function that notes which gone domains have nothing left to compare, and which have again. */
function createNoteDone({ ledger, retentionSeconds, everySeconds, onFailure }: NoteDoneDeps) {
  const hasMarkers = async (name: string) => {
    const { open, stragglers } = await ledger.readMarkers(name);
    return open.length + stragglers.length > 0 || (await ledger.readDoubts(name)).length > 0;
  };
  const isDone = async (each: LedgerDomain & { goneAt: number }, at: number): Promise<boolean> => {
    if (isCompared(each, at - MARGIN_SECONDS, retentionSeconds)) return false;
    const watermarks = await ledger.readWatermarks(each.name);
    const isPassed = watermarks === undefined || watermarks.second >= each.goneAt - MAX_SLICE_SECONDS;
    return isPassed && !(await hasMarkers(each.name));
  };

  return async (known: LedgerDomains, at: number, ignoreWaits = false): Promise<LedgerDomains> => {
    // What was stored late, or replayed, is compared all the same.
    const isReread = ignoreWaits || isTimeToCompare(at * 1000, everySeconds);
    const done = new Set<string>();
    const note = async ({ goneAt, ...each }: LedgerDomain) => {
      if (goneAt === undefined) return;
      const wasDone = each.doneAt !== undefined;
      const isStillDone = wasDone && !(isReread && (await hasMarkers(each.name)));
      if (isStillDone || (!wasDone && (await isDone({ ...each, goneAt }, at)))) done.add(each.name);
    };
    return eachOf(known.domains, CALLS_AT_ONCE, note).then(
      () => withDone(known, done, at),
      (error) => {
        onFailure(error);
        return known;
      },
    );
  };
}

interface NoteConfiguredDeps extends NoteDoneDeps {
  store: Pick<DomainRepository, 'read' | 'write'>;
  configured: readonly SendingDomain[];
}

/**
 * Returns the domains that are or were configured, after noting which those are. Never throws: where the table cannot
 * be read, only the configured ones are known to this run, and where it cannot be written, the next run writes.
 */
export function createNoteConfigured(deps: NoteConfiguredDeps) {
  const { store, configured, now, onFailure } = deps;
  const noteDone = createNoteDone(deps);

  return async (): Promise<{ known: LedgerDomains; isKnown: boolean }> => {
    const at = Math.floor(now() / 1000);
    const held = (await store.read().catch(onFailure)) ?? undefined;
    const known = await noteDone(withConfigured(held ?? NO_DOMAINS, configured, at), at);
    if (held !== undefined && canonicalJson(known) !== canonicalJson(held)) {
      await store.write(known, held).catch(onFailure);
    }
    return { known, isKnown: held !== undefined };
  };
}

/** The domains of one run. */
export interface RunDomains {
  /** All that have a ledger. */
  all: readonly ComparedDomain[];
  /** Those whose ledger may still advance. */
  compared: readonly ComparedDomain[];
  /** Those that Mailgun has, or that are configured. */
  domains: readonly ComparedDomain[];
}

/**
 * Returns the domains of a run: all but these names are gone, and compared until nothing is left of them. `startOf`:
 * where the ledger of a domain begins at the latest.
 */
export function runDomains(
  known: LedgerDomains,
  present: readonly SendingDomain[],
  startOf: (each: LedgerDomain) => number | undefined = () => undefined,
): RunDomains {
  const byName = new Map(known.domains.map((each) => [each.name, each]));
  const compare = ({ name, region }: SendingDomain): ComparedDomain => {
    const each = byName.get(name);
    const [startsAt, returnedAt] = [each && startOf(each), each?.returnedAt];
    const times = { ...(startsAt !== undefined && { startsAt }), ...(returnedAt !== undefined && { returnedAt }) };
    return { name, region, ...times };
  };
  const domains = present.map(compare);
  const gone = formerDomains(
    known,
    present.map(({ name }) => name),
  );
  const asGone = (each: LedgerDomain): ComparedDomain => {
    return { ...compare(each), isGone: true, ...(each.goneAt !== undefined && { endsAt: each.goneAt }) };
  };
  const compared = [...domains, ...gone.filter(({ doneAt }) => doneAt === undefined).map(asGone)];
  const done = gone.filter(({ doneAt }) => doneAt !== undefined).map(asGone);
  return { all: [...compared, ...done], compared, domains };
}

/** Returns the domains of a run for which all domains of the account have a ledger. */
export function accountDomains(
  known: LedgerDomains,
  { fromEpochSeconds, retentionSeconds }: Pick<LedgerTimes, 'fromEpochSeconds' | 'retentionSeconds'>,
): RunDomains {
  const present = known.domains.filter(({ goneAt }) => goneAt === undefined);
  return runDomains(known, present, (each) => ledgerStart(each, fromEpochSeconds, retentionSeconds));
}
