import { MAX_REQUEUES } from '../../contract.ts';
import { NAMES_COMPARED_IN_FULL } from '../../domain/event-types.ts';
import { eventTimeMs } from '../../domain/events/event.ts';
import { identify } from '../../domain/events/identity.ts';
import { type MailgunEvent, parseEvent } from '../../domain/events/mailgun-event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { parseMessageSort } from '../../domain/keys.ts';
import { add } from '../../domain/ledger/counts.ts';
import { countDimensions } from '../../domain/ledger/dimensions.ts';
import { digestOfNames, placeName } from '../../domain/ledger/ledger-name.ts';
import { countOrigin, countTags, emptyTally, type Tally, typeOf } from '../../domain/ledger/tally.ts';
import { decidingFacts, namedFacts } from '../../domain/status/deciding-facts.ts';
import { doubtfulKindOf, isExpectedByWebhook } from '../../domain/webhooks/webhook-type.ts';
import { ListingError, type MailgunSource, type Requeue, type StoredFacts } from '../ports.ts';
import { countUnlisted } from './count-unconfirmed.ts';
import { listPages } from './list-pages.ts';
import { createMatch, type Matched, recipientsOf } from './match-copies.ts';
import {
  type AlteredEvent,
  acceptName,
  type ComparePartDeps,
  lookUp,
  type Sets,
  type SlicePass,
} from './part-context.ts';
import { registeredFor } from './posted-kinds.ts';
import { createRequeueMissing, type Unstored } from './requeue-missing.ts';

/** Epoch seconds; the start belongs to the part, the end does not. */
export interface PartBounds {
  from: number;
  to: number;
}

/**
 * `done`: compared up to `to`, which is before the part's end if time ran out or a call failed (`error`); `large`: too
 * large for one part, with about this number of events; `held`: events are missing but nothing may be sent.
 */
type PartResult =
  | { kind: 'done'; to: number; tally: Tally; error?: unknown }
  | { kind: 'large'; events: number }
  | { kind: 'held' };

/** Target number of events in a part; parts with twice as many are split. */
export const PART_EVENTS = 15_000;
/** Names in memory after which a part ends early. */
const MAX_PART_EVENTS = 50_000;
/** A shorter first page is too small to estimate the number of events. */
const MIN_SAMPLE_EVENTS = 100;
/** A shorter part would list more of its neighbours than of itself. */
export const MIN_PART_SECONDS = 20;
/** Two sources round the time of one event apart by at most this. */
const ROUNDING_MS = 1000;
/** If a listing ends early, its last seconds may be unordered, so they are left to the next part. */
const DISORDER_SECONDS = 5;

interface Listed extends Matched {
  name: string;
  event: MailgunEvent;
  atMs: number;
}

/** A copy that names no recipient is what a webhook brought. */
const BROUGHT = { broughtByWebhook: true };

