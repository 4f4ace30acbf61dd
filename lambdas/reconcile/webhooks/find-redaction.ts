import type { SendingDomain } from '../../contract.ts';
import { ListingError, type RedactionSwitch } from '../ports.ts';
import { type CompareWebhooksDeps, isTimeToCompare } from './compare-webhooks.ts';
import { eachInTime } from './each-in-time.ts';

interface FindRedactionDeps
  extends Pick<CompareWebhooksDeps, 'domains' | 'isConfigured' | 'everySeconds' | 'now' | 'onFailure'> {
  redaction: RedactionSwitch;
  /** Called with every domain whose webhooks are redacted. */
  onRedacted: (domain: string) => void;
}

/** The domains share it; those it does not suffice for are left out this time. */
const MAX_SEARCH_MS = 5000;

/**
 * Returns the number of domains whose webhooks Mailgun redacts; undefined if Mailgun reports none of them, or it is not
 * time to compare. Never throws.
 */
export function createFindRedaction(deps: FindRedactionDeps) {
  const isRedacted = async (domain: SendingDomain, deadlineMs: number): Promise<boolean | undefined> => {
    try {
      return await deps.redaction.isOn(domain, deadlineMs);
    } catch (error) {
      // A key that may read events need not read domains.
      const isRefused = error instanceof ListingError && error.reason === 'unauthorized';
      if (!isRefused) deps.onFailure(domain.name, error);
      return undefined;
    }
  };

  return async ({ ignoreWaits }: { ignoreWaits: boolean }): Promise<number | undefined> => {
    if (!ignoreWaits && !isTimeToCompare(deps.now(), deps.everySeconds)) return undefined;
    if (!(await deps.isConfigured().catch(() => false))) return undefined;
    let count: number | undefined;
    await eachInTime(deps.domains, { maxMs: MAX_SEARCH_MS, now: deps.now }, async (domain, deadlineMs) => {
      const isOn = await isRedacted(domain, deadlineMs);
      if (isOn === undefined) return;
      count = (count ?? 0) + Number(isOn);
      if (isOn) deps.onRedacted(domain.name);
    });
    return count;
  };
}
