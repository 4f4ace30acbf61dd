import { isObject, isWholeNumber } from '../../domain/json.ts';
import type { DonePart, ListingFailure } from '../ports.ts';

/** `{"replay": …}` as an operator's command sends it; every slice that the time touches is passed. */
export interface ReplayEvent {
  domain: string;
  fromEpochSeconds: number;
  toEpochSeconds: number;
  /** Only compare: nothing is written, and nothing is sent. */
  plan: boolean;
  /** `progress` of the reply before: a plan keeps nothing itself. */
  progress?: DonePart[] | undefined;
}

/** `{"accept": …}`: everything in a slice that does not add up is closed, for a reason. */
export interface AcceptEvent {
  domain: string;
  /** Epoch seconds, anywhere in the slice. */
  atEpochSeconds: number;
  reason: string;
}

/**
 * `ran`: as far as `nextFromEpochSeconds`; `backlog`: nothing is sent until the queue is shorter; `busy`: another run is
 * at work; `failed`: Mailgun's listing could not be read; `off`: without an API key; `unknown-domain`: not of this stack.
 */
export type ReplayState = 'ran' | 'backlog' | 'busy' | 'failed' | 'off' | 'unknown-domain';

/** Work done by one call, or planned; the next call continues from `nextFromEpochSeconds`. */
export interface ReplayReport {
  state: ReplayState;
  slices: number;
  /** Number of slices that were not in the ledger, and of those that changed. */
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
  progress?: DonePart[];
}

/** The result of an acceptance; `unknown-slice`: the ledger has no slice there, `too-many`: more events than it can name. */
export interface AcceptReport {
  state: 'accepted' | 'unknown-slice' | 'too-many' | 'paused' | 'busy' | 'failed' | 'off' | 'unknown-domain';
  slice?: { start: number; end: number };
  /** Events that no longer count as missing, short, altered or unconfirmed. */
  accepted: number;
  reason?: ListingFailure;
}

/** Returns the request to replay in an invocation, or undefined; throws a `TypeError` where it is malformed. */
export function replayIn(event: unknown): ReplayEvent | undefined {
  if (!isObject(event) || event.replay === undefined) return undefined;
  const { replay } = event;
  if (!isObject(replay)) throw new TypeError('replay is not an object');
  const { domain, fromEpochSeconds, toEpochSeconds, plan = false, progress } = replay;
  if (typeof domain !== 'string') throw new TypeError('replay.domain is not a string');
  if (typeof plan !== 'boolean') throw new TypeError('replay.plan is not a boolean');
  if (!isWholeNumber(fromEpochSeconds)) throw new TypeError('replay.fromEpochSeconds is not a time');
  if (!isWholeNumber(toEpochSeconds)) throw new TypeError('replay.toEpochSeconds is not a time');
  // Result of an earlier version; only a plan uses it, which changes nothing.
  const parts = Array.isArray(progress) ? (progress as unknown as DonePart[]) : undefined;
  return { domain, fromEpochSeconds, toEpochSeconds, plan, progress: parts };
}

/** Returns the request to accept in an invocation, or undefined; throws a `TypeError` where it is malformed. */
export function acceptIn(event: unknown): AcceptEvent | undefined {
  if (!isObject(event) || event.accept === undefined) return undefined;
  const { accept } = event;
  if (!isObject(accept)) throw new TypeError('accept is not an object');
  const { domain, atEpochSeconds, reason } = accept;
  if (typeof domain !== 'string') throw new TypeError('accept.domain is not a string');
  if (!isWholeNumber(atEpochSeconds)) throw new TypeError('accept.atEpochSeconds is not a time');
  if (typeof reason !== 'string' || reason.trim() === '') throw new TypeError('accept.reason is empty');
  return { domain, atEpochSeconds, reason: reason.trim() };
}
