import type { SendingDomain } from '../../contract.ts';
import { type DriftKind, type RegisteredWebhook, webhookDrift } from '../../domain/webhooks/webhook-drift.ts';
import type { RegisteredWebhooks } from '../ports.ts';
import { eachInTime } from './each-in-time.ts';
import type { createLastCounts } from './last-counts.ts';

export interface CompareWebhooksDeps {
  webhooks: RegisteredWebhooks;
  domains: readonly SendingDomain[];
  /** This stack's URL; it may be secret, so it is never shown. */
  webhookUrl: string;
  /** Webhook types that must be registered. */
  wanted: readonly string[];
  /** True if a Mailgun API key is set. */
  isConfigured: () => Promise<boolean>;
  /** Seconds between runs. */
  everySeconds: number;
  lastCounts: ReturnType<typeof createLastCounts>;
  now: () => number;
  /** Called with every domain that was compared. */
  onCompared: (domain: string, counts: Partial<Record<DriftKind, number>>) => void;
  onFailure: (domain: string, error: unknown) => void;
}

export interface ComparisonRequest {
  ignoreWaits: boolean;
  /** End of the run, in epoch milliseconds; no call goes beyond it. @default only the comparison's own limit */
  deadlineMs?: number;
}

/** Quarters of an hour are the usual period, so this is once an hour. */
const PERIODS_BETWEEN = 4;
/** The domains share it; what it does not suffice for waits for the next time. */
const MAX_COMPARISON_MS = 10_000;
/** For a search among the domains at Mailgun; what it does not suffice for waits for the next time, too. */
export const MAX_SEARCH_MS = 5000;

/** Returns true for runs that compare, by the clock alone, so that nothing needs to be stored. */
export function isTimeToCompare(nowMs: number, everySeconds: number): boolean {
  return Math.floor(nowMs / 1000 / everySeconds) % PERIODS_BETWEEN === 0;
}

/**
 * Compares the webhooks registered at Mailgun with those of this stack, about once an hour. Returns the sum of all
 * drift, of domains that cannot be read as last read; undefined if nothing was compared, or no drift was found and the
 * count of a domain is not known. Never throws.
 */
export function createCompareWebhooks(
  deps: CompareWebhooksDeps,
): (request: ComparisonRequest) => Promise<number | undefined> {
  const { webhooks, domains, webhookUrl, wanted, everySeconds, lastCounts, now } = deps;

  return async ({ ignoreWaits, deadlineMs: endMs }) => {
    if (!ignoreWaits && !isTimeToCompare(now(), everySeconds)) return undefined;
    if (!(await deps.isConfigured().catch(() => false))) return undefined;
    const counted = await lastCounts();
    if (counted === undefined) return undefined;
    const startedMs = now();
    const lastMs = Math.min(startedMs + MAX_COMPARISON_MS, endMs ?? Number.POSITIVE_INFINITY);
    const ofAccounts = readAccounts(startedMs + (lastMs - startedMs) / 2);
    let isRead = false;
    await eachInTime(domains, { maxMs: MAX_COMPARISON_MS, endMs: lastMs, now }, async (domain, deadlineMs) => {
      try {
        const ofDomain = await webhooks.ofDomain(domain, deadlineMs);
        const ofAccount = (await ofAccounts.get(domain.region)) ?? [];
        const counts: Partial<Record<DriftKind, number>> = {};
        for (const { kind } of webhookDrift([...ofAccount, ...ofDomain], webhookUrl, wanted)) {
          counts[kind] = (counts[kind] ?? 0) + 1;
        }
        const sum = Object.values(counts).reduce((total, count) => total + count, 0);
        counted.note(domain.name, sum);
        isRead = true;
        deps.onCompared(domain.name, counts);
      } catch (error) {
        counted.noteFailure(domain.name, error);
        deps.onFailure(domain.name, error);
      }
    });
    return isRead ? counted.sumOf(domains) : undefined;
  };

  /** Starts one call for each region: all its domains need the result, so it gets more time than a domain's share. */
  function readAccounts(deadlineMs: number): Map<SendingDomain['region'], Promise<RegisteredWebhook[]>> {
    const regions = new Set(domains.map(({ region }) => region));
    const readings = new Map([...regions].map((region) => [region, webhooks.ofAccount(region, deadlineMs)]));
    // A failure is reported by each domain that awaits it, which may be later.
    for (const reading of readings.values()) reading.catch(() => undefined);
    return readings;
  }
}
