import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../tools/mailgun-twin/clock.ts';

/** Returns a clock that jumps to the next sleeper once nothing else is left to do. */
export function createVirtualClock(startMs: number) {
  let now = startMs;
  const sleepers: { at: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + Math.max(0, ms), wake })),
  };

  async function runUntil<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const finish = () => {
      done = true;
    };
    work.then(finish, finish);
    while (!done) {
      await turn();
      sleepers.sort((a, b) => a.at - b.at);
      const next = sleepers.shift();
      if (!next) continue;
      now = next.at;
      next.wake();
    }
    return work;
  }

  return { clock, runUntil };
}
