import { canonicalJson } from '../canonical-json.ts';
import { total } from '../ledger/counts.ts';
import { type ChainFault, checkChain, nameOfLink } from './chain.ts';
import type { ChainLink, Manifest } from './manifest.ts';
import { sha256Hex } from './merkle.ts';

/** `unknown` where some of the time was never compared or sealed; `incomplete` where something is still open. */
export type RangeCompleteness = 'complete' | 'incomplete' | 'unknown';

/** Sums over the slices of a range. */
export interface RangeTotals {
  slices: number;
  /** Events of the ledger. */
  expected: number;
  missing: number;
  unconfirmed: number;
  /** Rows of the archive. */
  archived: number;
}

export interface DomainStatement {
  domain: string;
  verdict: RangeCompleteness;
  totals: RangeTotals;
  /** Consecutive manifests of the domain: from the first to the last that is about a slice of the range. */
  chain: Manifest[];
  /** Hash of the last of them; null where nothing of the range is sealed. */
  head: string | null;
}

/** The signed statement about a range of time; `from` belongs to it, `to` does not. Times are ISO 8601 UTC. */
export interface Certificate {
  v: 1;
  /** Name of the stack. */
  ledger: string;
  from: string;
  to: string;
  issuedAt: string;
  domains: DomainStatement[];
}

/** The payload that the signature covers: small, because a key in KMS signs up to 4,096 bytes, and enough to find the rest by. */
export interface SignedStatement {
  typ: 'mailgun-ledger/certificate';
  v: 1;
  ledger: string;
  from: string;
  to: string;
  issuedAt: string;
  /** Hex of SHA-256 over the certificate as canonical JSON. */
  sha256: string;
}

/** Returns the part of a certificate that is signed. */
export function statementOf(certificate: Certificate): SignedStatement {
  const { ledger, from, to, issuedAt } = certificate;
  const sha256 = sha256Hex(canonicalJson(certificate));
  return { typ: 'mailgun-ledger/certificate', v: 1, ledger, from, to, issuedAt, sha256 };
}

/** A stretch of time in epoch seconds; the end does not belong to it. */
export interface SealedRange {
  from: number;
  to: number;
}

/** Returns what a domain's chain states about a range. */
export function stateDomain(domain: string, links: readonly ChainLink[], range: SealedRange): DomainStatement {
  const chain = links.map(({ manifest }) => manifest);
  const { verdict, totals } = judgeRange(chain, range);
  return { domain, verdict, totals, chain, head: links.at(-1)?.hash ?? null };
}

/** Returns the latest manifest of each slice of a range, by the slice's start. */
function slicesOfRange(chain: readonly Manifest[], { from, to }: SealedRange): Manifest[] {
  const latest = new Map<number, Manifest>();
  for (const manifest of chain) {
    const isInRange = manifest.end > from && manifest.start < to;
    if (manifest.kind === 'slice' && isInRange) latest.set(manifest.start, manifest);
  }
  return [...latest.values()].sort((a, b) => a.start - b.start);
}

/** Returns the stretches of a range that no sealed slice covers. */
function unsealedStretches(slices: readonly Pick<Manifest, 'start' | 'end'>[], range: SealedRange) {
  const stretches: SealedRange[] = [];
  let position = range.from;
  for (const { start, end } of slices) {
    if (start > position) stretches.push({ from: position, to: Math.min(start, range.to) });
    position = Math.max(position, end);
  }
  if (position < range.to) stretches.push({ from: position, to: range.to });
  return stretches;
}

/** Judges a range by the chain, as the read API judges the ledger. */
export function judgeRange(
  chain: readonly Manifest[],
  range: SealedRange,
): { verdict: RangeCompleteness; totals: RangeTotals } {
  const slices = slicesOfRange(chain, range);
  const totals: RangeTotals = { slices: slices.length, expected: 0, missing: 0, unconfirmed: 0, archived: 0 };
  let verdict: RangeCompleteness = unsealedStretches(slices, range).length > 0 ? 'unknown' : 'complete';
  for (const { slice } of slices) {
    totals.expected += total(slice?.expected ?? {});
    totals.missing += total(slice?.missing ?? {});
    totals.unconfirmed += total(slice?.unconfirmed ?? {});
    if (slice?.state === 'unlisted' || slice?.state === 'due') verdict = 'unknown';
  }
  const isUnsettled = slices.some(({ slice }) => slice?.state === 'open' || slice?.state === 'short');
  const starts = new Set(slices.map(({ start }) => start));
  for (const { kind, start, object } of chain) {
    if (kind === 'slice' && starts.has(start)) totals.archived += object?.rows ?? 0;
  }
  return { verdict: isUnsettled ? 'incomplete' : verdict, totals };
}

/** Checks that a certificate is consistent in itself: its chains, and its results and totals. */
export function checkCertificate(certificate: Certificate): ChainFault[] {
  const range = { from: Date.parse(certificate.from) / 1000, to: Date.parse(certificate.to) / 1000 };
  if (!(range.from < range.to)) return [{ where: 'certificate', what: 'names no range of time' }];
  return certificate.domains.flatMap(({ domain, verdict, totals, chain, head }) => {
    const { links, faults } = checkChain(domain, chain.map(canonicalJson));
    const last = links.at(-1);
    if ((last?.hash ?? null) !== head)
      faults.push({
        where: last ? nameOfLink(last.manifest) : domain,
        what: 'is not the head that the certificate names',
      });
    const judged = judgeRange(
      links.map(({ manifest }) => manifest),
      range,
    );
    if (judged.verdict !== verdict)
      faults.push({ where: domain, what: `is said to be ${verdict}, but its slices are ${judged.verdict}` });
    for (const name of Object.keys(judged.totals) as (keyof RangeTotals)[]) {
      const said = totals[name];
      const counted = judged.totals[name];
      if (said !== counted)
        faults.push({ where: domain, what: `has ${name} ${said} in its totals, but ${counted} in its slices` });
    }
    return faults;
  });
}
