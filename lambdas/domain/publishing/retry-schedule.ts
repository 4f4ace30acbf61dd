// While a receiver is disabled nothing is sent: a 410 disables it at once, and so do days of failures
// (`receiver-state.ts`). Without another attempt a delivery is dead (`delivery.ts`); the queue keeps it no longer than
// `lib/constructs/receiver.ts` says.

/** When a delivery is retried, and for how long. */
export interface RetrySchedule {
  /** Seconds before the second attempt, the third, and so on; their default is in `lib/config/receivers.ts`. */
  waits: readonly number[];
  /** Returns a number from 0 to 1; spreads attempts so that a recovering receiver does not get all at once. */
  random: () => number;
}

/** Up to this share is added to a wait. */
const JITTER = 0.2;
/** A receiver may delay the next attempt by up to this. */
const MAX_RETRY_AFTER_SECONDS = 86_400;

/** When an attempt was requested (epoch milliseconds), and how long it took. */
interface MadeAttempt {
  readonly at: number;
  readonly ms: number;
}

/** Any 2xx; every other response, or none, is a failed attempt. */
export const isAcknowledgement = ({ status = 0 }: { readonly status?: number | undefined }) =>
  status >= 200 && status < 300;

/**
 * Returns the epoch milliseconds of the attempt after these, the last of which failed; undefined if there is none. It
 * waits from the end of an attempt; attempts are counted since the event was requested, so a redelivery begins again.
 */
export function nextAttemptAt(
  attempts: readonly MadeAttempt[],
  requestedAt: number,
  schedule: RetrySchedule,
  retryAfter: number,
): number | undefined {
  const last = attempts.at(-1);
  const waitMs = waitMsAfter(attempts.filter(({ at }) => at >= requestedAt).length, schedule, retryAfter);
  return last === undefined || waitMs === undefined ? undefined : last.at + last.ms + waitMs;
}

/** Returns the milliseconds to wait after so many failed attempts; undefined after the last. */
function waitMsAfter(attempts: number, schedule: RetrySchedule, retryAfter: number): number | undefined {
  const wait = schedule.waits[attempts - 1];
  if (wait === undefined) return undefined;
  const seconds = Math.max(wait * (1 + JITTER * schedule.random()), Math.min(retryAfter, MAX_RETRY_AFTER_SECONDS));
  return Math.ceil(seconds * 1000);
}

/** Returns the seconds to wait by `Retry-After` (seconds or a date); 0 without it. */
export function retryAfterSeconds(status: number, header: string | undefined, nowMs: number): number {
  if (header === undefined || (status !== 429 && status !== 503)) return 0;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isFinite(at) ? Math.max(0, Math.ceil((at - nowMs) / 1000)) : 0;
}
