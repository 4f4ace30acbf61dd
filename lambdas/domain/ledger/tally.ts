import { canonicalJson } from '../canonical-json.ts';
import type { MailgunEvent } from '../events/mailgun-event.ts';
import { keyPart, nameInEventKey, parseMessageSort } from '../keys.ts';
import { isExpectedByWebhook, isNeverRetried } from '../webhooks/webhook-type.ts';
import { add, addAll, addToRow, type Counts, total } from './counts.ts';
import { addDimensions, boundedDimensions, emptyDimensions } from './dimensions.ts';
import {
  type ExpectedKinds,
  isUnsettled,
  type ListedWindow,
  type Slice,
  type SliceBounds,
  type SliceCounts,
} from './slice.ts';

/** The counts of one compared part of a slice; parts do not overlap, so their tallies add up. */
export interface Tally extends SliceCounts {
  /** Events sent to the queue. */
  sent: number;
  /** Highest number of requeues among the missing events. */
  sends: number;
  /** Listed events that a registered webhook should bring. */
  deliverable: number;
  /** Names of events that this pass accepts, while an operator closes the slice. */
  acceptedNames: string[];
  /** What was listed and indexed of this part; absent where it was not compared as a whole. */
  window?: Pick<ListedWindow, 'total' | 'indexed'> | undefined;
  /** Absent where an earlier version has compared a part. */
  kinds?: ExpectedKinds | undefined;
}

/** Names kept of the unconfirmed events of a slice, and of those an operator accepts; a slice is one item. */
export const MAX_NAMED_EVENTS = 1000;
/** Tags with a row of their own, whatever people put into tags. */
export const MAX_TAGS = 1000;

export function emptyTally(): Tally {
  return {
    listed: {},
    stored: {},
    missing: {},
    recovered: {},
    polled: {},
    late: {},
    lost: {},
    unconfirmed: {},
    altered: {},
    tags: {},
    dimensions: emptyDimensions(),
    stuck: 0,
    short: 0,
    accepted: 0,
    unconfirmedNames: [],
    acceptedNames: [],
    sent: 0,
    sends: 0,
    deliverable: 0,
    kinds: {},
  };
}

/** Returns the type of an event as used in counts. */
export function typeOf({ name }: MailgunEvent): string {
  return keyPart(name);
}

/** Returns the type of an event as used in counts, from the sort key of its item. */
export function storedTypeOf(eventSort: string): string {
  return nameInEventKey(parseMessageSort(eventSort).eventKey ?? '');
}

/** Counts one event that Mailgun lists or listed, once under each of its tags, in lower case. */
export function countTags(tags: Tally['tags'], event: MailgunEvent): void {
  const type = typeOf(event);
  const names = event.tags.filter((tag) => tag !== '*');
  for (const tag of ['*', ...(names.length === 0 ? [''] : names)]) addTag(tags, tag, type, 1);
}

/** Counts the origin of an event: one that no webhook brought is polled, late or lost. */
export function countOrigin(
  tally: Tally,
  event: MailgunEvent,
  stored: { broughtByWebhook: boolean } | undefined,
  { registered, isFinal }: { registered: readonly string[]; isFinal: boolean },
): void {
  if (stored?.broughtByWebhook) return;
  const type = typeOf(event);
  if (!isExpectedByWebhook(event, registered)) {
    if (stored !== undefined) add(tally.polled, type);
    return;
  }
  if (stored !== undefined) add(tally.recovered, type);
  add(isFinal || isNeverRetried(event) ? tally.lost : tally.late, type);
}

/** Counts an event of a kind that Mailgun may never post, and that is expected all the same. */
export function addKind({ kinds = {} }: Tally, kind: string, atMs: number): void {
  kinds[kind] = Math.min(atMs, kinds[kind] ?? atMs);
}

/** Adds a name to a list that is kept up to a limit. */
export function addName(names: string[], name: string): void {
  if (names.length < MAX_NAMED_EVENTS) names.push(name);
}

/** Returns the sum of the tallies of different parts. */
export function mergeTallies(tallies: readonly Tally[]): Tally {
  const sum = emptyTally();
  for (const tally of tallies) {
    for (const name of COUNTS) addAll(sum[name], tally[name]);
    for (const [tag, row] of Object.entries(tally.tags)) {
      for (const [type, count] of Object.entries(row)) addTag(sum.tags, tag, type, count);
    }
    // A part that an earlier version left behind has none.
    addDimensions(sum.dimensions, tally.dimensions ?? {});
    for (const name of ['stuck', 'short', 'accepted', 'sent', 'deliverable'] as const) sum[name] += tally[name];
    for (const list of ['unconfirmedNames', 'acceptedNames'] as const) {
      for (const name of tally[list]) addName(sum[list], name);
    }
    sum.sends = Math.max(sum.sends, tally.sends);
    for (const [kind, atMs] of Object.entries(tally.kinds ?? {})) addKind(sum, kind, atMs);
  }
  if (tallies.some(({ kinds }) => kinds === undefined)) sum.kinds = undefined;
  return sum;
}

