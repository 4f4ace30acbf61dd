import { textAt } from '../events/event.ts';
import { isObject, type Json } from '../json.ts';
import type { HolderOf } from './held-elsewhere.ts';

/** A sending domain as Mailgun lists it. */
export interface AccountDomain {
  /** Lower case. */
  name: string;
  /** True if it belongs to a subaccount. */
  isOfSubaccount: boolean;
  /** True if mail can be sent from it; that of a sandbox does not count. */
  isActive: boolean;
}

/** Differences between Mailgun's domains and the ledger's. */
export interface DomainDrift {
  /** Active at Mailgun, and in no ledger: their webhooks are refused, and no listing of them is read. */
  notInLedger: AccountDomain[];
  /** Active at Mailgun, and in the ledger of another environment of cdk.json: no difference. */
  heldElsewhere: { name: string; environment: string }[];
  /** In the ledger, and not at Mailgun in that region. */
  notAtMailgun: string[];
}

/** Compares the domains of one region. */
export function domainDrift(
  atMailgun: readonly AccountDomain[],
  inLedger: readonly string[],
  holderOf: HolderOf,
): DomainDrift {
  const own = new Set(inLedger.map((name) => name.toLowerCase()));
  const listed = new Set(atMailgun.map(({ name }) => name));
  const others = atMailgun.filter(({ name, isActive }) => isActive && !own.has(name));
  return {
    notInLedger: others.filter(({ name }) => holderOf(name) === undefined),
    heldElsewhere: others.flatMap(({ name }) => {
      const environment = holderOf(name);
      return environment === undefined ? [] : [{ name, environment }];
    }),
    notAtMailgun: [...own].filter((name) => !listed.has(name)),
  };
}

/** Returns what was found in several places as one. */
export function mergedDrift(drifts: readonly DomainDrift[]): DomainDrift {
  return {
    notInLedger: drifts.flatMap(({ notInLedger }) => notInLedger),
    heldElsewhere: drifts.flatMap(({ heldElsewhere }) => heldElsewhere),
    notAtMailgun: drifts.flatMap(({ notAtMailgun }) => notAtMailgun),
  };
}

const MAX_NAMES = 10;

/** Returns the difference as a sentence: "Mailgun has 14 domains, the ledger 12: …"; undefined without a difference. */
export function domainDriftText(drift: DomainDrift, inLedger: number): string | undefined {
  const { notInLedger, notAtMailgun } = drift;
  if (notInLedger.length + notAtMailgun.length === 0) return undefined;
  const atMailgun = inLedger - notAtMailgun.length + notInLedger.length + drift.heldElsewhere.length;
  const held = heldElsewhereText(drift);
  const missing = notInLedger.map(({ name, isOfSubaccount }) => (isOfSubaccount ? `${name} (of a subaccount)` : name));
  const parts = [
    ...(missing.length > 0 ? [`not in the ledger are ${namesInText(missing)}`] : []),
    ...(notAtMailgun.length > 0 ? [`not at Mailgun are ${namesInText(notAtMailgun)}`] : []),
    ...(held === undefined ? [] : [held]),
  ];
  return `Mailgun has ${atMailgun} ${atMailgun === 1 ? 'domain' : 'domains'}, the ledger ${inLedger}: ${parts.join('; ')}`;
}

/** Returns "held by another environment are a.example.com (prod)"; undefined where none is. */
export function heldElsewhereText({ heldElsewhere }: DomainDrift): string | undefined {
  if (heldElsewhere.length === 0) return undefined;
  return `held by another environment are ${namesInText(heldElsewhere.map(({ name, environment }) => `${name} (${environment})`))}`;
}

/** Returns the first names, and how many more there are. */
export function namesInText(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return names.slice(0, MAX_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const DOMAINS_PER_PAGE = 1000;
const MAX_PAGES = 20;

/**
 * Returns all domains of an account in one region, those of its subaccounts included; undefined where the pages are not
 * the whole, since a domain that is not listed would read as gone. `get` returns the body at a path.
 */
export async function readAccountDomains(
  get: (path: string) => Promise<unknown>,
): Promise<AccountDomain[] | undefined> {
  const found = new Map<string, AccountDomain>();
  let read = 0;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = `limit=${DOMAINS_PER_PAGE}&skip=${read}&sort=name&include_subaccounts=true`;
    const body = await get(`/v4/domains?${query}`);
    const { items, total_count: count } = isObject(body) ? body : {};
    if (!Array.isArray(items)) return undefined;
    for (const item of items) {
      const domain = readAccountDomain(item);
      if (domain === undefined) return undefined;
      found.set(domain.name, domain);
    }
    read += items.length;
    const total = typeof count === 'number' ? count : 0;
    // After a full page another may follow, whatever the total counts.
    const isLast = items.length === 0 || (total > 0 && read >= total && items.length < DOMAINS_PER_PAGE);
    if (isLast) return found.size < total ? undefined : [...found.values()];
  }
  return undefined;
}

function readAccountDomain(item: Json): AccountDomain | undefined {
  const name = isObject(item) ? textAt(item, 'name') : undefined;
  if (!isObject(item) || name === undefined) return undefined;
  const isSandbox = textAt(item, 'type') === 'sandbox';
  return {
    name: name.toLowerCase(),
    isOfSubaccount: textAt(item, 'subaccount_id') !== undefined,
    isActive: textAt(item, 'state') === 'active' && !isSandbox,
  };
}
