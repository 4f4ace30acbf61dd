import { secondPassSeconds } from '../contract.ts';
import { total } from '../domain/counts.ts';
import type { Cursor, OpenSlice, SendingDomain } from '../domain/reconcile-ports.ts';
import { alignedStart, isDue, type SliceBounds, sliceFrom, stateOf } from '../domain/slice.ts';
import { LostRaceError } from './lease.ts';
import { createSliceVisit, type Hearing, type SliceVisitDeps } from './slice-visit.ts';

export type DomainRunDeps = SliceVisitDeps;

export interface DomainRun {
  domain: SendingDomain;
  ignoreWaits: boolean;
  maySend: boolean;
  deadlineMs: number;
  /** Told of every slice that is looked at for the first time. */
  onHearing: (hearing: Hearing) => void;
}

/** What a run has done, by the local stack's contract; `done`: nothing that is due was left undone. */
export interface RunReport {
  slices: number;
  expected: number;
  missing: number;
  sent: number;
  open: number;
  done: boolean;
}

/** The day index is searched so far back for a domain's first event. */
const FURTHEST_START_SECONDS = 31 * 86_400;

/** Passes over all slices of one domain that are to be looked at now: first the new ones, then the open, then the old. */
export function createDomainRun(
  deps: DomainRunDeps,
): (run: DomainRun, report: RunReport) => Promise<Cursor | undefined> {
  const { book, slices, times, now } = deps;
  const visitSlice = createSliceVisit(deps);
  const secondSeconds = secondPassSeconds(times.retentionSeconds);

  return async (run, report) => {
    const name = run.domain.name;
    const started = (await book.readCursor(name)) ?? (await start(name));
    if (started === undefined) return undefined;
    let cursor = started;
    const passed = new Set<number>();
    const isLate = () => now() >= run.deadlineMs;
    const visit = async (bounds: SliceBounds, open: OpenSlice | undefined): Promise<boolean> => {
      const ended = !isLate() && (await passOver(run, bounds, open, report));
      if (ended) passed.add(bounds.start);
      else report.done = false;
      return ended;
    };
    const advance = async (moved: Cursor) => {
      if (!(await book.moveCursor(name, moved, cursor))) throw new LostRaceError();
      cursor = moved;
    };

    for (;;) {
      const bounds = sliceFrom(cursor.position, times.sliceSeconds);
      if (!isDue(bounds, times.settleSeconds, now())) break;
      // Written already where a run died between the slice and the cursor.
      const isWritten = (await slices.read(name, bounds.start)) !== undefined;
      if (!isWritten && !(await visit(bounds, undefined))) return cursor;
      await advance({ ...cursor, position: bounds.end });
    }

    for (const open of await book.openSlices(name)) {
      const isWaiting = open.nextAt > now() && !run.ignoreWaits;
      if (isWaiting || passed.has(open.start) || open.start >= cursor.position) continue;
      if (!(await visit(open, open))) return cursor;
    }

    for await (const slice of slices.list(name, cursor.second, cursor.position)) {
      const isOld = now() >= (slice.end + secondSeconds) * 1000;
      if (!isOld && !run.ignoreWaits) break;
      const isOpen = stateOf(slice) === 'open';
      if (!passed.has(slice.start) && !isOpen && !(await visit(slice, undefined))) return cursor;
      if (isOld) await advance({ ...cursor, second: slice.end });
    }
    return cursor;
  };

  /** The ledger begins with the slice of the first event that is stored, or where it is told to. */
  async function start(domain: string): Promise<Cursor | undefined> {
    const nowMs = now();
    const oldestMs = nowMs - Math.min(times.retentionSeconds, FURTHEST_START_SECONDS) * 1000;
    let fromSeconds = times.fromEpochSeconds;
    if (fromSeconds === undefined) {
      for await (const first of deps.index.stored(domain, oldestMs, nowMs)) {
        fromSeconds = first.atMs / 1000;
        break;
      }
    }
    if (fromSeconds === undefined) return undefined;
    const position = alignedStart(fromSeconds, times.sliceSeconds);
    const cursor = { position, second: position };
    if (!(await book.moveCursor(domain, cursor, undefined))) throw new LostRaceError();
    return cursor;
  }

  async function passOver(
    run: DomainRun,
    bounds: SliceBounds,
    open: OpenSlice | undefined,
    report: RunReport,
  ): Promise<boolean> {
    const previous = await slices.read(run.domain.name, bounds.start);
    const isFinal = run.ignoreWaits || now() >= (bounds.end + secondSeconds) * 1000;
    const outcome = await visitSlice({
      ...run,
      bounds,
      previous,
      open,
      isFinal,
      isBackfill: open?.isBackfill ?? false,
    });
    if (outcome.kind !== 'done') return false;
    report.slices += 1;
    report.expected += total(outcome.slice.expected);
    report.missing += total(outcome.slice.missing);
    report.sent += outcome.sent;
    if (outcome.hearing !== undefined) run.onHearing(outcome.hearing);
    return true;
  }
}
