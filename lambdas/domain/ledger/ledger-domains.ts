import { DAY_SECONDS, type SendingDomain } from '../../contract.ts';
import { type AccountDomain, namesInText } from '../webhooks/domain-drift.ts';

// Domains that have or had a ledger: all of the Mailgun account, or those of a list. Times are epoch seconds.

type Region = SendingDomain['region'];

/** A domain that Mailgun has listed, or that was configured. */
export interface LedgerDomain extends SendingDomain {
  /** Start of the first listing that held it. */
  foundAt: number;
  /** Start of the listing before, which did not hold it; absent for those of a region's first listing. */
  absentAt?: number;
  /** Start of the listing that no longer held it, or of the first run without it in the configuration. */
  goneAt?: number;
  /** Start of the run from which nothing of its ledger is left to compare. */
  doneAt?: number;
  /** Start of the listing that held it again, or of the first run with it in the configuration again. */
  returnedAt?: number;
}

/** A domain that events name and Mailgun does not list. */
export interface UndiscoveredDomain {
  name: string;
  /** When such an event was last stored, to the hour. */
  lastAt: number;
}

export interface LedgerDomains {
  domains: LedgerDomain[];
  /** When the last whole listing of each region began. */
  listedAt: Partial<Record<Region, number>>;
  undiscovered: UndiscoveredDomain[];
  /** Number of active domains left out of each region's last listing for lack of space. */
  leftOut: Partial<Record<Region, number>>;
  version: number;
}

export const NO_DOMAINS: LedgerDomains = { domains: [], listedAt: {}, undiscovered: [], leftOut: {}, version: 0 };

/** Limit at which they fit into one item of the table, whatever the length of their names. */
export const MAX_LEDGER_DOMAINS = 1000;
const MAX_UNDISCOVERED = 50;
const NEWS_SECONDS = DAY_SECONDS;

/** Result of one region's domain listing. */
interface RegionListing {
  region: Region;
  at: number;
  listed: readonly AccountDomain[];
}

/** Returns the names of known domains missing in a complete listing, to be requested one by one. */
export function absentFrom({ domains }: LedgerDomains, { region, listed }: RegionListing): string[] {
  const names = new Set(listed.map(({ name }) => name));
  const isAbsent = (each: LedgerDomain) => each.region === region && each.goneAt === undefined && !names.has(each.name);
  return domains.filter(isAbsent).map(({ name }) => name);
}

/**
 * Returns the domains after a whole listing. Active ones that were not known are added; none is ever taken away: `gone`,
 * which the listing lacks and Mailgun does not know by name either, are marked until they are listed again.
 */
export function withListing(
  known: LedgerDomains,
  { region, at, listed }: RegionListing,
  gone: readonly string[],
): LedgerDomains {
  const before = known.listedAt[region];
  // An empty listing counts where Mailgun knows none of them by name either.
  const isHeld = (each: LedgerDomain) =>
    each.region === region && each.goneAt === undefined && !gone.includes(each.name);
  const isDoubtful = listed.length === 0 && known.domains.some(isHeld);
  if (isDoubtful || (before !== undefined && at <= before)) return known;
  const names = new Set(listed.map(({ name }) => name));
  const domains = known.domains.map((each): LedgerDomain => {
    const isListed = names.has(each.name);
    const { goneAt, doneAt: _doneAt, ...rest } = each;
    if (each.region !== region) return isListed && goneAt !== undefined ? { ...rest, region, returnedAt: at } : each;
    if (isListed) return { ...rest, ...(goneAt !== undefined && { returnedAt: at }) };
    return gone.includes(each.name) ? { ...each, goneAt: goneAt ?? at } : each;
  });
  const held = new Set(domains.map(({ name }) => name));
  const found = listed.filter(({ name, isActive }) => isActive && !held.has(name)).map(({ name }) => name);
  const fitting = found.slice(0, Math.max(0, MAX_LEDGER_DOMAINS - domains.length));
  const added = fitting.map((name): LedgerDomain => {
    return { name, region, foundAt: at, ...(before !== undefined && { absentAt: before }) };
  });
  return {
    ...known,
    domains: [...domains, ...added],
    listedAt: { ...known.listedAt, [region]: at },
    leftOut: { ...known.leftOut, [region]: found.length - fitting.length },
  };
}

/**
 * Returns the domains after a run with these configured. None is ever taken away: the ledger of a former domain, its
 * suppressions and its archive stay.
 */
export function withConfigured(known: LedgerDomains, configured: readonly SendingDomain[], at: number): LedgerDomains {
  const regions = new Map(configured.map(({ name, region }) => [name, region]));
  const domains = known.domains.map((each): LedgerDomain => {
    const region = regions.get(each.name);
    const { goneAt, doneAt: _doneAt, ...rest } = each;
    if (region === undefined) return { ...each, goneAt: goneAt ?? at };
    return { ...rest, region, ...(goneAt !== undefined && { returnedAt: at }) };
  });
  const held = new Set(domains.map(({ name }) => name));
  const added = configured.filter(({ name }) => !held.has(name));
  const all = [...domains, ...added.map(({ name, region }): LedgerDomain => ({ name, region, foundAt: at }))];
  // Where the item is full, those that left first leave it.
  const byLeaving = all.toSorted((a, b) => leftAt(b) - leftAt(a));
  const kept = new Set(byLeaving.slice(0, MAX_LEDGER_DOMAINS));
  return { ...known, domains: all.filter((each) => kept.has(each)) };
}

