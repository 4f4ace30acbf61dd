import type { HolderOf } from './domains-held-elsewhere.ts';

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
