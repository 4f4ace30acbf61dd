import type { SendingDomain } from '../../contract.ts';
import { eachOf } from '../../domain/concurrency.ts';
import {
  classesRange,
  isTimeToTry,
  type KnownClasses,
  NOT_GIVEN,
  summedClasses,
  withoutResult,
} from '../../domain/ledger/bounce-classes.ts';
import { type BounceClassRepository, ListingError, type MailgunClasses } from '../ports.ts';

interface ReadClassesDeps {
  classes: MailgunClasses;
  store: BounceClassRepository;
  domains: readonly SendingDomain[];
  /** True if a Mailgun API key is set. */
  isConfigured: () => Promise<boolean>;
  now: () => number;
  onFailure: (domain: string, error: unknown) => void;
}

/** For all domains together; those that no time is left for have their turn in the next run. */
const MAX_BEGIN_MS = 3000;
const MAX_READ_MS = 6000;
const AT_ONCE = 4;

/** Reads Mailgun's classes of failures once a UTC day and domain; why it got none is kept beside them. Never throws. */
export function createReadClasses({ classes, store, domains, isConfigured, now, onFailure }: ReadClassesDeps) {
  return async (): Promise<void> => {
    if (!(await isConfigured().catch(() => false))) return;
    const startedMs = now();
    await eachOf(domains, AT_ONCE, async (domain) => {
      if (now() >= startedMs + MAX_BEGIN_MS) return;
      try {
        await readDomain(domain, startedMs + MAX_READ_MS);
      } catch (error) {
        onFailure(domain.name, error);
      }
    });
  };

  async function readDomain(domain: SendingDomain, deadlineMs: number): Promise<void> {
    const known = await store.read(domain.name);
    const triedAt = now();
    if (!isTimeToTry(known, triedAt)) return;
    // Noted before the call, so that no crash makes more of them.
    const tried = withoutResult(known, triedAt);
    if (await store.write(domain.name, tried, known)) {
      await store.write(domain.name, await classesOf(domain, tried, deadlineMs), tried);
    }
  }

  async function classesOf(domain: SendingDomain, tried: KnownClasses, deadlineMs: number): Promise<KnownClasses> {
    const { triedAt } = tried;
    const range = classesRange(triedAt);
    try {
      const found = await classes.ofDomain(domain, range, deadlineMs);
      if (found === undefined) return withoutResult(tried, triedAt, NOT_GIVEN);
      const summed = summedClasses(found.rows);
      const read = { at: Math.floor(triedAt / 1000), ...range, ...summed, isCut: summed.isCut || !found.isWhole };
      return { triedAt, note: null, read };
    } catch (error) {
      if (!(error instanceof ListingError)) throw error;
      if (error.reason === 'unauthorized') return withoutResult(tried, triedAt, NOT_GIVEN);
      onFailure(domain.name, error);
      return withoutResult(tried, triedAt, error.reason);
    }
  }
}
