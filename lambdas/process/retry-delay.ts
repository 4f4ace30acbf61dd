import { MAX_RETRY_VISIBILITIES } from '../contract.ts';

/** Seconds until the next try: doubling from two, up to five times the queue's visibility timeout. */
export function retryDelaySeconds(receiveCount: number, visibilitySeconds: number): number {
  return Math.min(2 ** Math.min(receiveCount, 16), MAX_RETRY_VISIBILITIES * visibilitySeconds);
}
