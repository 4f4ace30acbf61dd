import { MAX_REQUEUES } from '../contract.ts';
import type { JsonObject } from '../domain/canonical.ts';
import { add } from '../domain/counts.ts';
import { decidingFacts, isDecidedByContent } from '../domain/deciding-facts.ts';
import { tombstoneIdentity } from '../domain/erasure.ts';
import { eventTimeMs } from '../domain/event.ts';
import type { EventPlace } from '../domain/event-name.ts';
import { identify } from '../domain/identity.ts';
import {
  type DayIndex,
  type ListingError,
  type MailgunSource,
  placeName,
  type Requeue,
  type Requeues,
  type SendingDomain,
  type SliceKey,
  type StoredEvents,
  type StoredFacts,
  type StoredKey,
} from '../domain/reconcile-ports.ts';
import { addName, countOrigin, countTags, emptyTally, storedTypeOf, type Tally, typeOf } from '../domain/tally.ts';
import { isExpectedByWebhook } from '../domain/webhook-type.ts';
import { listPages } from './list-pages.ts';
import { createRequeueMissing, type RequeueDeps, type Unstored } from './requeue-missing.ts';

export interface ComparePartDeps extends RequeueDeps {
  source: MailgunSource;
  index: DayIndex;
  events: StoredEvents;
  requeues: Requeues;
  /** Webhook types that are registered at Mailgun. */
  registered: readonly string[];
  everySeconds: number;
}

/** What a pass knows of its slice, the same for all its parts. */
export interface SlicePass {
  slice: SliceKey;
  /** The domains whose listings hold the events of this ledger: its own, or all for events of an unknown domain. */
  listings: readonly SendingDomain[];
  nameOf: (place: EventPlace) => string;
  erasureKey: string;
  runId: string;
  /** Names that an earlier pass left unconfirmed; undefined where they were too many to be kept. */
  unconfirmedBefore: ReadonlySet<string> | undefined;
  accepted: ReadonlySet<string>;
  /** When the last pass began that read the listing; undefined before the first. */
  comparedAtMs: number | undefined;
  /** Slice old enough that what no webhook brought by now is lost. */
  isFinal: boolean;
  maySend: boolean;
  /** Send again at once what an earlier pass has sent. */
  ignoreWaits: boolean;
  /** Mailgun no longer keeps this time: judge by what is stored alone. */
  unlisted: boolean;
  /** An event came in after the last pass that would have compared it. */
  hasStragglers: boolean;
  /** Accept everything that does not add up. */
  accepts: boolean;
  deadlineMs: number;
  /** Throws where the run is no longer ours. */
  assertHeld: () => void;
}

/** Epoch seconds; the start belongs to the part, the end does not. */
export interface PartBounds {
  from: number;
  to: number;
}

/**
 * `done`: compared up to `to`, which lies before the end of the part where time ran out or a call failed (`error`);
 * `large`: too large for one part, of about so many events; `held`: something is missing while nothing may be sent.
 */
export type PartResult =
  | { kind: 'done'; to: number; tally: Tally; error?: unknown }
  | { kind: 'large'; events: number }
  | { kind: 'held' };

/** Events of a part that is listed and compared at once; twice as many are split. */
export const PART_EVENTS = 15_000;
/** Names in memory after which a part ends early. */
const MAX_PART_EVENTS = 50_000;
/** A first page shorter than this says little about how many events follow. */
const MIN_SAMPLE_EVENTS = 100;
/** A shorter part would list more of its neighbours than of itself. */
export const MIN_PART_SECONDS = 20;
/** Two sources round the time of one event apart by at most this. */
const ROUNDING_MS = 1000;
/** Where a listing ends early, its last seconds may be out of order, so they are left to the next part. */
const DISORDER_SECONDS = 5;
/** The day index shows a stored event within this time. */
const INDEX_LAG_MS = 60_000;
const LOOK_UP_AT_ONCE = 100;

interface Listed {
  name: string;
  place: EventPlace;
  event: JsonObject;
  atMs: number;
}

