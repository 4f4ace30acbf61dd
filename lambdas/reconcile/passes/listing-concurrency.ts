import type { MailgunSource } from '../ports.ts';
import { createSemaphore } from './semaphore.ts';

/** After this many calls without a 429, one more may run concurrently. */
const QUIET_CALLS = 20;

/**
 * Limits concurrent listing calls, first come first served. A 429 halves the limit; calls without one
 * raise it again, one by one.
 */
export function withAdaptiveConcurrency(source: MailgunSource, maxParallel: number): MailgunSource {
  const semaphore = createSemaphore(maxParallel);
  let quiet = 0;
  const limited = <Result>(call: (onRateLimited: () => void) => Promise<Result>): Promise<Result> =>
    semaphore.run(async () => {
      let isLimited = false;
      const result = await call(() => {
        if (!isLimited) semaphore.limit = Math.max(1, Math.floor(semaphore.limit / 2));
        isLimited = true;
        quiet = 0;
      });
      quiet += 1;
      if (quiet % QUIET_CALLS === 0) semaphore.limit = Math.min(maxParallel, semaphore.limit + 1);
      return result;
    });
  return {
    page: (request) => limited((onRateLimited) => source.page({ ...request, onRateLimited })),
    total: (request) => limited(async (onRateLimited) => source.total?.({ ...request, onRateLimited })),
  };
}
