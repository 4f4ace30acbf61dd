import type { DatedEvent } from '../domain/publishing/published.ts';
import type { PublishFailures, Unpublished } from './ports.ts';
import { MAX_EVENTS_PER_PUT, type PutDeps, putInOrder } from './put-in-order.ts';

/** A change of the table to be published. */
export interface Change {
  /** Place in the stream. */
  position: string;
  event: DatedEvent;
}

interface PublishDeps extends PutDeps {
  failures: PublishFailures;
  now: () => number;
  /**
   * For how long a change is tried; then it goes to the failure queue as a whole. The stream's own on-failure destination
   * would get only its position.
   */
  retryMs: number;
  /** Called with each event that goes to the failure queue. */
  onUnpublished: (reason: string) => void;
}

interface Failed extends Unpublished {
  change: Change;
}

/**
 * Publishes changes in their order, as far as it comes until the deadline. Returns the position of the first that is
 * to come again, with all after it; undefined where all are published or in the failure queue.
 */
export function createPublish(deps: PublishDeps) {
  const { failures, now, retryMs, onUnpublished } = deps;

  return async (
    changes: readonly Change[],
    deadlineMs: number,
  ): Promise<{ position: string; reason: string } | undefined> => {
    let silence: Unpublished | undefined;
    for (let from = 0; from < changes.length; from += MAX_EVENTS_PER_PUT) {
      const chunk = changes.slice(from, from + MAX_EVENTS_PER_PUT);
      if (now() >= deadlineMs) return { position: (chunk[0] as Change).position, reason: 'out-of-time' };
      // Waiting for a silent bus again would use up the time in which the oldest changes can go to the failure queue.
      const outcomes = silence
        ? chunk.map(() => silence)
        : await putInOrder(
            deps,
            chunk.map(({ event }) => event),
          );
      silence ??= outcomes.find((outcome) => outcome?.kind === 'no-reply');
      const failed = chunk.flatMap((change, nth) => (outcomes[nth] ? [{ change, ...outcomes[nth] }] : []));
      const back = await sendToFailures(failed);
      if (back !== undefined) return { position: back.change.position, reason: back.reason };
    }
    return undefined;
  };

  /** Returns the first that must be retried. */
  async function sendToFailures(failed: readonly Failed[]): Promise<Failed | undefined> {
    const isOver = ({ kind, change }: Failed) => kind === 'refused' || now() - change.event.changedAtMs >= retryMs;
    const left = await Promise.all(
      failed.map(async (each) => {
        if (!isOver(each)) return each;
        try {
          await failures.keep(each.change.event, each.reason);
          onUnpublished(each.reason);
          return undefined;
        } catch {
          return each;
        }
      }),
    );
    return left.find((each) => each !== undefined);
  }
}
