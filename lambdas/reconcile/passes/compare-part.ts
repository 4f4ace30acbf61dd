import { digestOfNames } from '../../domain/ledger/ledger-name.ts';
import { ROUNDING_MS } from '../../domain/ledger/missing-or-unconfirmed.ts';
import { emptyTally, type Tally } from '../../domain/ledger/tally.ts';
import { type BegunPart, ListingError, type Reach, type ReadListings } from '../ports.ts';
import { createCountListed } from './count-listed.ts';
import { countNotListed } from './count-not-listed.ts';
import { listPages } from './list-pages.ts';
import { createMatch } from './match-copies.ts';
import type { ComparePartDeps, PartBounds, SlicePass } from './part-context.ts';
import { estimateEvents, isBefore, PartListing } from './part-listing.ts';
import { createRequeueMissing } from './requeue-missing.ts';

/**
 * `done`: compared up to `to`, which is before the part's end if time ran out or a call failed (`error`); `large`: too
 * large for one part, with about this number of events, if known; `held`: events are missing but nothing may be sent.
 * `begun`: only some of the domains' listings are read. `startedAtMs`: that of the earlier run that is continued, if any.
 */
type PartResult =
  | { kind: 'done'; startedAtMs: number; to: number; tally: Tally; reach: Reach; error?: unknown }
  | { kind: 'begun'; startedAtMs: number; begun: ReadListings; tally: Tally; error?: unknown }
  | { kind: 'large'; events?: number }
  | { kind: 'held' };

/** Target number of events in a part. */
export const PART_EVENTS = 15_000;
/** Parts with more events, stored or listed, are split; those too short for that are compared whole. */
export const MAX_STORED = 2 * PART_EVENTS;
/** Listed names in memory after which a part ends early. */
const MAX_PART_EVENTS = 50_000;
/** A part is listed with a second more on either side, so a shorter one would list too much of its neighbours. */
export const MIN_PART_SECONDS = 5;
/** Target of stored names in a part that compares many domains: one item holds the names that are found. */
const MAX_NAMES_OF_MANY = 5000;
/** A part is listed from a second before it on, and Mailgun's clock may be ahead. */
const MARGIN_MS = 60_000;
/** If a listing ends early, its last seconds may be unordered, so they are left to the next part. */
const DISORDER_SECONDS = 5;

/**
 * Compares Mailgun's listing of a time range with stored events, as sets of names, and requeues missing events. A
 * listed event belongs to its listed time, an unlisted one to its stored time. Both sets are read one second further on
 * either side, so neither order, repeats nor rounding change a count.
 */
