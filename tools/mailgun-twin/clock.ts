import { setTimeout as wait } from 'node:timers/promises';

/** The twin's time: injected, so that tests need not wait. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Rejects with an AbortError when the run is cancelled. */
  sleep(ms: number): Promise<void>;
}

export function createClock(signal: AbortSignal): Clock {
  return { now: () => Date.now(), sleep: (ms) => wait(Math.max(0, ms), undefined, { signal }) };
}
