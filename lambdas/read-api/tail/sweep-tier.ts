import { DAY_MS } from '../../contract.ts';
import { storedTimeOf, VISIBLE_AFTER_MS } from '../../domain/events/stored-time.ts';
import { isTombstoneSort } from '../../domain/keys.ts';
import type { PageRoom } from '../http/page-room.ts';
import { type JudgedEventEntry, shownEvent } from '../messages/confirmed.ts';
import type { DayEvents, IndexedPlace, StoredEvent } from '../ports.ts';
import { LATENESS_TIERS, type LatenessTier } from './lateness-tiers.ts';
import { type Sweep, shownName, stretchOf } from './tail-position.ts';

/** The events that a tail shows. */
export interface TailFilter {
  domains: readonly string[];
  types: readonly string[];
  isWantedPlace: (place: IndexedPlace) => boolean;
  isWanted: (event: StoredEvent) => boolean;
}

/** An event that a page shows. */
export interface ShownEvent extends JudgedEventEntry {
  storedAtMs: number;
}

/** An event that was stored so lately that others of its time may not be in the index yet. */
interface RecentEvent {
  name: string;
  storedAtMs: number;
  event: StoredEvent;
}

export interface SweepResult {
  /** Final events that were not shown yet. */
  events: ShownEvent[];
  recent: RecentEvent[];
  /** Events that were looked at, and queries. */
  searched: number;
  /** Start of the rest of the sweep; undefined if it is done. */
  rest: Sweep | undefined;
}

interface SweepRequest {
  tier: LatenessTier;
  finalMs: number;
  sweep: Sweep;
  alreadyShown: ReadonlySet<string>;
  /** No query begins once this many events and queries were searched. */
  maxSearched: number;
}

const KEYS_PER_QUERY = 250;

/**
 * Reads a tier for events stored since it was final, until it is done, the page is full, or the limit of reads is
 * reached.
 */
export async function sweepTier(
  days: DayEvents,
  filter: TailFilter,
  { tier, finalMs, sweep, alreadyShown, maxSearched }: SweepRequest,
  room: PageRoom,
): Promise<SweepResult> {
  const result: SweepResult = { events: [], recent: [], searched: 0, rest: undefined };
  const isOfTier = (event: StoredEvent, storedAtMs: number) => {
    const latenessMs = storedAtMs - event.atMs;
    return storedAtMs > finalMs && latenessMs >= tier.fromMs && latenessMs < tier.toMs;
  };

  function take(place: IndexedPlace, event: StoredEvent): void {
    const storedAtMs = storedTimeOf(event);
    if (!isOfTier(event, storedAtMs) || !filter.isWanted(event)) return;
    const name = shownName(place);
    if (storedAtMs > sweep.startedMs - VISIBLE_AFTER_MS) {
      if (tier === LATENESS_TIERS[0]) result.recent.push({ name, storedAtMs, event });
    } else if (!alreadyShown.has(name)) {
      const shown = shownEvent(event);
      room.take(shown.entry);
      result.events.push({ storedAtMs, ...shown });
    }
  }

  const stretch = stretchOf(tier, finalMs, sweep.startedMs);
  // By their names, so that a sweep goes on where it was although domains have come or gone since.
  const left = [...new Set(filter.domains)].sort().filter((name) => name >= sweep.domain);
  let { place, toMs = stretch.toMs }: Partial<Sweep> = left[0] === sweep.domain ? sweep : {};
  while (left[0] !== undefined) {
    const [name] = left;
    if (room.isFull || result.searched >= maxSearched) {
      return { ...result, rest: { startedMs: sweep.startedMs, domain: name, toMs, ...(place && { place }) } };
    }
    const limit = Math.min(KEYS_PER_QUERY, maxSearched - result.searched);
    // Day by day, so that a page ends in the middle of a quiet domain, too.
    const fromMs = Math.max(stretch.fromMs, startOfDay(place?.atMs ?? toMs - 1));
    const found = await days.newest({ domain: name, fromMs, toMs, types: filter.types }, limit, place);
    const wanted = found.places.filter((each) => !isTombstoneSort(each.sort) && filter.isWantedPlace(each));
    let read = 0;
    for await (const event of days.read(wanted)) {
      if (room.isFull) break;
      if (event !== undefined) take(wanted[read] as IndexedPlace, event);
      read += 1;
    }
    const isCut = read < wanted.length;
    result.searched += found.queries + (isCut ? read : found.places.length);
    place = (isCut ? wanted[read - 1] : found.places.at(-1)) ?? place;
    if (isCut || found.hasMore) continue;
    [place, toMs] = [undefined, fromMs];
    if (toMs > stretch.fromMs) continue;
    left.shift();
    toMs = stretch.toMs;
  }
  return result;
}

const startOfDay = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS;
