import type { JsonObject } from '../../domain/json.ts';
import { fitsQueue, MAX_REQUEUES, sendLimits } from '../../domain/ledger/requeue.ts';
import type { Requeue, RequeueQueue, Requeues, SliceKey } from '../ports.ts';

export interface RequeueDeps {
  requeues: Requeues;
  queue: RequeueQueue;
  now: () => number;
  onFailure: (domain: string, error: unknown) => void;
}

/** An event that is missing, or altered, so that process corrects it from the listing. */
export interface Unstored {
  requeue: Omit<Requeue, 'sends' | 'sentAtMs'>;
  event: JsonObject;
  /** Replaces the stored event of the same identity. */
  corrects: boolean;
  /** Keys of the recipients under which redacted copies of it are stored. */
  redactedAs: string[];
}

const SENDS_AT_ONCE = 10;

/**
 * Sends events to the queue, each counted first. Returns the names of those that have no sends left. A send that fails
 * stops no other; what was not sent is missing in the next pass too.
 */
export function createRequeueMissing({ requeues, queue, now, onFailure }: RequeueDeps) {
  return async (
    slice: SliceKey,
    runId: string,
    events: readonly Unstored[],
  ): Promise<{ sent: number; stuck: string[] }> => {
    const stuck: string[] = [];
    let sent = 0;
    const sendOne = async ({ requeue, event, corrects, redactedAs }: Unstored) => {
      const attempt = { ...requeue, sentAtMs: now() };
      if (!fitsQueue(event)) {
        await requeues.put(slice, { ...attempt, sends: MAX_REQUEUES });
        stuck.push(requeue.name);
      } else if (await requeues.count(slice, attempt, sendLimits(runId))) {
        const message = { source: 'reconcile' as const, receivedAt: now(), domain: slice.domain, event };
        await queue.send({ ...message, ...(corrects && { corrects }), ...(redactedAs.length > 0 && { redactedAs }) });
        sent += 1;
      } else stuck.push(requeue.name);
    };
    for (let from = 0; from < events.length; from += SENDS_AT_ONCE) {
      const results = await Promise.allSettled(events.slice(from, from + SENDS_AT_ONCE).map(sendOne));
      for (const result of results) if (result.status === 'rejected') onFailure(slice.domain, result.reason);
    }
    return { sent, stuck };
  };
}
