import { isObject } from '../domain/canonical.ts';
import type { ListingFailure, Progress } from '../domain/reconcile-ports.ts';

/** `{"replay": …}` as an operator's command sends it; every slice that the time touches is passed over. */
export interface ReplayEvent {
  domain: string;
  fromEpochSeconds: number;
  toEpochSeconds: number;
  /** Only compare: nothing is written, and nothing is sent. */
  plan: boolean;
  /** `progress` of the answer before: a plan notes nothing itself. */
  progress?: Progress | undefined;
}

/**
 * `ran`: as far as `nextFromEpochSeconds`; `backlog`: nothing is sent until the queue is shorter; `busy`: another run is
 * at work; `failed`: Mailgun's listing could not be read; `off`: without an API key; `unknown-domain`: not of this stack.
 */
export type ReplayState = 'ran' | 'backlog' | 'busy' | 'failed' | 'off' | 'unknown-domain';

/** What one call has done, or in a plan what it would have done; the next call goes on from `nextFromEpochSeconds`. */
export interface ReplayReport {
  state: ReplayState;
  slices: number;
  /** Of these: not in the ledger before, and otherwise than they were there. */
  newSlices: number;
  changedSlices: number;
  expected: number;
  missing: number;
  sent: number;
  /** Missing, but sent too often before. */
  stuck: number;
  /** Slices that Mailgun no longer lists. */
  unreachable: number;
  /** All that is due is done; `nextFromEpochSeconds` before the end of the range: from there on nothing is due yet. */
  done: boolean;
  nextFromEpochSeconds: number;
  reason?: ListingFailure;
  progress?: Progress;
}

/** The request to replay in an invocation, if it is one; throws where it is malformed. */
export function replayIn(event: unknown): ReplayEvent | undefined {
  if (!isObject(event) || event.replay === undefined) return undefined;
  const { replay } = event;
  if (!isObject(replay)) throw new TypeError('replay is no object');
  const { domain, fromEpochSeconds, toEpochSeconds, plan = false, progress } = replay;
  if (typeof domain !== 'string') throw new TypeError('replay.domain is no string');
  if (typeof plan !== 'boolean') throw new TypeError('replay.plan is no boolean');
  if (!isTime(fromEpochSeconds)) throw new TypeError('replay.fromEpochSeconds is no time');
  if (!isTime(toEpochSeconds)) throw new TypeError('replay.toEpochSeconds is no time');
  // What this function answered before; only a plan takes it, which changes nothing.
  return { domain, fromEpochSeconds, toEpochSeconds, plan, progress: progress as Progress | undefined };
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
