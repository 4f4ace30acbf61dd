/** Minutes between Mailgun's attempts, by its manual, its help centre and a measurement of 2019. */
export const RETRY_MINUTES = {
  manual: [5, 10, 15, 60, 120, 240],
  helpCentre: [10, 10, 15, 30, 60, 120, 240],
  measured: [10, 15, 30, 60, 120, 240],
} as const;

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
