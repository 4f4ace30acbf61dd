import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, but no longer than until the signal; keeps no process alive. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { ref: false, signal }).catch(() => {});
}
