import { asciiJson, isDeeperThan, type JsonObject } from '../../domain/json.ts';
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

/** The most bytes of one encoded message, with room for its envelope. */
const MAX_EVENT_BYTES = 1_000_000;
const MAX_EVENT_DEPTH = 64;
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
        await requeues.exhaust(slice, attempt);
        stuck.push(requeue.name);
      } else if (await requeues.count(slice, attempt, runId)) {
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

function fitsQueue(event: JsonObject): boolean {
  return !isDeeperThan(event, MAX_EVENT_DEPTH) && asciiJson(event).length <= MAX_EVENT_BYTES;
}
