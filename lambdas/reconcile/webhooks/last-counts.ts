import { DAY_MS } from '../../contract.ts';
import { type LastCount, type LastCountsRepository, mayLast } from '../ports.ts';

/** The count of each domain as last read, for one run. */
export interface LastCounts {
  note(domain: string, count: number): void;
  /** Counts a domain as 0 where the failure may last and no count of it is known. */
  noteFailure(domain: string, error: unknown): void;
  /**
   * Stores the counts, and returns their sum over the domains; undefined if it is zero and the count of one is not
   * known, which would end an alarm that this one may have raised. Never throws.
   */
  sumOf(domains: readonly { name: string }[]): Promise<number | undefined>;
}

interface LastCountsDeps {
  store: LastCountsRepository;
  now: () => number;
  onFailure: (error: unknown) => void;
}

/** What is older may have changed. */
const MAX_AGE_MS = DAY_MS;

/**
 * Returns a function that reads the counts as earlier runs left them; undefined where that fails, since a sum without
 * them may end an alarm. Never throws.
 */
export function createLastCounts({ store, now, onFailure }: LastCountsDeps): () => Promise<LastCounts | undefined> {
  const attempt = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => {
      onFailure(error);
      return undefined;
    });
  return async () => {
    const counts = await attempt(store.read());
    return counts && openCounts(counts);
  };

  function openCounts(counts: Map<string, LastCount>): LastCounts {
    const countOf = (domain: string) => {
      const last = counts.get(domain);
      return last !== undefined && now() - last.atMs < MAX_AGE_MS ? last.count : undefined;
    };
    const note = (domain: string, count: number) => void counts.set(domain, { count, atMs: now() });
    return {
      note,
      noteFailure(domain, error) {
        if (mayLast(error) && countOf(domain) === undefined) note(domain, 0);
      },
      async sumOf(domains) {
        const known = domains.map(({ name }) => [name, countOf(name)] as const);
        const kept = known.flatMap(([name, count]) => (count === undefined ? [] : [name]));
        await attempt(store.write(new Map(kept.map((name) => [name, counts.get(name) as LastCount]))));
        const sum = known.reduce((total, [, count]) => total + (count ?? 0), 0);
        return sum === 0 && kept.length < known.length ? undefined : sum;
      },
    };
  }
}
