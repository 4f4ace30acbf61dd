import { createHash } from 'node:crypto';
import { MOST_SENDS } from '../contract.ts';
import type { JsonObject } from './canonical.ts';
import { add, type Counts, difference, greatest, isLessThan, numberOf, sortedNames, total } from './counts.ts';
import { eventName, valueAt } from './event.ts';
import { keyPart } from './keys.ts';
import type { StoredFacts } from './reconcile-ports.ts';
import type { Slice, SliceBounds, SliceCounts } from './slice.ts';
import { isExpectedByWebhook, isNeverRetried } from './webhook-type.ts';

/** What one pass over a slice has counted so far. */
export interface Tally extends SliceCounts {
  sent: number;
  mostAttempts: number;
  /** Listed events that a registered webhook should bring. */
  deliverable: number;
}

export function emptyTally(): Tally {
  const none = () => ({});
  return {
    ...{ listed: none(), stored: none(), missing: none(), recovered: none(), polled: none(), late: none() },
    ...{ lost: none(), unconfirmed: none(), tags: {}, stuck: 0, sent: 0, attempts: none(), mostAttempts: 0 },
    unconfirmedNames: none(),
    deliverable: 0,
  };
}

/** Missing events followed one by one; beyond it they share one number, so that the slice stays one small item. */
const MOST_FOLLOWED = 200;
/** Unconfirmed events that are named; of more only the number is known. */
const MOST_NAMED = 200;
/** Tags with a row of their own; a slice is one item, whatever people put into tags. */
const MOST_TAGS = 1000;

/** Type of an event, as counts name it. */
export function typeOf(event: JsonObject): string {
  return keyPart(eventName(event));
}

/** The same, from the sort key of its item. */
export function storedTypeOf(eventSort: string): string {
  return eventSort.split('#')[3] ?? '-';
}

/** Counts one listed event, under each of its tags once. */
export function countListed(tally: Tally, event: JsonObject): void {
  const type = typeOf(event);
  add(tally.listed, type);
  const listed = valueAt(event, 'tags');
  const tags = Array.isArray(listed)
    ? listed.filter((tag) => typeof tag === 'string' && tag !== '' && tag !== '*')
    : [];
  const rows = tags.length === 0 ? [''] : new Set(tags as string[]);
  for (const tag of ['*', ...rows]) {
    const row = Object.hasOwn(tally.tags, tag) ? tally.tags[tag] : {};
    if (row === undefined || (Object.keys(row).length === 0 && Object.keys(tally.tags).length >= MOST_TAGS)) continue;
    add(row, type);
    Object.defineProperty(tally.tags, tag, { value: row, enumerable: true, writable: true, configurable: true });
  }
}

/** Counts how a listed event came in, or that it has not: what no webhook brought is polled, late or lost. */
export function countOrigin(
  tally: Tally,
  event: JsonObject,
  facts: Pick<StoredFacts, 'broughtByWebhook'> | undefined,
  registered: readonly string[],
  isFinal: boolean,
): void {
  if (facts?.broughtByWebhook) return;
  const type = typeOf(event);
  if (!isExpectedByWebhook(event, registered)) {
    if (facts !== undefined) add(tally.polled, type);
    return;
  }
  if (facts !== undefined) add(tally.recovered, type);
  add(isFinal || isNeverRetried(event) ? tally.lost : tally.late, type);
}

/** Counts a stored event that Mailgun does not list. */
export function countUnconfirmed(tally: Tally, storedName: string, type: string): void {
  add(tally.unconfirmed, type);
  if (Object.keys(tally.unconfirmedNames).length < MOST_NAMED) add(tally.unconfirmedNames, shortName(storedName));
}

/** It is listed after all. */
export function confirm(tally: Tally, storedName: string, type: string): void {
  add(tally.unconfirmed, type, -1);
  add(tally.unconfirmedNames, shortName(storedName), -1);
}

