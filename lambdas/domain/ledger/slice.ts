import { secondPassSeconds } from '../../contract.ts';
import { VISIBLE_AFTER_MS } from '../events/stored-time.ts';
import { type Counts, type Rows, total } from './counts.ts';
import type { Dimensions } from './dimensions.ts';

/** A stretch of time in epoch seconds; the start belongs to it, the end does not. */
export interface SliceBounds {
  start: number;
  end: number;
}

/** Counts of the events of a slice, by type. Each is the size of a set of names, never a difference of counts. */
export interface SliceCounts {
  /** Listed by Mailgun in this pass. */
  listed: Counts;
  stored: Counts;
  /** Listed, now or before, and not stored. */
  missing: Counts;
  /** Stored, but brought by reconciliation although a webhook should have. */
  recovered: Counts;
  /** Stored, and brought by reconciliation because no webhook can or is registered to. */
  polled: Counts;
  /** No webhook has come yet, and may still. */
  late: Counts;
  /** No webhook has come, and none will. */
  lost: Counts;
  /** Stored, and never listed by Mailgun. */
  unconfirmed: Counts;
  /** Stored with facts that decide otherwise than those that Mailgun lists. */
  altered: Counts;
  /** Listed events by tag and type; `""` untagged, `*` all, each event once. */
  tags: Rows;
  /** Listed events by mailbox provider and by sending IP. */
  dimensions: Dimensions;
  /** Missing events that are no longer requeued. */
  stuck: number;
  /** Events that an earlier pass found listed and this one did not. */
  short: number;
  /** Events left out of the counts above, because an operator accepted them. */
  accepted: number;
  /** Names of unconfirmed events, up to a limit. */
  unconfirmedNames: string[];
}

/** Why an operator closed a slice, and the names of the events that this is about. */
interface Acceptance {
  reason: string;
  /** Epoch milliseconds. */
  at: number;
  names: string[];
}

/** A part of a slice that was compared: how many events Mailgun listed around it, and which the day index held in it. */
export interface ListedWindow {
  /** Epoch seconds. */
  from: number;
  to: number;
  /** null if the source's total and its pages disagree, or it has none; to an earlier version it equals no total. */
  total: number | null;
  /** Digest of their names; a number in slices of an earlier version, which are compared again. */
  indexed: string | number;
}

/**
 * Kinds of mail that Mailgun may never post, by the time (epoch ms) from which on events of this slice were expected
 * all the same.
 */
export type ExpectedKinds = Record<string, number>;

/** The ledger's record of one slice of a domain; its counts are those of the last pass. */
export interface Slice extends SliceBounds, SliceCounts {
  domain: string;
  /** Listed by Mailgun or stored. */
  expected: Counts;
  /** Highest number of requeues among the missing events. */
  sends: number;
  /** Mailgun no longer keeps this time, so it was never compared. */
  unlisted: boolean;
  passes: number;
  /** Epoch milliseconds: the first pass, the beginning and the end of the last pass that read Mailgun's listing. */
  firstAt: number;
  startedAt: number | null;
  passedAt: number;
  settledAt: number | null;
  /** Epoch milliseconds of the first pass that came after all webhooks and late indexing; null before it. */
  finalAt: number | null;
  /** A run that waits for nothing has called events unconfirmed before the second pass. */
  isJudgedEarly?: true;
  acceptance?: Acceptance;
  /** What the last pass found of each part; absent where any part of it is unknown. */
  windows?: ListedWindow[];
  /** Absent where an earlier version has passed the slice, which expected every kind. */
  kinds?: ExpectedKinds;
  /** Raised by every pass. */
  version: number;
}

/** Progress of a domain's ledger. */
export interface Watermarks {
  /** Start of the first slice that no pass has written. */
  position: number;
  /** Start of the first slice whose second pass is to come. */
  second: number;
  /** Start of the ledger; absent where an earlier version began it. */
  start?: number | undefined;
}

/**
 * `due`: not compared yet; `open`: something is missing or altered; `short`: Mailgun's listing has shrunk; `settled`:
 * every event is accounted for; `unlisted`: never compared, and Mailgun no longer keeps that time.
 */
export type SliceState = 'due' | 'open' | 'short' | 'settled' | 'unlisted';