/**
 * Compares Mailgun's listing of a time range with stored events, as sets of names, and requeues missing events. A
 * listed event belongs to its listed time, an unlisted one to its stored time. Both sets are read one second further on
 * either side, so neither order, repeats nor rounding change a count.
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
    const match = createMatch(keys);
    const listed = new Set<string>();
    let distinct = 0;
    let total: number | undefined;
    const tally = emptyTally();
    const settle = createSettle(deps, pass, { stored, sends, tally }, requeueMissing);

    // Listed inside the part, and not settled yet; nothing before `safeTo` can still be listed.
    let waiting: Listed[] = [];
    // Listed outside the part while a redacted copy is inside: a straggler triggers the comparison of this part only.
    const besides: Listed[] = [];
    let safeTo = bounds.from;
    const settleTo = async (to: number): Promise<boolean> => {
      const ready = waiting.filter(({ atMs }) => atMs < to * 1000);
      waiting = waiting.filter(({ atMs }) => atMs >= to * 1000);
      return settle.count(ready);
    };
    const finish = async (to: number, error?: unknown): Promise<PartResult> => {
      const isInside = (atMs: number) => atMs >= fromMs && atMs < to * 1000;
      const crossing = besides.filter(({ copies }) => copies.some(({ atMs }) => isInside(atMs)));
      if (!(await settleTo(to)) || !(await settle.merge(crossing))) return { kind: 'held' };
      const isUnlisted = ({ name, atMs }: { name: string; atMs: number }) => isInside(atMs) && !listed.has(name);
      const indexed = digestOfNames(keys.filter(({ atMs }) => isInside(atMs)).map(pass.nameOf));
      const isIndexedAsBefore = pass.windowsBefore.some(
        (window) => window.from === bounds.from && window.to === to && window.indexed === indexed,
      );
      await countUnlisted(deps, pass, { stored, sends, tally, isIndexedAsBefore }, isUnlisted);
      if (to === bounds.to) {
        // Pages that do not hold what their source counts say nothing about what it counts later.
        tally.window = { indexed, total: total === distinct ? total : null };
      }
      return { kind: 'done', to, tally, ...(error !== undefined && { error }) };
    };

    let isFirst = true;
    try {
      const onTotal = (found: number | undefined) => {
        total = pass.listings.length === 1 ? found : undefined;
      };
      for await (const page of pagesOf(deps.source, pass, bounds, onTotal)) {
        pass.assertHeld();
        if (isFirst) {
          const events = estimate(page, bounds);
          if (events > 2 * PART_EVENTS && bounds.to - bounds.from >= 2 * MIN_PART_SECONDS)
            return { kind: 'large', events };
        }
        isFirst = false;
        let earliestMs = Number.POSITIVE_INFINITY;
        for (const raw of page) {
          const event = parseEvent(raw);
          const matched = match(event, identify(raw, pass.slice.domain));
          const name = pass.nameOf(matched.place);
          const atMs = event.timeMs ?? stored.get(name)?.atMs ?? fromMs;
          earliestMs = Math.min(earliestMs, atMs);
          if (listed.has(name)) continue;
          listed.add(name);
          distinct += 1;
          for (const copy of matched.copies) listed.add(pass.nameOf(copy));
          const found = { ...matched, name, event, atMs };
          if (atMs >= fromMs && atMs < toMs) waiting.push(found);
          else if (matched.copies.length > 0) besides.push(found);
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
      if (!(error instanceof ListingError)) throw error;
      if (safeTo <= bounds.from) throw error;
      return finish(safeTo, error);
    }
    return finish(bounds.to);
  };
}

/**
 * Returns a function that settles listed events: `count` counts them and requeues missing ones, `merge` requeues those
 * with redacted copies; it returns false if it may not send.
 */