/** Short name under which a slice remembers an event. */
export function shortName(storedName: string): string {
  return createHash('sha256').update(storedName).digest('base64url').slice(0, 12);
}

/** Whether a missing event is to be sent once more; counts the attempt, or that it is stuck. */
export function countAttempt(tally: Tally, name: string, previous: Slice | undefined): boolean {
  const before = previous === undefined ? 0 : numberOf(previous.attempts, name) || previous.otherAttempts;
  const isStuck = before >= MOST_SENDS;
  const attempts = isStuck ? before : before + 1;
  if (isStuck) tally.stuck += 1;
  else tally.sent += 1;
  tally.mostAttempts = Math.max(tally.mostAttempts, attempts);
  if (Object.keys(tally.attempts).length <= MOST_FOLLOWED) add(tally.attempts, name, attempts);
  return !isStuck;
}

/** The slice after a pass. What was known of it never shrinks, whatever Mailgun lists this time. */
export function slicePassed(
  bounds: SliceBounds & { domain: string },
  previous: Slice | undefined,
  tally: Tally,
  { nowMs, unlisted }: { nowMs: number; unlisted: boolean },
): Slice {
  const expected = greatest(previous?.expected ?? {}, sum(tally.stored, tally.missing));
  const missing = difference(expected, tally.stored);
  // A listing that has shrunk says nothing on what it leaves out.
  const shrunk = previous !== undefined && isLessThan(tally.listed, previous.listed);
  const kept = shrunk || unlisted ? previous : undefined;
  const from = kept ?? tally;
  const attempts = { ...kept?.attempts, ...tally.attempts };
  const followed = Object.keys(attempts).length <= MOST_FOLLOWED;
  const isOpen = total(missing) > 0;
  return {
    domain: bounds.domain,
    start: bounds.start,
    end: bounds.end,
    expected,
    listed: greatest(previous?.listed ?? {}, tally.listed),
    stored: tally.stored,
    missing,
    recovered: from.recovered,
    polled: from.polled,
    late: from.late,
    lost: from.lost,
    unconfirmed: unlisted && !previous ? {} : from.unconfirmed,
    unconfirmedNames: unlisted && !previous ? {} : (from.unconfirmedNames ?? {}),
    tags: joinTags(previous?.tags ?? {}, tally.tags),
    stuck: isOpen ? Math.max(kept?.stuck ?? 0, tally.stuck) : 0,
    sends: (previous?.sends ?? 0) + (tally.sent > 0 ? 1 : 0),
    attempts: isOpen && followed ? attempts : {},
    otherAttempts: isOpen && (!followed || kept) ? Math.max(previous?.otherAttempts ?? 0, tally.mostAttempts) : 0,
    unlisted: unlisted && (previous?.unlisted ?? true),
    passes: (previous?.passes ?? 0) + 1,
    firstAt: previous?.firstAt ?? nowMs,
    passedAt: kept?.passedAt ?? nowMs,
    settledAt: isOpen ? null : (previous?.settledAt ?? nowMs),
    version: (previous?.version ?? 0) + 1,
  };
}

/** Whether two states of a slice say the same, the passes aside. */
export function saysTheSame(a: Slice, b: Slice): boolean {
  const content = ({ passes: _passes, passedAt: _passedAt, version: _version, ...rest }: Slice) => canonical(rest);
  return content(a) === content(b);
}

function sum(a: Counts, b: Counts): Counts {
  const joined: Counts = { ...a };
  for (const [name, count] of Object.entries(b)) add(joined, name, count);
  return joined;
}

function joinTags(a: Record<string, Counts>, b: Record<string, Counts>): Record<string, Counts> {
  return Object.fromEntries(
    sortedNames(a, b).map((tag) => [
      tag,
      greatest(Object.hasOwn(a, tag) ? (a[tag] as Counts) : {}, Object.hasOwn(b, tag) ? (b[tag] as Counts) : {}),
    ]),
  );
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
