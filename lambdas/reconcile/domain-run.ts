import { total } from '../domain/counts.ts';
import {
  type Cursor,
  ListingError,
  type OpenSlice,
  type SendingDomain,
  type Slices,
} from '../domain/reconcile-ports.ts';
import {
  alignedStart,
  isDue,
  type Slice,
  type SliceBounds,
  secondPassSeconds,
  sliceFrom,
  stateOf,
  waitSeconds,
} from '../domain/slice.ts';
import { saysTheSame, slicePassed, type Tally } from '../domain/tally.ts';
import { createPass, type PassDeps } from './pass.ts';

/** Times that a deployment chooses, in seconds. */
export interface LedgerTimes {
  everySeconds: number;
  settleSeconds: number;
  sliceSeconds: number;
  retentionSeconds: number;
  /** Where ledgers start; otherwise at the first webhook of the domain. */
  fromEpochSeconds?: number | undefined;
}

/** What is worth telling of a slice that was written. */
export interface SliceNews {
  domain: string;
  start: number;
  lost: number;
  unconfirmed: number;
}

export interface DomainRunDeps extends PassDeps {
  slices: Slices;
  times: LedgerTimes;
  /** Told of slices in which webhooks were lost, or events stand that Mailgun does not list. */
  onNews: (news: SliceNews) => void;
}

export interface DomainRun {
  domain: SendingDomain;
  ignoreWaits: boolean;
  maySend: boolean;
  deadlineMs: number;
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

/** Somebody else wrote what this run was about to write, so its results are void. */
export class LostRaceError extends Error {
  override name = 'LostRaceError';
}

/** The day index is searched so far back for a domain's first event. */
const FURTHEST_START_SECONDS = 31 * 86_400;

/** Passes over all slices of one domain that are to be looked at now: first the new ones, then the open, then the old. */
export function createDomainRun(
  deps: DomainRunDeps,
): (run: DomainRun, report: RunReport) => Promise<Cursor | undefined> {
  const { book, slices, times, now } = deps;
  const pass = createPass(deps);
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
    const name = run.domain.name;
    const previous = await slices.read(name, bounds.start);
    const isFinal = run.ignoreWaits || now() >= (bounds.end + secondSeconds) * 1000;
    const job = { ...run, bounds, previous, isFinal, unlisted: false };
    // The listing begins a second before the slice, so one at the very edge is refused too.
    const isOutOfReach = (bounds.start - times.sliceSeconds) * 1000 < now() - times.retentionSeconds * 1000;
    let unlisted = false;
    const outcome = await pass(job).catch((error) => {
      unlisted = isOutOfReach && error instanceof ListingError && error.reason === 'out-of-retention';
      if (!unlisted) throw error;
      return pass({ ...job, unlisted });
    });
    if (outcome.kind !== 'done') return false;
    await write({ ...bounds, domain: name }, previous, open, outcome.tally, unlisted, isFinal, report);
    return true;
  }

  async function write(
    bounds: SliceBounds & { domain: string },
    previous: Slice | undefined,
    open: OpenSlice | undefined,
    tally: Tally,
    unlisted: boolean,
    isFinal: boolean,
    report: RunReport,
  ): Promise<void> {
    const nowMs = now();
    const { domain, start, end } = bounds;
    const next = slicePassed(bounds, previous, tally, { nowMs, unlisted });
    const isOpen = stateOf(next) === 'open';
    // The marker stands before an open slice and falls after a settled one, so no crash hides what is missing.
    if (isOpen) {
      const nextAt = nowMs + waitSeconds(next.sends, times.everySeconds) * 1000;
      await book.putOpen(domain, { start, end, nextAt, since: open?.since ?? nowMs, stuck: next.stuck });
    }
    // Before the write: a page too many is better than one that a crash swallows.
    const lost = Math.max(0, total(next.lost) - total(previous?.lost ?? {}));
    const unconfirmed = isFinal ? total(next.unconfirmed) : 0;
    if (lost + unconfirmed > 0) deps.onNews({ domain, start, lost, unconfirmed });
    const isSame = previous !== undefined && saysTheSame(previous, next);
    if (!(isSame ? await slices.countPass(previous) : await slices.write(next, previous))) throw new LostRaceError();
    if (!isOpen && (open !== undefined || (previous !== undefined && stateOf(previous) === 'open'))) {
      await book.dropOpen(domain, start);
    }
    await book.dropProgress(domain);
    report.slices += 1;
    report.expected += total(next.expected);
    report.missing += total(next.missing);
    report.sent += tally.sent;
  }
}
