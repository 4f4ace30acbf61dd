import { setTimeout as sleep } from 'node:timers/promises';

export const PATIENCE_MS = 120_000;

/** Retries until `holds` succeeds; throws its last error once the time is over. */
export async function within(ms: number, holds: () => Promise<void>): Promise<void> {
  for (const untilMs = Date.now() + ms; ; await sleep(1000)) {
    try {
      return await holds();
    } catch (error) {
      if (Date.now() > untilMs) throw error;
    }
  }
}
