import { asciiJson, isDeeperThan, type JsonObject } from '../json.ts';

// Which events: `count-listed.ts`; how they are sent, and counted before: `requeue-missing.ts`; when a slice that stays
// short is read again: `pass-slice.ts`.

/** A missing or altered event is sent to the queue up to this many times; then it is stuck. */
export const MAX_REQUEUES = 5;

/** The most bytes of one encoded event, with room for the envelope of its message. */
const MAX_EVENT_BYTES = 1_000_000;
const MAX_EVENT_DEPTH = 64;

/** What is known of the sends of one event. */
interface Sends {
  sends: number;
  /** Epoch milliseconds of the last one. */
  sentAtMs: number;
}

/** Returns true if an event has no sends left. */
export const isStuck = ({ sends }: Pick<Sends, 'sends'>): boolean => sends >= MAX_REQUEUES;

/** Returns true if the queue can carry an event; one that it cannot is stuck at once. */
export function fitsQueue(event: JsonObject): boolean {
  return !isDeeperThan(event, MAX_EVENT_DEPTH) && asciiJson(event).length <= MAX_EVENT_BYTES;
}

/** Returns true if an event is to be sent now: for the first time, or once the queue has had time to store the last one. */
export function isToBeSent(
  before: Sends | undefined,
  { nowMs, everySeconds, ignoreWaits }: { nowMs: number; everySeconds: number; ignoreWaits: boolean },
): boolean {
  if (before === undefined) return true;
  return !isStuck(before) && (ignoreWaits || nowMs - before.sentAtMs >= (everySeconds * 1000) / 2);
}

/**
 * Returns true if a run may send while this many messages are in the queue. A missing event that was sent before may be
 * among them, so sending one of those again waits until the queue is empty.
 */
export function maySend(messages: number, backlogMessages: number, wereSentBefore: boolean): boolean {
  return messages <= (wereSentBefore ? 0 : backlogMessages);
}

/** A send counts only below `max`, and once a run, however often counting it is repeated. */
export interface SendLimits {
  max: number;
  runId: string;
}

export const sendLimits = (runId: string): SendLimits => ({ max: MAX_REQUEUES, runId });

/** Returns the wait of an open slice after a number of requeues: doubling from one period between runs. */
export function waitSeconds(sends: number, everySeconds: number): number {
  return everySeconds * 2 ** Math.min(Math.max(sends - 1, 0), MAX_REQUEUES - 1);
}
