import type { Random } from '../random.ts';

// `draw-delivery-plan.ts` draws a schedule and what is signed again; `delivery.ts` makes the attempts.

/** Minutes between Mailgun's attempts, by its manual, its help centre and a measurement of 2019. */
export const RETRY_MINUTES = {
  manual: [5, 10, 15, 60, 120, 240],
  helpCentre: [10, 10, 15, 30, 60, 120, 240],
  measured: [10, 15, 30, 60, 120, 240],
} as const;

/** The schedule of a delivery without faults: that of the manual. */
export const USUAL_RETRY_MINUTES: readonly number[] = RETRY_MINUTES.manual;

/** The schedule of mail sent to the twin by the Messages API: no process here lives long enough for retries. */
export const NO_RETRIES: readonly number[] = [];

/** Draws one of the schedules: the sources disagree, so all must work. */
export const drawRetryMinutes = (random: Random): readonly number[] =>
  random.pick<readonly number[]>([RETRY_MINUTES.manual, RETRY_MINUTES.helpCentre, RETRY_MINUTES.measured]);

/** Returns true for every type of event that Mailgun posts again after a failed attempt. */
export const isRetried = (event: string): boolean => event !== 'delivered';

/** `lost`: not acknowledged at the only attempt. */
export type Outcome = 'pending' | 'acknowledged' | 'rejected' | 'gave-up' | 'lost';

/** Returns the outcome after an attempt; status null if no response arrived. */
export function outcomeOf(event: string, status: number | null, hasAttemptsLeft: boolean): Outcome {
  if (status === 200) return 'acknowledged';
  if (status === 406) return 'rejected';
  if (!isRetried(event)) return 'lost';
  return hasAttemptsLeft ? 'pending' : 'gave-up';
}
