import { eventTimeMs } from '../../domain/events/event.ts';
import { identify } from '../../domain/events/identity.ts';
import { parseEvent } from '../../domain/events/mailgun-event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { digestOfNames } from '../../domain/ledger/ledger-name.ts';
import { ROUNDING_MS } from '../../domain/ledger/missing-or-unconfirmed.ts';
import { emptyTally, type Tally } from '../../domain/ledger/tally.ts';
import { ListingError, type MailgunSource } from '../ports.ts';
import { createCountListed, type Listed } from './count-listed.ts';
import { countNotListed } from './count-not-listed.ts';
import { listPages } from './list-pages.ts';
import { createMatch } from './match-copies.ts';
import type { ComparePartDeps, SlicePass } from './part-context.ts';
import { createRequeueMissing } from './requeue-missing.ts';

/** Epoch seconds; the start belongs to the part, the end does not. */
export interface PartBounds {
  from: number;
  to: number;
}

/**
 * `done`: compared up to `to`, which is before the part's end if time ran out or a call failed (`error`); `large`: too
 * large for one part, with about this number of events, if known; `held`: events are missing but nothing may be sent.
 * `isUnlisted`: Mailgun may no longer keep some of this time.
 */
type PartResult =
  | { kind: 'done'; to: number; tally: Tally; isUnlisted?: boolean; error?: unknown }
  | { kind: 'large'; events?: number }
  | { kind: 'held' };

/** Target number of events in a part. */
export const PART_EVENTS = 15_000;
/** Parts with more events, stored or listed, are split; those too short for that are compared whole. */
export const MAX_STORED = 2 * PART_EVENTS;
/** Listed names in memory after which a part ends early. */
const MAX_PART_EVENTS = 50_000;
/** A shorter first page is too small to estimate the number of events. */
const MIN_SAMPLE_EVENTS = 100;
/** A part is listed with a second more on either side, so a shorter one would list too much of its neighbours. */
export const MIN_PART_SECONDS = 5;
/** If a listing ends early, its last seconds may be unordered, so they are left to the next part. */
const DISORDER_SECONDS = 5;

/**
 * Compares Mailgun's listing of a time range with stored events, as sets of names, and requeues missing events. A
 * listed event belongs to its listed time, an unlisted one to its stored time. Both sets are read one second further on
 * either side, so neither order, repeats nor rounding change a count.
 */
export function createComparePart(deps: ComparePartDeps) {
  const requeueMissing = createRequeueMissing(deps);

  return async (pass: SlicePass, bounds: PartBounds): Promise<PartResult> => {
    const [fromMs, toMs] = [bounds.from * 1000, bounds.to * 1000];
    const max = bounds.to - bounds.from >= 2 * MIN_PART_SECONDS ? MAX_STORED : Number.POSITIVE_INFINITY;
    const [keys, requeued] = await Promise.all([
      deps.index.keysUpTo(max, pass.slice.domain, fromMs - ROUNDING_MS, toMs + ROUNDING_MS),
      deps.requeues.listUpTo(max, pass.slice, fromMs - ROUNDING_MS, toMs + ROUNDING_MS),
    ]);
    if (keys === undefined || requeued === undefined) return { kind: 'large' };
    const stored = new Map(keys.map((key) => [pass.nameOf(key), key]));
    const sends = new Map(requeued.map((requeue) => [requeue.name, requeue]));
    const match = createMatch(keys);
    const listed = new Set<string>();
    let distinct = 0;
    let earliestListedMs = Number.POSITIVE_INFINITY;
    let total: number | undefined;
    const tally = emptyTally();
    const settle = createCountListed(deps, pass, { stored, sends, tally }, requeueMissing);

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
      const isNotListed = ({ name, atMs }: { name: string; atMs: number }) => isInside(atMs) && !listed.has(name);
      const indexed = digestOfNames(keys.filter(({ atMs }) => isInside(atMs)).map(pass.nameOf));
      const isIndexedAsBefore = pass.windowsBefore.some(
        (window) => window.from === bounds.from && window.to === to && window.indexed === indexed,
      );
      // Whether Mailgun refuses such a time or lists less of it is not known: nothing listed then proves nothing.
      const reachesToMs = pass.unlisted ? toMs : Math.min(earliestListedMs, pass.surelyKeptFromMs);
      const isKept = (atMs: number) => atMs >= reachesToMs;
      const unknown = await countNotListed(
        deps,
        pass,
        { stored, sends, tally, isIndexedAsBefore, isKept },
        isNotListed,
      );
      if (to === bounds.to) {
        // Pages that do not hold what their source counts say nothing about what it counts later.
        tally.window = { indexed, total: total === distinct ? total : null };
      }
      // An event older than the configured retention proves that Mailgun keeps more.
      const isListed = fromMs < pass.keptFromMs ? earliestListedMs < pass.keptFromMs : distinct > 0;
      const isUnlisted = pass.unlisted || unknown > 0 || (fromMs < pass.surelyKeptFromMs && !isListed);
      return { kind: 'done', to, tally, ...(isUnlisted && { isUnlisted }), ...(error !== undefined && { error }) };
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
          if (events > MAX_STORED && bounds.to - bounds.from >= 2 * MIN_PART_SECONDS) return { kind: 'large', events };
        }
        isFirst = false;
        let earliestMs = Number.POSITIVE_INFINITY;
        for (const raw of page) {
          const event = parseEvent(raw);
          const matched = match(event, identify(raw, pass.slice.domain));
          const name = pass.nameOf(matched.place);
          const atMs = event.timeMs ?? stored.get(name)?.atMs ?? fromMs;
          earliestMs = Math.min(earliestMs, atMs);
          earliestListedMs = Math.min(earliestListedMs, event.timeMs ?? Number.POSITIVE_INFINITY);
          if (listed.has(name)) continue;
          distinct += 1;
          // A ledger of events of an unknown domain reads the listings of all, and keeps none of their other events:
          // there may be more than fit into memory.
          const isOwn = pass.listings.length === 1 || stored.has(name) || matched.copies.length > 0;
          if (isOwn || sends.has(name)) listed.add(name);
          if (!isOwn) continue;
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
