import { DAY_MS } from '../../contract.ts';
import { ListingError } from '../ports.ts';

/** The count of each domain as last read. Kept between runs, since no run need reach all domains. */
export interface LastCounts {
  note(domain: string, count: number): void;
  /**
   * Counts a domain as 0 where Mailgun refuses to show it and no count of it is known: waiting for a count that never
   * comes would keep an alarm on that others raised.
   */
  noteFailure(domain: string, error: unknown): void;
  /**
   * Returns the sum over the domains; undefined if it is zero and the count of one is not known, which would end an
   * alarm that this one may have raised.
   */
  sumOf(domains: readonly { name: string }[]): number | undefined;
}

/** What is older may have changed, and another environment of the function may know better. */
const MAX_AGE_MS = DAY_MS;

/** Returns true if Mailgun does not show a domain to this key, now or later. */
function isRefusal(error: unknown): boolean {
  return error instanceof ListingError && (error.reason === 'unauthorized' || error.reason === 'domain-not-found');
}

export function createLastCounts(now: () => number): LastCounts {
  const counts = new Map<string, { readonly count: number; readonly atMs: number }>();
  const countOf = (domain: string) => {
    const last = counts.get(domain);
    return last !== undefined && now() - last.atMs < MAX_AGE_MS ? last.count : undefined;
  };
  const note = (domain: string, count: number) => void counts.set(domain, { count, atMs: now() });
  return {
    note,
    noteFailure(domain, error) {
      if (isRefusal(error) && countOf(domain) === undefined) note(domain, 0);
    },
    sumOf(domains) {
      const known = domains.map(({ name }) => countOf(name));
      const sum = known.reduce<number>((total, count) => total + (count ?? 0), 0);
      return sum === 0 && known.includes(undefined) ? undefined : sum;
    },
  };
}