/**
 * Compares what Mailgun lists of a stretch of time with what is stored, as sets of names, and sends what is missing.
 * An event counts where its listed time lies; one that is not listed counts where its stored time lies. Both sets are
 * read a second further on either side, so neither the order of the listing, nor repeats, nor rounding change a count.
 */
export function createComparePart(deps: ComparePartDeps) {
  const requeueMissing = createRequeueMissing(deps);

  return async (pass: SlicePass, bounds: PartBounds): Promise<PartResult> => {
    const [fromMs, toMs] = [bounds.from * 1000, bounds.to * 1000];
    const [keys, requeued] = await Promise.all([
      deps.index.keys(pass.slice.domain, fromMs - ROUNDING_MS, toMs + ROUNDING_MS),
      deps.requeues.list(pass.slice, fromMs - ROUNDING_MS, toMs + ROUNDING_MS),
    ]);
    const stored = new Map(keys.map((key) => [pass.nameOf(key), key]));
    const sends = new Map(requeued.map((requeue) => [requeue.name, requeue]));
    const listed = new Set<string>();
    const tally = emptyTally();
    const settle = createSettle(deps, pass, { stored, sends, tally }, requeueMissing);

    // Listed inside the part, and not settled yet; what lies before `safeTo` can no longer be listed.
    let waiting: Listed[] = [];
    let safeTo = bounds.from;
    const settleTo = async (to: number): Promise<boolean> => {
      const ready = waiting.filter(({ atMs }) => atMs < to * 1000);
      waiting = waiting.filter(({ atMs }) => atMs >= to * 1000);
      return settle(ready);
    };
    const finish = async (to: number, error?: unknown): Promise<PartResult> => {
      if (!(await settleTo(to))) return { kind: 'held' };
      const isInside = (atMs: number) => atMs >= fromMs && atMs < to * 1000;
      const isUnlisted = ({ name, atMs }: { name: string; atMs: number }) => isInside(atMs) && !listed.has(name);
      await countUnlisted(deps, pass, { stored, sends, tally }, isUnlisted);
      return { kind: 'done', to, tally, ...(error !== undefined && { error }) };
    };

    let isFirst = true;
    try {
      for await (const page of pagesOf(deps.source, pass, bounds)) {
        pass.assertHeld();
        if (isFirst) {
          const events = estimate(page, bounds);
          if (events > 2 * PART_EVENTS && bounds.to - bounds.from >= 2 * MIN_PART_SECONDS)
            return { kind: 'large', events };
        }
        isFirst = false;
        let earliestMs = Number.POSITIVE_INFINITY;
        for (const event of page) {
          const place = identify(event, pass.slice.domain);
          const name = pass.nameOf(place);
          const atMs = eventTimeMs(event) ?? stored.get(name)?.atMs ?? fromMs;
          earliestMs = Math.min(earliestMs, atMs);
          if (listed.has(name)) continue;
          listed.add(name);
          if (atMs >= fromMs && atMs < toMs) waiting.push({ name, place, event, atMs });
        }
        if (pass.listings.length === 1 && page.length > 0) {
          const to = Math.min(bounds.to, Math.floor(earliestMs / 1000) - DISORDER_SECONDS);
          safeTo = Math.max(safeTo, to);
          if (!(await settleTo(safeTo))) return { kind: 'held' };
        }
        const isOver = deps.now() >= pass.deadlineMs || listed.size >= MAX_PART_EVENTS;
        if (isOver && safeTo > bounds.from) return await finish(safeTo);
        if (deps.now() >= pass.deadlineMs) return { kind: 'done', to: bounds.from, tally };
      }
    } catch (error) {
      if (!isListingError(error)) throw error;
      if (safeTo <= bounds.from) throw error;
      return finish(safeTo, error);
    }
    return finish(bounds.to);
  };
}

interface Sets {
  stored: ReadonlyMap<string, StoredKey>;
  sends: ReadonlyMap<string, Requeue>;
  tally: Tally;
}

