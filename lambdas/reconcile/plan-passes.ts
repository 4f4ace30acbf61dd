import { DAY_SECONDS, secondPassSeconds, UNKNOWN_DOMAIN } from '../contract.ts';
import type { Watermarks } from '../domain/ledger/slice.ts';
import {
  alignedStart,
  isDue,
  isPastSecondPass,
  isUnsettled,
  type Slice,
  type SliceBounds,
  visibleFrom,
} from '../domain/ledger/slice.ts';
import { LostRaceError } from '../shared/lease.ts';
import type { LedgerTimes } from './passes/pass-slice.ts';
import { type SlicePlace, slicesBetween } from './passes/slices-between.ts';
import type { ComparedDomain, DayIndex, OpenSlice, ReconciliationState, Slices, Straggler } from './ports.ts';

/** A slice to pass in this run. */
export interface PlannedPass extends SliceBounds {
  open?: OpenSlice | undefined;
  stragglers?: Straggler[];
  isBackfill?: boolean;
  isOld: boolean;
}

/** The work of a run for one domain; each list in the order in which it is worked on. */
export interface PassPlan {
  /** Never passed, the newest first. */
  due: PlannedPass[];
  /** Something was missing, the longest waiting first; and events that came in after the last pass. */
  open: PlannedPass[];
  /** To be passed for the second time, the oldest first. */
  second: PlannedPass[];
  watermarks: Watermarks | undefined;
  /** Moves the watermarks over all slices that are passed by now; returns where they are. */
  advance(isPassed: (start: number) => boolean): Promise<Watermarks | undefined>;
}

interface PlanPassesDeps {
  ledger: ReconciliationState;
  slices: Slices;
  index: DayIndex;
  domains: readonly ComparedDomain[];
  times: LedgerTimes;
  now: () => number;
}

/** The day index is searched this far back for the first event of a domain. */
const MAX_START_AGE_SECONDS = 31 * DAY_SECONDS;