function createSettle(
  deps: ComparePartDeps,
  pass: SlicePass,
  { stored, sends, tally }: Sets,
  requeueMissing: ReturnType<typeof createRequeueMissing>,
) {
  const isToBeSent = ({ name }: Listed) => {
    const before = sends.get(name);
    return before === undefined || (before.sends < MAX_REQUEUES && (pass.ignoreWaits || isOverdue(before, deps)));
  };
  const merge = async (crossing: readonly Listed[]): Promise<boolean> => {
    const unmerged = crossing.filter((each) => !pass.accepts && isToBeSent(each));
    if (unmerged.length === 0) return true;
    if (!pass.maySend) return false;
    pass.assertHeld();
    const { sent, stuck } = await requeueMissing(
      pass.slice,
      pass.runId,
      unmerged.map((each) => unstoredOf(each, false)),
    );
    // No slice counts them here, so nothing but the next run would send them again.
    if (sent + stuck.length < unmerged.length) throw new Error('redacted copies could not be sent to be merged');
    return true;
  };
  const count = async (waiting: readonly Listed[]): Promise<boolean> => {
    // A ledger of events of an unknown domain reads the listings of all: the other events there are not its own.
    const isOwn = ({ name, copies }: Listed) => stored.has(name) || copies.length > 0;
    const ready = pass.listings.length === 1 ? waiting : waiting.filter(isOwn);
    const unknown = new Set<Listed>();
    for (const each of ready) {
      const kind = doubtfulKindOf(each.event);
      if (kind !== undefined && !(await pass.postedKinds.isKnown(kind, each.atMs))) unknown.add(each);
    }
    // Only what was sent before can have come without a webhook; of a doubtful kind also what was restored.
    const isLookedUp = (each: Listed) =>
      !stored.has(each.name) ||
      sends.has(each.name) ||
      NAMES_COMPARED_IN_FULL.includes(each.event.name) ||
      unknown.has(each);
    const facts = await lookUp(
      deps.events,
      ready.filter(isLookedUp).map(({ place }) => place),
      pass.erasureKey,
    );
    for (const { event, place, atMs } of unknown) {
      const kind = doubtfulKindOf(event);
      if (kind !== undefined && facts.get(placeName(place))?.broughtByWebhook) await pass.postedKinds.note(kind, atMs);
    }
    const unstored: Unstored[] = [];
    for (const each of ready) {
      const { name, place, event, atMs, copies, isRedacted } = each;
      const found = facts.get(placeName(place));
      const isAltered = found !== undefined && !isRedacted && isAlteredBy(found, event, atMs);
      const isRedundant = copies.length > 0 && !isAltered;
      const isStored = !isRedundant && (stored.has(name) || found !== undefined);
      const type = typeOf(event);
      add(tally.listed, type);
      countTags(tally.tags, event);
      countDimensions(tally.dimensions, event);
      const registered = await registeredFor(deps, pass, tally, event, atMs);
      if (isExpectedByWebhook(event, registered)) tally.deliverable += 1;
      if (isStored) add(tally.stored, type);
      if (found !== undefined || !isStored) {
        const origin = isRedundant ? BROUGHT : found;
        countOrigin(tally, event, origin, { registered, isFinal: pass.isFinal });
      }
      if (isStored && !isAltered) {
        if (pass.isFinal && pass.unconfirmedBefore?.has(name)) await deps.events.markUnconfirmed(place, undefined);
        continue;
      }
      if (pass.accepts || pass.accepted.has(name)) {
        acceptName(tally, name);
        continue;
      }
      add(isAltered ? tally.altered : tally.missing, type);
      if (isAltered) deps.onAltered?.(alteredOf(pass.slice.domain, each, found));
      const before = sends.get(name)?.sends ?? 0;
      tally.sends = Math.max(tally.sends, before);
      if (before >= MAX_REQUEUES) tally.stuck += 1;
      else if (isToBeSent(each)) unstored.push(unstoredOf(each, isAltered));
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
  return { count, merge };
}

function unstoredOf({ name, atMs, event, copies }: Listed, corrects: boolean): Unstored {
  const requeue = { name, atMs, type: typeOf(event) };
  return { requeue, event: event.raw, corrects, redactedAs: recipientsOf(copies) };
}

function alteredOf(domain: string, { place, event, atMs }: Listed, stored: StoredFacts): AlteredEvent {
  return {
    ...{ domain, messageId: event.messageId, eventKey: parseMessageSort(place.eventSort).eventKey ?? '' },
    stored: namedFacts(parseEvent(stored.event), stored.atMs),
    listed: namedFacts(event, atMs),
  };
}

/**
 * Returns true if the stored event decides differently from the listed one, or has another time; false for a tombstone.
 */
function isAlteredBy(stored: StoredFacts, event: MailgunEvent, atMs: number): boolean {
  const held = parseEvent(stored.event);
  if (held.recipient === undefined && event.recipient !== undefined) return false;
  return Math.abs(stored.atMs - atMs) >= 2 * ROUNDING_MS || decidingFacts(held) !== decidingFacts(event);
}

/** Returns true if the queue has had time to store the last requeue. */
function isOverdue({ sentAtMs }: Requeue, { now, everySeconds }: ComparePartDeps): boolean {
  return now() - sentAtMs >= (everySeconds * 1000) / 2;
}

async function* pagesOf(
  source: MailgunSource,
  pass: SlicePass,
  part: PartBounds,
  onTotal: (total: number | undefined) => void,
): AsyncGenerator<JsonObject[]> {
  if (pass.unlisted) return;
  for (const domain of pass.listings) {
    yield* listPages(source, { domain, ...windowOf(part), deadlineMs: pass.deadlineMs }, onTotal);
  }
}

/** Returns the range that is listed to compare a part. */
export const windowOf = ({ from, to }: PartBounds) => ({ begin: from - 1, end: to + 1 });

/** Estimates the number of events in a part from the density of the first page. */
function estimate(page: readonly JsonObject[], { from, to }: PartBounds): number {
  if (page.length < MIN_SAMPLE_EVENTS) return page.length;
  const times = page.map((event) => eventTimeMs(event) ?? from * 1000).sort((a, b) => a - b);
  const nth = Math.floor(times.length * 0.9);
  const spanMs = Math.max(1, (times[nth] as number) - (from - 1) * 1000);
  return (nth / spanMs) * (to - from) * 1000;
}
