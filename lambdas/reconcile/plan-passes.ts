import { DAY_SECONDS, secondPassSeconds, UNKNOWN_DOMAIN } from '../contract.ts';
import type { Watermarks } from '../domain/ledger/slice.ts';
import { alignedStart, isDue, isUnsettled, type Slice, type SliceBounds, visibleFrom } from '../domain/ledger/slice.ts';
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
export function createPlanPasses({ ledger, slices, index, domains, times, now }: PlanPassesDeps) {
  const secondSeconds = secondPassSeconds(times.retentionSeconds);

  return async (domain: string, ignoreWaits: boolean): Promise<PassPlan> => {
    const { open: openSlices, stragglers } = await ledger.readMarkers(domain);
    const nowSeconds = Math.floor(now() / 1000);
    const { endsAt, returnedAt = 0 } = domains.find(({ name }) => name === domain) ?? {};
    const isOld = ({ end }: SliceBounds) => nowSeconds >= end + secondSeconds;
    const withoutWebhooks = ({ start }: SliceBounds) =>
      endsAt !== undefined || start < returnedAt ? { isBackfill: true } : {};
    const watermarks =
      domain === UNKNOWN_DOMAIN ? undefined : ((await ledger.readWatermarks(domain)) ?? (await begin(domain)));
    const isReady = (bounds: SliceBounds) => (ignoreWaits ? isDue(bounds, times.settleSeconds, now()) : isOld(bounds));
    // A pass that comes too early would miss them, and no other one follows.
    const visible = stragglers.filter(
      ({ notedAt }) => ignoreWaits || visibleFrom(notedAt, times.settleSeconds) <= now(),
    );
    const late = (await slicesOf(domain, visible, isReady)).map(({ place, own }) => ({
      ...{ start: place.start, end: place.end, isOld: isOld(place), isBackfill: isBackfill(place, watermarks) },
      ...withoutWebhooks(place),
      open: openSlices.find(({ start }) => start === place.start),
      stragglers: own,
    }));
    const open = openSlices
      .filter(({ nextAt }) => nextAt <= now() || ignoreWaits)
      .sort((a, b) => a.nextAt - b.nextAt)
      .filter(({ start }) => late.every((pass) => pass.start !== start))
      .map((each) => ({
        ...{ start: each.start, end: each.end, open: each, isOld: isOld(each) },
        ...markedAsBackfill(each),
        ...withoutWebhooks(each),
      }));
    const openPasses: PlannedPass[] = [...late, ...open];
    if (watermarks === undefined) {
      return { due: [], open: openPasses, second: [], watermarks, advance: async () => undefined };
    }
    const places: SlicePlace[] = [];
    const dueEnd = Math.min(nowSeconds - times.settleSeconds, endsAt ?? Number.POSITIVE_INFINITY);
    for await (const place of slicesBetween(
      slices,
      domain,
      { from: watermarks.position, to: dueEnd },
      times.sliceSeconds,
    )) {
      if (isDue(place, times.settleSeconds, now())) places.push(place);
    }
    const olds: Slice[] = [];
    const secondEnd = ignoreWaits ? watermarks.position : Math.min(watermarks.position, nowSeconds - secondSeconds);
    for await (const slice of slices.list(domain, watermarks.second, secondEnd)) olds.push(slice);
    const taken = new Set(openPasses.map(({ start }) => start));
    const isPending = (slice: Slice) =>
      (ignoreWaits || (slice.finalAt === null && isOld(slice))) && !isUnsettled(slice);

    return {
      due: places
        .filter(({ slice, start }) => slice === undefined && !taken.has(start))
        .map(({ start, end }) => ({ start, end, isOld: isOld({ start, end }), ...withoutWebhooks({ start, end }) }))
        .reverse(),
      open: openPasses,
      second: olds
        .filter((slice) => isPending(slice) && !taken.has(slice.start))
        .map((slice) => ({ start: slice.start, end: slice.end, isOld: isOld(slice), ...withoutWebhooks(slice) })),
      watermarks,
      async advance(isPassed) {
        const moved = { ...watermarks };
        for (const { start, end, slice } of places) {
          if (slice === undefined && !isPassed(start)) break;
          moved.position = end;
        }
        for (const slice of olds) {
          if (!isOld(slice) || (isPending(slice) && !isPassed(slice.start))) break;
          moved.second = slice.end;
        }
        // A slice passed late had its second pass with the first.
        for (const { start, end } of places) {
          if (moved.second !== start || moved.position < end || !isOld({ start, end })) break;
          if (isPassed(start)) moved.second = end;
        }
        if (moved.position === watermarks.position && moved.second === watermarks.second) return watermarks;
        if (!(await ledger.moveWatermarks(domain, moved, watermarks))) throw new LostRaceError();
        return moved;
      },
    };
  };

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
  async function slicesOf(
    domain: string,
    stragglers: readonly Straggler[],
    isReady: (bounds: SliceBounds) => boolean,
  ): Promise<{ place: SlicePlace; own: Straggler[] }[]> {
    const length = times.sliceSeconds;
    const found = new Map<number, { place: SlicePlace; own: Straggler[] }>();
    for (const [start, group] of Map.groupBy(stragglers, ({ at }) => alignedStart(at, length))) {
      // Nothing of it is ready while its first second is not.
      if (!isReady({ start, end: start + 1 })) continue;
      for await (const place of slicesBetween(slices, domain, { from: start, to: start + length }, length)) {
        const own = group.filter(({ at }) => at >= place.start && at < place.end);
        if (own.length === 0 || !isReady(place)) continue;
        // Slices of an earlier configuration may be longer.
        found.set(place.start, { place, own: [...(found.get(place.start)?.own ?? []), ...own] });
      }
    }
    return [...found.values()];
  }
}

/** Returns true if the passes of a slice are over, or it is before the ledger: its lost webhooks are not reported. */
export function isBackfill({ start, slice }: SlicePlace, watermarks: Watermarks | undefined): boolean {
  const begun = slice === undefined ? watermarks?.position : watermarks?.second;
  return start < (begun ?? Number.POSITIVE_INFINITY);
}

const markedAsBackfill = ({ isBackfill: isMarked }: OpenSlice) => (isMarked ? { isBackfill: true } : {});