/** Returns the state of a slice that was passed. */
export function stateOf(slice: Pick<Slice, 'missing' | 'altered' | 'short' | 'unlisted'>): SliceState {
  if (total(slice.missing) + total(slice.altered) > 0) return 'open';
  if (slice.short > 0) return 'short';
  return slice.unlisted ? 'unlisted' : 'settled';
}

export const isUnsettledState = (state: SliceState): boolean => state === 'open' || state === 'short';

/** Returns true if a slice needs another pass, or to be accepted. */
export function isUnsettled(slice: Parameters<typeof stateOf>[0]): boolean {
  return isUnsettledState(stateOf(slice));
}

/** Returns true if a requeue may still store or correct an event of a slice. */
export function isCorrectable({ missing, altered, stuck }: Pick<Slice, 'missing' | 'altered' | 'stuck'>): boolean {
  return total(missing) + total(altered) > stuck;
}

/** Returns how many events of a slice do not add up; an acceptance closes all of them. */
export function troublesIn({ missing, altered, unconfirmed, short }: SliceCounts): number {
  return total(missing) + total(altered) + total(unconfirmed) + short;
}

type Judged = Pick<Slice, 'unconfirmed' | 'finalAt' | 'isJudgedEarly'>;

/**
 * Returns the events of a slice that its last pass did not find listed, by type: as `unconfirmed`, or as `undecided`
 * before the second pass, since Mailgun may still list them.
 */
export function doubtsOf({ unconfirmed, finalAt, isJudgedEarly }: Judged): { unconfirmed: Counts; undecided: Counts } {
  const isDecided = finalAt !== null || isJudgedEarly === true;
  return isDecided ? { unconfirmed, undecided: {} } : { unconfirmed: {}, undecided: unconfirmed };
}

/** Returns how many events of a slice are unconfirmed. */
export const unconfirmedIn = (slice: Judged): number => total(doubtsOf(slice).unconfirmed);

/** Returns how many events of a slice may be forged: unconfirmed, or listed otherwise than they are stored. */
export function doubtfulIn(slice: Judged & Pick<SliceCounts, 'altered'>): number {
  return total(slice.altered) + unconfirmedIn(slice);
}

/** Returns when an event that was stored then is in the day index for certain, epoch milliseconds. */
export function visibleFrom(storedAtMs: number, settleSeconds: number): number {
  return storedAtMs + Math.min(VISIBLE_AFTER_MS, settleSeconds * 1000);
}

/**
 * Returns true if the last pass of a slice began when an event that was stored then was in the day index: what comes in
 * during a pass may have been missed by it. A settle time as short as that of the local stack bounds the wait.
 */
export function wasComparedSince(
  { startedAt, passedAt }: Pick<Slice, 'startedAt' | 'passedAt'>,
  storedAtMs: number,
  settleSeconds: number,
): boolean {
  return visibleFrom(storedAtMs, settleSeconds) <= (startedAt ?? passedAt);
}

/**
 * Returns the slice that starts at `position` and ends at the next multiple of the length, so that all but the first
 * are aligned.
 */
export function sliceFrom(position: number, lengthSeconds: number): SliceBounds {
  return { start: position, end: alignedStart(position, lengthSeconds) + lengthSeconds };
}

/** Returns the start of the aligned slice that contains this time. */
export function alignedStart(epochSeconds: number, lengthSeconds: number): number {
  return Math.floor(epochSeconds / lengthSeconds) * lengthSeconds;
}

/** Returns when the second pass of a slice is due, in epoch seconds: after all webhooks and late indexing. */
export function secondPassAt({ end }: Pick<SliceBounds, 'end'>, retentionSeconds: number): number {
  return end + secondPassSeconds(retentionSeconds);
}

/** Returns true if a pass of the slice is its second one, or comes after it. */
export function isPastSecondPass(bounds: SliceBounds, retentionSeconds: number, nowMs: number): boolean {
  return nowMs >= secondPassAt(bounds, retentionSeconds) * 1000;
}

/** Returns true if the settle time of the slice is over. */
export function isDue({ end }: SliceBounds, settleSeconds: number, nowMs: number): boolean {
  return nowMs >= (end + settleSeconds) * 1000;
}
