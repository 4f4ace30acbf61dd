import { setImmediate as turn } from 'node:timers/promises';

/** Counts works that are under way at the same time. */
export function countInFlight() {
  let now = 0;
  const counted = {
    most: 0,
    /** A work that takes a turn of the event loop. */
    async work(): Promise<void> {
      now += 1;
      counted.most = Math.max(counted.most, now);
      await turn();
      now -= 1;
    },
  };
  return counted;
}