/** Plans the passes that are due for a domain. */
export function createPlanPasses(deps: PlanPassesDeps) {
  const { ledger, slices, index, domains, times, now } = deps;

  return async (domain: string, ignoreWaits: boolean): Promise<PassPlan> => {
    const markers = await ledger.readMarkers(domain);
    const { endsAt, returnedAt } = domains.find(({ name }) => name === domain) ?? {};
    const rules: PlanRules = { nowMs: now(), ignoreWaits, endsAt, returnedAt, ...times };
    const watermarks = domain === UNKNOWN_DOMAIN ? undefined : await watermarksOf(domain, returnedAt);
    const visible = markers.stragglers.filter((straggler) => isVisibleAt(rules.nowMs, straggler, rules));
    const late = planLate(await slicesOf(domain, visible, rules), markers.open, watermarks, rules);
    const open = [...late, ...planOpen(markers.open, late, rules)];
    if (watermarks === undefined) {
      return { due: [], open, second: [], watermarks, advance: async () => undefined };
    }
    const places = await dueFrom(domain, watermarks.position, rules);
    const olds: Slice[] = [];
    const until = secondPassesUntil(watermarks, rules);
    for await (const slice of slices.list(domain, watermarks.second, until)) olds.push(slice);
    const taken = new Set(open.map(({ start }) => start));
    return {
      due: planDue(places, taken, rules),
      open,
      second: planSecond(olds, taken, rules),
      watermarks,
      async advance(isPassed) {
        const moved = advanced(watermarks, { places, olds }, rules, isPassed);
        if (moved.position === watermarks.position && moved.second === watermarks.second) return watermarks;
        if (!(await ledger.moveWatermarks(domain, moved, watermarks))) throw new LostRaceError();
        return moved;
      },
    };
  };

  /**
   * Returns the watermarks of a domain, after it began, or moved past what Mailgun no longer kept when the domain came
   * back. What lies between is unknown, without a slice; second passes of before it left stay due.
   */
  async function watermarksOf(domain: string, returnedAt: number | undefined): Promise<Watermarks | undefined> {
    const held = await ledger.readWatermarks(domain);
    if (held === undefined) return begin(domain);
    const keptFrom = alignedStart((returnedAt ?? 0) - times.retentionSeconds, times.sliceSeconds);
    if (held.position >= keptFrom) return held;
    const moved = { ...held, position: keptFrom, second: held.second === held.position ? keptFrom : held.second };
    if (!(await ledger.moveWatermarks(domain, moved, held))) throw new LostRaceError();
    return moved;
  }

  /** Returns the slices from a time on whose settle time is over. */
  async function dueFrom(domain: string, from: number, rules: PlanRules): Promise<SlicePlace[]> {
    const to = Math.min(secondsOf(rules) - times.settleSeconds, rules.endsAt ?? Number.POSITIVE_INFINITY);
    const places: SlicePlace[] = [];
    for await (const place of slicesBetween(slices, domain, { from, to }, times.sliceSeconds)) {
      if (isDue(place, times.settleSeconds, rules.nowMs)) places.push(place);
    }
    return places;
  }

  /** The ledger begins with the slice of the first stored event, or where it is configured to; found, no later than that. */
  async function begin(domain: string): Promise<Watermarks | undefined> {
    const nowMs = now();
    const { startsAt } = domains.find(({ name }) => name === domain) ?? {};
    let fromSeconds = startsAt === undefined ? times.fromEpochSeconds : undefined;
    if (fromSeconds === undefined) {
      const oldestMs = nowMs - Math.min(times.retentionSeconds, MAX_START_AGE_SECONDS) * 1000;
      for await (const first of index.stored(domain, oldestMs, nowMs)) {
        fromSeconds = first.atMs / 1000;
        break;
      }
      if (startsAt !== undefined) fromSeconds = Math.min(startsAt, fromSeconds ?? startsAt);
    }
    if (fromSeconds === undefined) return undefined;
    const start = alignedStart(fromSeconds, times.sliceSeconds);
    const watermarks = { position: start, second: start, start };
    if (!(await ledger.moveWatermarks(domain, watermarks, undefined))) throw new LostRaceError();
    return watermarks;
  }

  /** Returns the slices of events that came in too late for the passes of their time, each with its own of them. */
  async function slicesOf(domain: string, stragglers: readonly Straggler[], rules: PlanRules): Promise<LateSlice[]> {
    const length = times.sliceSeconds;
    const found = new Map<number, LateSlice>();
    for (const [start, group] of Map.groupBy(stragglers, ({ at }) => alignedStart(at, length))) {
      // Nothing of it is ready while its first second is not.
      if (!isReadyForLate({ start, end: start + 1 }, rules)) continue;
      for await (const place of slicesBetween(slices, domain, { from: start, to: start + length }, length)) {
        const own = group.filter(({ at }) => at >= place.start && at < place.end);
        if (own.length === 0 || !isReadyForLate(place, rules)) continue;
        // Slices of an earlier configuration may be longer.
        found.set(place.start, { place, own: [...(found.get(place.start)?.own ?? []), ...own] });
      }
    }
    return [...found.values()];
  }
}

/** The facts by which all passes of a domain are planned. */
export interface PlanRules extends Pick<LedgerTimes, 'settleSeconds' | 'retentionSeconds'> {
  nowMs: number;
  ignoreWaits: boolean;
  /** As in `ComparedDomain`. */
  endsAt?: number | undefined;
  returnedAt?: number | undefined;
}

/** A slice of events that came in too late for its passes, with those events. */
interface LateSlice {
  place: SlicePlace;
  own: Straggler[];
}

const secondsOf = ({ nowMs }: PlanRules) => Math.floor(nowMs / 1000);

const isOld = (bounds: SliceBounds, { retentionSeconds, nowMs }: PlanRules) =>
  isPastSecondPass(bounds, retentionSeconds, nowMs);

/** Returns true if a pass that begins then compares a straggler; one that begins before may miss it. */
export function isVisibleAt(
  atMs: number,
  { notedAt }: Straggler,
  { ignoreWaits, settleSeconds }: Pick<PlanRules, 'ignoreWaits' | 'settleSeconds'>,
): boolean {
  return visibleFrom(notedAt, ignoreWaits ? 0 : settleSeconds) <= atMs;
}

