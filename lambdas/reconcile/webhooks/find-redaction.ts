import type { SendingDomain } from '../../contract.ts';
import { ListingError, type RedactionSwitch } from '../ports.ts';
import {
  type CompareWebhooksDeps,
  type ComparisonRequest,
  isTimeToCompare,
  MAX_SEARCH_MS,
} from './compare-webhooks.ts';
import { eachInTime } from './each-in-time.ts';
import type { LastCounts } from './last-counts.ts';

interface FindRedactionDeps
  extends Pick<CompareWebhooksDeps, 'domains' | 'isConfigured' | 'everySeconds' | 'lastCounts' | 'now' | 'onFailure'> {
  redaction: RedactionSwitch;
  /** Called with every domain whose webhooks are redacted. */
  onRedacted: (domain: string) => void;
}

/**
 * Returns the number of domains whose webhooks Mailgun redacts, of those that cannot be read as last read; undefined if
 * it is not time to compare, Mailgun reports the switch of none, or none is on and that of one is not known. Never throws.
 */
export function createFindRedaction(deps: FindRedactionDeps) {
  const isRedacted = async (domain: SendingDomain, deadlineMs: number, counts: LastCounts) => {
    try {
      const isOn = await deps.redaction.isOn(domain, deadlineMs);
      counts.note(domain.name, isOn === true ? 1 : 0);
      return isOn;
    } catch (error) {
      counts.noteFailure(domain.name, error);
      // A key that may read events need not read domains.
      const isRefused = error instanceof ListingError && error.reason === 'unauthorized';
      if (!isRefused) deps.onFailure(domain.name, error);
      return undefined;
    }
  };

  return async ({ ignoreWaits, deadlineMs: endMs }: ComparisonRequest): Promise<number | undefined> => {
    if (!ignoreWaits && !isTimeToCompare(deps.now(), deps.everySeconds)) return undefined;
    if (!(await deps.isConfigured().catch(() => false))) return undefined;
    const counts = await deps.lastCounts();
    if (counts === undefined) return undefined;
    let isReported = false;
    await eachInTime(deps.domains, { maxMs: MAX_SEARCH_MS, endMs, now: deps.now }, async (domain, deadlineMs) => {
      const isOn = await isRedacted(domain, deadlineMs, counts);
      isReported ||= isOn !== undefined;
      if (isOn) deps.onRedacted(domain.name);
    });
    return isReported ? counts.sumOf(deps.domains) : undefined;
  };
}