export function createComparePart(deps: ComparePartDeps) {
  const requeueMissing = createRequeueMissing(deps);

  return async (pass: SlicePass, bounds: PartBounds, earlier?: BegunPart): Promise<PartResult> => {
    const nowMs = deps.now();
    const [fromMs, toMs] = [bounds.from * 1000, bounds.to * 1000];
    const isOfMany = pass.listings.length > 1;
    const isDivisible = bounds.to - bounds.from >= 2 * MIN_PART_SECONDS;
    const most = isOfMany ? MAX_NAMES_OF_MANY : MAX_STORED;
    const max = isDivisible ? most : Number.POSITIVE_INFINITY;
    const [keys, requeued] = await Promise.all([
      deps.index.keysUpTo(max, pass.slice.domain, fromMs - ROUNDING_MS, toMs + ROUNDING_MS),
      deps.requeues.listUpTo(max, pass.slice, fromMs - ROUNDING_MS, toMs + ROUNDING_MS),
    ]);
    if (keys === undefined || requeued === undefined) return { kind: 'large' };
    const stored = new Map(keys.map((key) => [pass.nameOf(key), key]));
    const sends = new Map(requeued.map((requeue) => [requeue.name, requeue]));
    // A part of one listing is not resumed.
    const of = isOfMany ? digestOfNames([...pass.listings.map(({ name }) => name), ...stored.keys()]) : '';
    const resumed = earlier?.begun.of === of ? earlier : undefined;
    const startedAtMs = resumed?.startedAtMs ?? nowMs;
    let begun = resumed?.begun ?? { of, read: 0, names: [] };
    const listing = new PartListing({ pass, bounds, match: createMatch(keys), stored, sends }, begun);
    const tally = resumed?.tally ?? emptyTally();
    const settle = createCountListed(deps, pass, { stored, sends, tally }, requeueMissing);
    let total: number | undefined;
    // Nothing before it can still be listed.
    let safeTo = bounds.from;

    const settleAll = async (to: number): Promise<boolean> =>
      (await settle.count(listing.takeBefore(to))) && (await settle.merge(listing.takeCopiedBefore(to)));
    const finish = async (to: number, error?: unknown): Promise<PartResult> => {
      const isInside = isBefore(bounds, to);
      if (!(await settleAll(to))) return { kind: 'held' };
      const isNotListed = ({ name, atMs }: { name: string; atMs: number }) => isInside(atMs) && !listing.has(name);
      const indexed = digestOfNames(keys.filter(({ atMs }) => isInside(atMs)).map(pass.nameOf));
      const isIndexedAsBefore = pass.windowsBefore.some(
        (window) => window.from === bounds.from && window.to === to && window.indexed === indexed,
      );
      // Whether Mailgun refuses a time that it no longer keeps, or lists nothing or the rest, is not known: before the
      // first event that it lists, nothing listed proves nothing.
      const marginMs = Number.isFinite(listing.earliestMs) ? 0 : MARGIN_MS;
      const isBeyond = fromMs < deps.now() - deps.retentionSeconds * 1000 + marginMs;
      const isKept = (atMs: number) => !pass.unlisted && (!isBeyond || atMs >= listing.earliestMs);
      const unknown = await countNotListed(
        deps,
        pass,
        { stored, sends, tally, isIndexedAsBefore, isKept },
        isNotListed,
      );
      if (to === bounds.to) {
        // Pages that do not hold what their source counts say nothing about what it counts later.
        tally.window = { indexed, total: total === listing.distinct ? total : null };
      }
      const quiet = isBeyond ? 'quiet' : undefined;
      const reach: Reach = {
        isUnlisted: pass.unlisted || unknown > 0,
        beyond: listing.earliestMs < pass.keptFromMs ? 'listed' : quiet,
      };
      return { kind: 'done', startedAtMs, to, tally, reach, ...(error !== undefined && { error }) };
    };

    try {
      for (const domain of pass.unlisted ? [] : pass.listings.slice(begun.read)) {
        let isFirst = true;
        const onTotal = (found: number | undefined) => {
          total = isOfMany ? undefined : found;
        };
        const request = { domain, ...windowOf(bounds), deadlineMs: pass.deadlineMs };
        for await (const page of listPages(deps.source, request, onTotal)) {
          pass.assertHeld();
          if (isFirst && !isOfMany) {
            const events = estimateEvents(page, bounds);
            if (events > MAX_STORED && isDivisible) return { kind: 'large', events };
          }
          isFirst = false;
          const earliestMs = listing.add(page);
          if (!isOfMany && page.length > 0) {
            const to = Math.min(bounds.to, Math.floor(earliestMs / 1000) - DISORDER_SECONDS);
            safeTo = Math.max(safeTo, to);
            if (!(await settle.count(listing.takeBefore(safeTo)))) return { kind: 'held' };
          }
          const isOver = deps.now() >= pass.deadlineMs || listing.size >= MAX_PART_EVENTS;
          if (isOver && safeTo > bounds.from) return await finish(safeTo);
          if (deps.now() >= pass.deadlineMs) return { kind: 'begun', startedAtMs, begun, tally };
        }
        if (!isOfMany) continue;
        begun = listing.readOneMore(begun);
        if (!(await settleAll(bounds.to))) return { kind: 'held' };
      }
    } catch (error) {
      if (!(error instanceof ListingError)) throw error;
      if (safeTo > bounds.from) return finish(safeTo, error);
      return { kind: 'begun', startedAtMs, begun, tally, error };
    }
    return finish(bounds.to);
  };
}

/** Returns the range that is listed to compare a part. */
export const windowOf = ({ from, to }: PartBounds) => ({ begin: from - 1, end: to + 1 });