/** Returns the function that counts listed events and sends what is missing of them; false where it may not send. */
function createSettle(
  deps: ComparePartDeps,
  pass: SlicePass,
  { stored, sends, tally }: Sets,
  requeueMissing: ReturnType<typeof createRequeueMissing>,
) {
  return async (waiting: readonly Listed[]): Promise<boolean> => {
    // A ledger of events of an unknown domain reads the listings of all: the other events there are not its own.
    const ready = pass.listings.length === 1 ? waiting : waiting.filter(({ name }) => stored.has(name));
    // Only what was sent before can have come without a webhook, and only some types differ in what they decide.
    const isAsked = ({ name, event }: Listed) => !stored.has(name) || sends.has(name) || isDecidedByContent(event);
    const facts = await lookUp(deps.events, ready.filter(isAsked), pass.erasureKey);
    const unstored: Unstored[] = [];
    for (const { name, place, event, atMs } of ready) {
      const found = facts.get(placeName(place));
      const isStored = stored.has(name) || found !== undefined;
      const type = typeOf(event);
      add(tally.listed, type);
      countTags(tally.tags, event);
      if (isExpectedByWebhook(event, deps.registered)) tally.deliverable += 1;
      if (isStored) add(tally.stored, type);
      if (found !== undefined || !isStored) {
        countOrigin(tally, event, found, { registered: deps.registered, isFinal: pass.isFinal });
      }
      const isAltered = found !== undefined && isAlteredBy(found, event, atMs);
      if (isStored && !isAltered) {
        if (pass.isFinal && pass.unconfirmedBefore?.has(name)) await deps.events.markUnconfirmed(place, undefined);
        continue;
      }
      if (pass.accepts || pass.accepted.has(name)) {
        acceptName(tally, name);
        continue;
      }
      add(isAltered ? tally.altered : tally.missing, type);
      const before = sends.get(name);
      tally.sends = Math.max(tally.sends, before?.sends ?? 0);
      if (before !== undefined && before.sends >= MAX_REQUEUES) tally.stuck += 1;
      else if (before === undefined || pass.ignoreWaits || isOverdue(before, deps)) {
        unstored.push({ requeue: { name, atMs, type }, event, corrects: isAltered });
      }
    }
    if (unstored.length === 0) return true;
    if (!pass.maySend) return false;
    pass.assertHeld();
    const { sent, stuck } = await requeueMissing(pass.slice, pass.runId, unstored);
    tally.sent += sent;
    tally.stuck += stuck.length;
    for (const { requeue } of unstored) tally.sends = Math.max(tally.sends, (sends.get(requeue.name)?.sends ?? 0) + 1);
    return true;
  };
}

/** Counts what this listing does not hold: events that an earlier one held, and events that none ever did. */
async function countUnlisted(
  deps: ComparePartDeps,
  pass: SlicePass,
  { stored, sends, tally }: Sets,
  isUnlisted: (each: { name: string; atMs: number }) => boolean,
): Promise<void> {
  const unlisted = [...stored].filter(([name, { atMs }]) => isUnlisted({ name, atMs }));
  const wasCompared = pass.comparedAtMs !== undefined;
  const mayBeKnown = (name: string) =>
    wasCompared && pass.unconfirmedBefore !== undefined && !pass.unconfirmedBefore.has(name);
  const asked = unlisted.filter(([name]) => mayBeKnown(name) || sends.has(name)).map(([, key]) => key);
  const facts = await lookUp(
    deps.events,
    asked.map((place) => ({ place })),
    pass.erasureKey,
  );
  const knownSinceMs = (pass.comparedAtMs ?? 0) - INDEX_LAG_MS;
  for (const [name, key] of unlisted) {
    const type = storedTypeOf(key.eventSort);
    const found = facts.get(placeName(key));
    add(tally.stored, type);
    const wasListed = found !== undefined && (sends.has(name) || found.receivedAtMs < knownSinceMs);
    const isJudged = pass.unlisted ? !wasListed && (wasCompared || pass.hasStragglers) : true;
    if (isJudged && (pass.accepts || pass.accepted.has(name))) {
      acceptName(tally, name);
    } else if (wasListed) {
      // The listing has shrunk, and what was known of the event still holds.
      countOrigin(tally, found.event, found, { registered: deps.registered, isFinal: pass.isFinal });
      countTags(tally.tags, found.event);
      add(tally.listed, type);
      if (isJudged) tally.short += 1;
    } else if (isJudged) {
      add(tally.unconfirmed, type);
      addName(tally.unconfirmedNames, name);
      if (pass.isFinal) await deps.events.markUnconfirmed(key, deps.now());
    }
  }
  for (const requeue of sends.values()) {
    if (!isUnlisted(requeue) || stored.has(requeue.name)) continue;
    if (pass.accepts || pass.accepted.has(requeue.name)) {
      acceptName(tally, requeue.name);
      continue;
    }
    // Without the listing it cannot be sent again.
    add(tally.missing, requeue.type);
    tally.sends = Math.max(tally.sends, requeue.sends);
    if (requeue.sends >= MAX_REQUEUES) tally.stuck += 1;
    if (!pass.unlisted) tally.short += 1;
  }
}

