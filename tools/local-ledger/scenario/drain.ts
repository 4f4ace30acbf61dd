import type { Clock } from '../../mailgun-twin/clock.ts';
import { readStackStats } from './stack-stats.ts';

/** What is left in the queues when the wait is over. */
export interface Leftovers {
  readonly waiting: number;
  readonly deadLetters: number;
}

const POLL_MS = 250;
const REPORT_EVERY_MS = 2_000;
/** Messages that keep failing rest longer and longer between tries; after this without any progress they are stuck. */
const PATIENCE_MS = 90_000;

/** Waits until the queue was seen empty twice running, or until it has stopped getting emptier. */
export async function waitUntilDrained(
  controlUrl: string,
  clock: Clock,
  signal: AbortSignal,
  onProgress: (waiting: number) => void,
): Promise<Leftovers> {
  let fewest = Number.POSITIVE_INFINITY;
  let progressAt = clock.now();
  let reportedAt = Number.NEGATIVE_INFINITY;
  for (let calm = 0; ; ) {
    const { queue, deadLetters } = await readStackStats(controlUrl, signal);
    const waiting = queue.visible + queue.inFlight;
    if (waiting < fewest) {
      fewest = waiting;
      progressAt = clock.now();
      if (waiting === 0 || progressAt - reportedAt >= REPORT_EVERY_MS) {
        reportedAt = progressAt;
        onProgress(waiting);
      }
    }
    calm = waiting === 0 ? calm + 1 : 0;
    if (calm === 2 || clock.now() - progressAt > PATIENCE_MS) return { waiting, deadLetters };
    await clock.sleep(POLL_MS);
  }
}