function isReadyForLate(bounds: SliceBounds, rules: PlanRules): boolean {
  return rules.ignoreWaits ? isDue(bounds, rules.settleSeconds, rules.nowMs) : isOld(bounds, rules);
}

/** Returns the pass over a slice, whose lost webhooks are not reported where none could come. */
function passOver({ start, end }: SliceBounds, rules: PlanRules): PlannedPass {
  const hasNoWebhooks = rules.endsAt !== undefined || start < (rules.returnedAt ?? 0);
  return { start, end, isOld: isOld({ start, end }, rules), ...(hasNoWebhooks && { isBackfill: true }) };
}

function planLate(
  late: readonly LateSlice[],
  open: readonly OpenSlice[],
  watermarks: Watermarks | undefined,
  rules: PlanRules,
): PlannedPass[] {
  return late.map(({ place, own }) => ({
    isBackfill: isBackfill(place, watermarks),
    ...passOver(place, rules),
    open: open.find(({ start }) => start === place.start),
    stragglers: own,
  }));
}

function planOpen(open: readonly OpenSlice[], late: readonly PlannedPass[], rules: PlanRules): PlannedPass[] {
  return open
    .filter(({ nextAt }) => nextAt <= rules.nowMs || rules.ignoreWaits)
    .toSorted((a, b) => a.nextAt - b.nextAt)
    .filter(({ start }) => late.every((pass) => pass.start !== start))
    .map((each) => ({ ...(each.isBackfill && { isBackfill: true }), ...passOver(each, rules), open: each }));
}

function planDue(places: readonly SlicePlace[], taken: ReadonlySet<number>, rules: PlanRules): PlannedPass[] {
  return places
    .filter(({ slice, start }) => slice === undefined && !taken.has(start))
    .map((place) => passOver(place, rules))
    .reverse();
}

function planSecond(olds: readonly Slice[], taken: ReadonlySet<number>, rules: PlanRules): PlannedPass[] {
  return olds
    .filter((slice) => isSecondPending(slice, rules) && !taken.has(slice.start))
    .map((slice) => passOver(slice, rules));
}

function secondPassesUntil({ position }: Watermarks, rules: PlanRules): number {
  return rules.ignoreWaits
    ? position
    : Math.min(position, secondsOf(rules) - secondPassSeconds(rules.retentionSeconds));
}

/** Returns true if a slice awaits its second pass; an unsettled one gets its passes by its marker. */
function isSecondPending(slice: Slice, rules: PlanRules): boolean {
  return (rules.ignoreWaits || (slice.finalAt === null && isOld(slice, rules))) && !isUnsettled(slice);
}

/**
 * Returns the watermarks moved over the slices that are passed by now, up to the first that is not; `places` begin at
 * the position of first passes, `olds` at that of second ones.
 */
export function advanced(
  watermarks: Watermarks,
  { places, olds }: { places: readonly SlicePlace[]; olds: readonly Slice[] },
  rules: PlanRules,
  isPassed: (start: number) => boolean,
): Watermarks {
  const moved = { ...watermarks };
  for (const { start, end, slice } of places) {
    if (slice === undefined && !isPassed(start)) break;
    moved.position = end;
  }
  for (const slice of olds) {
    if (!isOld(slice, rules) || (isSecondPending(slice, rules) && !isPassed(slice.start))) break;
    moved.second = slice.end;
  }
  // A slice passed late had its second pass with the first.
  for (const { start, end } of places) {
    if (moved.second !== start || moved.position < end || !isOld({ start, end }, rules)) break;
    if (isPassed(start)) moved.second = end;
  }
  return moved;
}

/** Returns true if the passes of a slice are over, or it is before the ledger: its lost webhooks are not reported. */
export function isBackfill({ start, slice }: SlicePlace, watermarks: Watermarks | undefined): boolean {
  const begun = slice === undefined ? watermarks?.position : watermarks?.second;
  return start < (begun ?? Number.POSITIVE_INFINITY);
}
