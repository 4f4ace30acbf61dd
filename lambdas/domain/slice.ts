import { MOST_SENDS } from '../contract.ts';
import { type Counts, total } from './counts.ts';

/** A stretch of time in epoch seconds; the start belongs to it, the end does not. */
export interface SliceBounds {
  start: number;
  end: number;
}

/** What is counted of the events of a slice, by their type. */
export interface SliceCounts {
  /** Listed by Mailgun; of a slice, the most that it ever listed. */
  listed: Counts;
  stored: Counts;
  missing: Counts;
  /** Stored, but brought by reconciliation although a webhook should have. */
  recovered: Counts;
  /** Stored, and brought by reconciliation because no webhook can or is registered to. */
  polled: Counts;
  /** No webhook has come yet, and may still. */
  late: Counts;
  /** No webhook has come, and none will. */
  lost: Counts;
  /** Stored, but not listed by Mailgun. */
  unconfirmed: Counts;
  /** The same events by their short names, up to a limit, so that each can be told. */
  unconfirmedNames: Counts;
  /** Listed events by tag and type; `""` untagged, `*` all, each event once. */
  tags: Record<string, Counts>;
  /** Missing events that are sent no more. */
  stuck: number;
  /** How often each missing event was sent, by its short name; empty where they are too many. */
  attempts: Counts;
}

/** What is known of one slice of a domain's ledger. */
export interface Slice extends SliceBounds, SliceCounts {
  domain: string;
  /** Listed by Mailgun or stored; never shrinks. */
  expected: Counts;
  /** Passes that sent something. */
  sends: number;
  /** How often the others were sent at most. */
  otherAttempts: number;
  /** Mailgun no longer keeps this time, so nothing could be listed. */
  unlisted: boolean;
  passes: number;
  /** Epoch milliseconds: the first pass, and the last one that compared. */
  firstAt: number;
  passedAt: number;
  settledAt: number | null;
  /** Raised with every change, except of `passes` and `passedAt`. */
  version: number;
}

/** `due`: not judged yet; `open`: something is missing; `settled`: nothing is; `unlisted`: Mailgun no longer tells. */
export type SliceState = 'due' | 'open' | 'settled' | 'unlisted';

export function stateOf(slice: Pick<Slice, 'missing' | 'unlisted'>): SliceState {
  if (total(slice.missing) > 0) return 'open';
  return slice.unlisted ? 'unlisted' : 'settled';
}

/** The slice that starts at `position` and ends at the next multiple of the length, so that all but the first are aligned. */
export function sliceFrom(position: number, lengthSeconds: number): SliceBounds {
  return { start: position, end: alignedStart(position, lengthSeconds) + lengthSeconds };
}

/** The start of the aligned slice that holds this time. */
export function alignedStart(epochSeconds: number, lengthSeconds: number): number {
  return Math.floor(epochSeconds / lengthSeconds) * lengthSeconds;
}

/** Whether Mailgun has had its time to index what happened in the slice. */
export function isDue({ end }: SliceBounds, settleSeconds: number, nowMs: number): boolean {
  return nowMs >= (end + settleSeconds) * 1000;
}

/** Wait of an open slice after so many sending passes: doubling from one period between runs. */
export function waitSeconds(sends: number, everySeconds: number): number {
  return everySeconds * 2 ** Math.min(Math.max(sends - 1, 0), MOST_SENDS - 1);
}
