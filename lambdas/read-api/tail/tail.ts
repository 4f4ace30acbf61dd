import type { EventEntry } from '../../../api/responses/events.ts';
import { VISIBLE_AFTER_MS } from '../../domain/events/stored-time.ts';
import { PageRoom } from '../http/page-room.ts';
import { type JudgedEntry, shownEvent } from '../messages/confirmed.ts';
import type { DayEvents } from '../ports.ts';
import { LATENESS_TIERS, type LatenessTier } from './lateness-tiers.ts';
import { type ShownEvent, type SweepResult, sweepTier, type TailFilter } from './sweep-tier.ts';
import { joinNames, MAX_SHOWN, splitNames, type TailPosition, type TierPosition } from './tail-position.ts';

interface TailQuery extends TailFilter {
  limit: number;
  position: TailPosition;
  nowMs: number;
}

interface TailPage {
  body: { events: EventEntry[]; behind: boolean };
  judged: readonly JudgedEntry[];
  next: TailPosition;
}

/**
 * Events and queries of one page in each of its two tiers: either takes a few milliseconds at most. A day of a domain
 * takes ten queries for each shard, so the first tier of some 120 fits, and around midnight UTC of half as many.
 */
const MAX_SEARCHED = 1250;
/**
 * After an interruption the first tier continues in steps of this length, so that what was stored first is shown first.
 */
const CATCH_UP_MS = 600_000;
/** A quiet tail keeps its cursor, so that its ETag holds; it moves on before much time would be read again each poll. */
const QUIET_MS = 60_000;

/**
 * Returns a page of a tail: each event once that was stored since it began, in storing order within a page. An event is
 * shown once it is found, and is final once all events stored before it are certain to be found; the position names the
 * events in between. A page reads the first tier, and one more that is due.
 */
export function createTail(days: DayEvents, maxSearched = MAX_SEARCHED) {
  return async ({ limit, position, nowMs, ...filter }: TailQuery): Promise<TailPage> => {
    const room = new PageRoom(limit);
    const tiers = [...position.tiers];
    const shown = splitNames(position.shown);
    const sweep = (index: number, startedMs: number) =>
      sweepTier(
        days,
        filter,
        {
          tier: LATENESS_TIERS[index] as LatenessTier,
          finalMs: finalOf(tiers, index),
          sweep: tiers[index]?.sweep ?? { startedMs, domain: '' },
          alreadyShown: index === 0 ? shown : new Set(),
          maxSearched,
        },
        room,
      );

    const stepMs = finalOf(tiers, 0) + VISIBLE_AFTER_MS + CATCH_UP_MS;
    const firstMs = Math.min(nowMs, stepMs);
    const first = await sweep(0, firstMs);
    const startedMs = tiers[0]?.sweep?.startedMs ?? firstMs;
    const isLive = startedMs === nowMs && tiers[0]?.sweep === undefined && first.rest === undefined;
    // Over many domains each sweep takes several pages, and what happened since is left to the next poll; a step ends
    // before the time at which it began.
    const isCaughtUp = first.rest === undefined && startedMs < stepMs && nowMs - startedMs < QUIET_MS;
    tiers[0] = advance(tiers[0], first, firstMs);
    const recent = isLive ? takeRecent(first, shown, room) : undefined;
    const due = dueTier(tiers, nowMs);
    const other = due === undefined ? undefined : await sweep(due, nowMs);
    if (due !== undefined && other !== undefined) tiers[due] = advance(tiers[due], other, nowMs);

    const events = [...first.events, ...(recent?.events ?? []), ...(other?.events ?? [])];
    const isQuiet = isLive && due === undefined && events.length === 0;
    const isRecent = nowMs - VISIBLE_AFTER_MS - finalOf(position.tiers, 0) < QUIET_MS;
    const behind = !isCaughtUp || recent?.isCut === true || dueTier(tiers, nowMs) !== undefined;
    events.sort((a, b) => a.storedAtMs - b.storedAtMs);
    return {
      body: { events: events.map(({ entry }) => entry), behind },
      judged: events,
      next: isQuiet && isRecent ? position : { tiers, shown: recent?.shown ?? position.shown },
    };
  };
}

const finalOf = (tiers: readonly TierPosition[], index: number): number => tiers[index]?.finalMs ?? 0;

/** A final time stays final: a tail may begin later than the time up to which events are certain to be found. */
function advance(tier: TierPosition | undefined, { rest }: SweepResult, startedMs: number): TierPosition {
  const finalMs = tier?.finalMs ?? 0;
  if (rest !== undefined) return { finalMs, sweep: rest };
  return { finalMs: Math.max(finalMs, (tier?.sweep?.startedMs ?? startedMs) - VISIBLE_AFTER_MS) };
}

/** Shows recent events as far as the page and the cursor have room; the others are found again, and final soon. */
function takeRecent({ recent }: SweepResult, before: ReadonlySet<string>, room: PageRoom) {
  const names = new Set(recent.flatMap(({ name }) => (before.has(name) ? [name] : [])));
  const events: ShownEvent[] = [];
  const left = recent.filter(({ name }) => !names.has(name)).sort((a, b) => a.storedAtMs - b.storedAtMs);
  for (const { name, storedAtMs, event } of left) {
    if (room.isFull || names.size >= MAX_SHOWN) break;
    const shown = shownEvent(event);
    room.take(shown.entry);
    names.add(name);
    events.push({ storedAtMs, ...shown });
  }
  return { events, shown: joinNames(names), isCut: room.isFull && events.length < left.length };
}

/** Returns the tier behind the first whose sweep is under way, or else that has waited for most of its times. */
function dueTier(tiers: readonly TierPosition[], nowMs: number): number | undefined {
  const under = tiers.findIndex(({ sweep }, index) => index > 0 && sweep !== undefined);
  if (under > 0) return under;
  let due: { index: number; waits: number } | undefined;
  for (const [index, { everyMs }] of LATENESS_TIERS.entries()) {
    if (index === 0) continue;
    const waits = (nowMs - VISIBLE_AFTER_MS - finalOf(tiers, index)) / everyMs;
    if (waits >= 1 && waits > (due?.waits ?? 0)) due = { index, waits };
  }
  return due?.index;
}