/** What the table holds of the places, read strongly, by the names of the places they were asked for. */
async function lookUp(
  events: StoredEvents,
  asked: readonly { place: EventPlace }[],
  erasureKey: string,
): Promise<Map<string, StoredFacts>> {
  const found = new Map<string, StoredFacts>();
  for (let from = 0; from < asked.length; from += LOOK_UP_AT_ONCE) {
    const places = asked.slice(from, from + LOOK_UP_AT_ONCE).map(({ place }) => place);
    for (const [name, facts] of await events.lookUp(places)) found.set(name, facts);
    // Strictly afterwards: a tombstone is put before its event is deleted, so one of the two reads finds it.
    const absent = places.filter((place) => !found.has(placeName(place)));
    if (absent.length === 0) continue;
    const tombstones = await events.lookUp(absent.map((place) => tombstoneIdentity(place, erasureKey)));
    for (const place of absent) {
      const facts = tombstones.get(placeName(tombstoneIdentity(place, erasureKey)));
      if (facts !== undefined) found.set(placeName(place), facts);
    }
  }
  return found;
}

/** Whether the stored event decides otherwise than the listed one, or happened at another time. A tombstone cannot tell. */
function isAlteredBy(stored: StoredFacts, event: JsonObject, atMs: number): boolean {
  if (stored.event.recipient === undefined && event.recipient !== undefined) return false;
  return Math.abs(stored.atMs - atMs) >= 2 * ROUNDING_MS || decidingFacts(stored.event) !== decidingFacts(event);
}

/** Whether the queue has had time to bring the last send in. */
function isOverdue({ sentAtMs }: Requeue, { now, everySeconds }: ComparePartDeps): boolean {
  return now() - sentAtMs >= (everySeconds * 1000) / 2;
}

function acceptName(tally: Tally, name: string): void {
  tally.accepted += 1;
  addName(tally.acceptedNames, name);
}

async function* pagesOf(
  source: MailgunSource,
  pass: SlicePass,
  { from, to }: PartBounds,
): AsyncGenerator<JsonObject[]> {
  if (pass.unlisted) return;
  for (const domain of pass.listings) {
    yield* listPages(source, { domain, begin: from - 1, end: to + 1, deadlineMs: pass.deadlineMs });
  }
}

/** Estimates how many events a part holds from how densely the first page lies in it. */
function estimate(page: readonly JsonObject[], { from, to }: PartBounds): number {
  if (page.length < MIN_SAMPLE_EVENTS) return page.length;
  const times = page.map((event) => eventTimeMs(event) ?? from * 1000).sort((a, b) => a - b);
  const nth = Math.floor(times.length * 0.9);
  const spanMs = Math.max(1, (times[nth] as number) - (from - 1) * 1000);
  return (nth / spanMs) * (to - from) * 1000;
}

function isListingError(error: unknown): error is ListingError {
  return error instanceof Error && error.name === 'ListingError';
}
