import { setTimeout as wait } from 'node:timers/promises';

/** Time as the twin knows it: passed in, so that a test need not wait for it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Rejects with an AbortError when the run is called off. */
  sleep(ms: number): Promise<void>;
}

export function createClock(signal: AbortSignal): Clock {
  return { now: () => Date.now(), sleep: (ms) => wait(Math.max(0, ms), undefined, { signal }) };
}