/** Returns the domains with these gone ones done, and no others. */
export function withDone(known: LedgerDomains, done: ReadonlySet<string>, at: number): LedgerDomains {
  const domains = known.domains.map(({ doneAt = at, ...each }): LedgerDomain => {
    return done.has(each.name) ? { ...each, doneAt } : each;
  });
  return { ...known, domains };
}

/** Returns the domains with one that only an archive named; its ledger ended with what was sealed. */
export function withRestored(known: LedgerDomains, name: string, sealedUntil: number): LedgerDomains {
  const held = known.domains.find((each) => each.name === name);
  if (held !== undefined && sealedUntil <= (held.goneAt ?? Number.POSITIVE_INFINITY)) return known;
  const restored: LedgerDomain = { region: 'us', foundAt: sealedUntil, ...held, name, goneAt: sealedUntil };
  const others = known.domains.filter((each) => each !== held);
  return { ...known, domains: [...others, restored].slice(0, MAX_LEDGER_DOMAINS) };
}

const leftAt = ({ goneAt }: LedgerDomain) => goneAt ?? Number.MAX_SAFE_INTEGER;

/** Returns the domains that were configured, and are no longer. */
export function formerDomains({ domains }: LedgerDomains, configured: readonly string[]): LedgerDomain[] {
  return domains.filter(({ name }) => !configured.includes(name));
}

/** Returns the domains with those newly named by events, most recent first. */
export function withUndiscovered(known: LedgerDomains, noted: readonly UndiscoveredDomain[]): LedgerDomains {
  const listed = listedNames(known);
  const undiscovered = noted
    .filter(({ name }) => !listed.has(name))
    .toSorted((a, b) => b.lastAt - a.lastAt || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_UNDISCOVERED);
  return { ...known, undiscovered };
}

/** Returns the names of the domains that Mailgun has. */
export function listedNames({ domains }: LedgerDomains): Set<string> {
  return new Set(domains.filter(({ goneAt }) => goneAt === undefined).map(({ name }) => name));
}

/** Returns every name under which events may be stored; those of domains without a ledger come last. */
export function storedNames({ domains, undiscovered }: LedgerDomains): string[] {
  return [...new Set([...domains, ...undiscovered].map(({ name }) => name))];
}

/** Returns where the ledger of a domain begins at the latest. */
export function ledgerStart(
  { absentAt, foundAt }: LedgerDomain,
  fromEpochSeconds: number | undefined,
  retentionSeconds: number,
): number {
  // For domains of the first listing, the start at Mailgun is unknown.
  if (absentAt === undefined) return fromEpochSeconds ?? foundAt;
  // Months may lie between two listings, and Mailgun keeps nothing of them.
  return Math.max(absentAt, foundAt - retentionSeconds);
}

/** Returns true until Mailgun's retention of a gone domain is over. */
export function isCompared({ goneAt }: LedgerDomain, nowSeconds: number, retentionSeconds: number): boolean {
  return goneAt === undefined || nowSeconds < goneAt + retentionSeconds;
}

/** Returns what an operator must know about the domains: its number and a text; no text if there is nothing. */
export function domainNews(known: LedgerDomains, nowSeconds: number): { count: number; text: string | undefined } {
  const isRecent = (at: number | undefined) => at !== undefined && nowSeconds - at < NEWS_SECONDS;
  const namesOf = (domains: readonly { name: string }[]) => domains.map(({ name }) => name);
  const added = namesOf(known.domains.filter(({ absentAt, foundAt }) => absentAt !== undefined && isRecent(foundAt)));
  const gone = namesOf(known.domains.filter(({ goneAt }) => isRecent(goneAt)));
  const strange = namesOf(known.undiscovered.filter(({ lastAt }) => nowSeconds - lastAt < 7 * NEWS_SECONDS));
  const leftOut = Object.values(known.leftOut).reduce((sum, count) => sum + count, 0);
  const listedAt = Object.values(known.listedAt);
  const isBlind = listedAt.length === 0 || !listedAt.every(isRecent);
  const parts = [
    ...(added.length > 0 ? [`now in the ledger: ${namesInText(added)}`] : []),
    ...(gone.length > 0 ? [`no longer at Mailgun: ${namesInText(gone)}`] : []),
    ...(strange.length > 0 ? [`events name what Mailgun does not list: ${namesInText(strange)}`] : []),
    ...(leftOut > 0 ? [`${leftOut} left out, since the ledger has room for ${MAX_LEDGER_DOMAINS}`] : []),
    ...(isBlind ? ['Mailgun has not listed its domains to the API key for a day'] : []),
  ];
  return {
    count: added.length + gone.length + strange.length + leftOut + Number(isBlind),
    text: parts.length === 0 ? undefined : `domains: ${parts.join('; ')}`,
  };
}
