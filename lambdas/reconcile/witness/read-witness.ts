import type { SendingDomain } from '../../contract.ts';
import { HOUR_SECONDS } from '../../contract.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { eachOf, startingWith } from '../../domain/concurrency.ts';
import { utcDay } from '../../domain/keys.ts';
import type { Watermarks } from '../../domain/ledger/slice.ts';
import { hourOf, mergeHours, WITNESS_KEPT_SECONDS, type WitnessHour } from '../../domain/ledger/witness.ts';
import {
  ListingError,
  type MailgunMetrics,
  mayLast,
  type ReconciliationState,
  type WitnessRepository,
  type WitnessState,
} from '../ports.ts';
import type { ComparisonRequest } from '../webhooks/compare-webhooks.ts';

interface ReadWitnessDeps {
  metrics: MailgunMetrics;
  witness: WitnessRepository;
  ledger: Pick<ReconciliationState, 'readWatermarks'>;
  domains: readonly SendingDomain[];
  /** True if a Mailgun API key is set. */
  isConfigured: () => Promise<boolean>;
  now: () => number;
  onFailure: (domain: string, error: unknown) => void;
}

/** Calls of a domain in a UTC day, those of operators included. */
export const MAX_CALLS_A_DAY = 30;
/** A little less than an hour, so that a run that starts early is not left out. */
const CALL_EVERY_MS = 55 * 60_000;
/** Counts of this time are read again at each call, since Mailgun adds to them late. */
const REREAD_SECONDS = 72 * HOUR_SECONDS;
/** The most that one call reads: a page that holds all of it. */
const MAX_CALL_SECONDS = 500 * HOUR_SECONDS;
/** For one domain. */
const MAX_READ_MS = 8000;
const AT_ONCE = 4;
/** For all domains together: Mailgun responds within a second. What it does not suffice for is read by the next run. */
const maxRunMs = (domains: number) => Math.max(MAX_READ_MS, (domains * 1000) / AT_ONCE);
const PUTS_AT_ONCE = 10;
/** Failed webhooks of this time are returned. */
const FAILED_WEBHOOKS_SECONDS = 6 * HOUR_SECONDS;

/**
 * Reads Mailgun's own counts of the hours that the ledger has passed, one call an hour and domain. Returns how many
 * failed webhooks it counts of the last hours, with those last read of domains whose turn it is not; undefined where
 * nothing was read, or it counts none and a domain was not read for hours. Never throws.
 */
export function createReadWitness(deps: ReadWitnessDeps) {
  const { metrics, witness, now } = deps;

  return async ({
    ignoreWaits,
    deadlineMs: endMs = Number.POSITIVE_INFINITY,
  }: ComparisonRequest): Promise<number | undefined> => {
    if (!(await deps.isConfigured().catch(() => false))) return undefined;
    const deadlineMs = Math.min(now() + maxRunMs(deps.domains.length), endMs);
    let failedWebhooks = 0;
    let isRead = false;
    let isWhole = true;
    await eachOf(startingWith(deps.domains, Math.floor(now() / 3_600_000)), AT_ONCE, async (domain) => {
      let failed: number | undefined;
      try {
        const [previous, watermarks] = await Promise.all([
          witness.readState(domain.name),
          deps.ledger.readWatermarks(domain.name),
        ]);
        failed = lastRead(previous, now() / 1000);
        // Without a ledger there is nothing to compare.
        if (watermarks === undefined) failed = 0;
        else if (now() < deadlineMs) {
          const callEndMs = Math.min(now() + MAX_READ_MS, deadlineMs);
          const found = await readDomain(domain, watermarks, previous, ignoreWaits, callEndMs);
          isRead ||= found !== undefined;
          failed = found ?? failed;
        }
      } catch (error) {
        if (mayLast(error)) failed ??= 0;
        deps.onFailure(domain.name, error);
      }
      failedWebhooks += failed ?? 0;
      isWhole &&= failed !== undefined;
    });
    return isRead && (isWhole || failedWebhooks > 0) ? failedWebhooks : undefined;
  };

  async function readDomain(
    domain: SendingDomain,
    watermarks: Watermarks,
    previous: WitnessState | undefined,
    ignoreWaits: boolean,
    deadlineMs: number,
  ): Promise<number | undefined> {
    const { name } = domain;
    if (previous !== undefined && !ignoreWaits && now() - previous.calledAt < CALL_EVERY_MS) return undefined;
    const calls = previous !== undefined && utcDay(previous.calledAt) === utcDay(now()) ? previous.calls : 0;
    const range = rangeToRead(watermarks, previous, Math.floor(now() / 1000));
    if (calls >= MAX_CALLS_A_DAY || range.from >= range.to) return undefined;
    const { from, to } = range;
    // Counted before the call, so that no crash makes more of them.
    const called = {
      ...(previous ?? { since: from, until: from, failedWebhooks: 0 }),
      calledAt: now(),
      calls: calls + 1,
    };
    if (!(await witness.moveState(name, called, previous))) return undefined;
    const known = new Map((await witness.hours(name, from, to)).map((hour) => [hour.start, hour]));
    const hours = await metrics.hours(domain, from, to, deadlineMs).catch(async (error) => {
      const isTooOld = error instanceof ListingError && error.reason === 'out-of-retention';
      const recent = hourOf(watermarks.position) - REREAD_SECONDS;
      // A plan with a shorter retention refuses older hours; the next call begins within any plan's retention.
      if (isTooOld && from < recent) await witness.moveState(name, { ...called, since: recent, until: recent }, called);
      throw error;
    });
    let failedWebhooks = 0;
    const changed: WitnessHour[] = [];
    for (const hour of hours) {
      const before = known.get(hour.start);
      const merged = mergeHours(before, hour);
      if (hour.start + HOUR_SECONDS > now() / 1000 - FAILED_WEBHOOKS_SECONDS) failedWebhooks += merged.failedWebhooks;
      if (canonicalJson(merged) !== canonicalJson(before ?? null)) changed.push(merged);
    }
    await eachOf(changed, PUTS_AT_ONCE, (hour) => witness.put(name, hour));
    // Hours in between were never read: they are unknown, not zero.
    const since = from > called.until ? from : called.since;
    await witness.moveState(name, { ...called, since, until: Math.max(called.until, to), failedWebhooks }, called);
    return failedWebhooks;
  }
}

/** Returns the range of whole hours to read, passed by the ledger and within Mailgun's retention; unread ones first. */
function rangeToRead(
  { position, start }: { position: number; start?: number | undefined },
  previous: WitnessState | undefined,
  nowSeconds: number,
): { from: number; to: number } {
  const end = hourOf(position);
  const oldest = hourOf(Math.max(start ?? end - REREAD_SECONDS, nowSeconds - WITNESS_KEPT_SECONDS) + HOUR_SECONDS - 1);
  const from = Math.max(oldest, Math.min(previous?.until ?? oldest, end - REREAD_SECONDS));
  return { from, to: Math.min(end, from + MAX_CALL_SECONDS) };
}

/** Returns the previously read number of failed webhooks in the last hours; undefined once those hours are over. */
function lastRead(previous: WitnessState | undefined, nowSeconds: number): number | undefined {
  const isRecent = previous !== undefined && previous.until > nowSeconds - FAILED_WEBHOOKS_SECONDS;
  return isRecent ? previous.failedWebhooks : undefined;
}