const COUNTS = [
  'listed',
  'stored',
  'missing',
  'recovered',
  'polled',
  'late',
  'lost',
  'unconfirmed',
  'altered',
] as const;

/** The facts of a pass over a slice besides its counts. */
interface Pass {
  startedAtMs: number;
  nowMs: number;
  /** Mailgun may no longer keep the time of the slice, or some of it. */
  unlisted: boolean;
  /** The slice is old enough for its second pass. */
  isOld: boolean;
  /** True if unlisted events become unconfirmed, as in a second pass. */
  isFinal?: boolean;
  /** Why an operator closes the slice with this pass. */
  acceptReason?: string | undefined;
  /** The windows of all parts; undefined where one of them is not known. */
  windows?: ListedWindow[] | undefined;
}

/** Returns the slice after a pass: what was counted replaces what was known. */
export function slicePassed(
  { start, end, domain }: SliceBounds & { domain: string },
  previous: Slice | undefined,
  tally: Tally,
  pass: Pass,
): Slice {
  const { sent: _sent, deliverable: _deliverable, window: _window, kinds: passed, acceptedNames, ...counts } = tally;
  const expected: Counts = {};
  addAll(expected, tally.stored);
  addAll(expected, tally.missing);
  const kinds = pass.unlisted && previous ? previous.kinds : passed;
  // Those of a pass without a listing would take events for listed that it did not know.
  const windows = pass.unlisted ? previous?.windows : pass.windows;
  const acceptance =
    pass.acceptReason === undefined
      ? previous?.acceptance
      : { reason: pass.acceptReason, at: pass.nowMs, names: acceptedNames };
  const isJudgedNow = pass.isFinal && !pass.isOld && total(tally.unconfirmed) > 0;
  return {
    domain,
    start,
    end,
    ...counts,
    dimensions: boundedDimensions(counts.dimensions),
    expected,
    // Nothing is learnt about origins from a listing that is gone.
    ...(pass.unlisted && previous && origins(previous)),
    sends: Math.max(tally.sends, previous?.sends ?? 0),
    unlisted: pass.unlisted && (previous?.unlisted ?? true),
    passes: (previous?.passes ?? 0) + 1,
    firstAt: previous?.firstAt ?? pass.nowMs,
    startedAt: pass.unlisted ? (previous?.startedAt ?? null) : pass.startedAtMs,
    passedAt: pass.unlisted ? (previous?.passedAt ?? pass.nowMs) : pass.nowMs,
    settledAt: isUnsettled({ ...tally, unlisted: pass.unlisted }) ? null : (previous?.settledAt ?? pass.nowMs),
    finalAt: previous?.finalAt ?? (pass.isOld ? pass.nowMs : null),
    ...((isJudgedNow || previous?.isJudgedEarly) && { isJudgedEarly: true as const }),
    ...(acceptance && { acceptance }),
    ...(windows && { windows }),
    ...(kinds && { kinds }),
    version: (previous?.version ?? 0) + 1,
  };
}

/** Returns the slice after a second pass that found the same totals and events: they count as compared again. */
export function sliceUnchanged(previous: Slice, startedAtMs: number, nowMs: number): Slice {
  const passes = previous.passes + 1;
  return { ...previous, passes, startedAt: startedAtMs, finalAt: nowMs, version: previous.version + 1 };
}

/** Returns true where a second pass of the slice could only find what was listed or stored since its last one. */
export function isPermanentlySettled({ late, unconfirmed, stuck, accepted, windows, ...slice }: Slice): boolean {
  const isClean = total(late) + total(unconfirmed) + stuck + accepted === 0;
  const hasTotals = windows?.every((window) => window.total !== null) ?? false;
  return hasTotals && isClean && !slice.unlisted && !isUnsettled(slice);
}

const origins = ({ listed, recovered, polled, late, lost, tags, dimensions }: Slice) => ({
  listed,
  recovered,
  polled,
  late,
  lost,
  tags,
  dimensions,
});

/** Returns true if two states of a slice are the same, its passes aside. */
export function isSameSlice(a: Slice, b: Slice): boolean {
  const content = ({
    passes: _p,
    startedAt: _s,
    passedAt: _a,
    finalAt: _f,
    isJudgedEarly: _j,
    windows: _w,
    kinds: _k,
    version: _v,
    ...rest
  }: Slice) => canonicalJson(rest);
  return content(a) === content(b);
}

/** Tags beyond the limit have no row of their own. */
function addTag(tags: Tally['tags'], tag: string, type: string, count: number): void {
  if (Object.hasOwn(tags, tag) || Object.keys(tags).length < MAX_TAGS) addToRow(tags, tag, type, count);
}
