import { secondPassSeconds } from '../contract.ts';
import { total } from '../domain/counts.ts';
import { ListingError, type Progress, type SendingDomain } from '../domain/reconcile-ports.ts';
import { isDue, type Slice, type SliceBounds, stateOf } from '../domain/slice.ts';
import { saysTheSame, slicePassed } from '../domain/tally.ts';
import { LostRaceError, withLease } from './lease.ts';
import { createPass } from './pass.ts';
import type { ReconcileDeps } from './reconcile.ts';
import type { ReplayEvent, ReplayReport, ReplayState } from './replay-contract.ts';
import { createSliceVisit } from './slice-visit.ts';
import { slicesBetween } from './slices-between.ts';

/** `book` keeps a progress of its own, since the scheduled runs go on in between. */
export type ReplayDeps = Omit<ReconcileDeps, 'onFailure'>;

export interface ReplayRequest extends ReplayEvent {
  deadlineMs: number;
}

/** What became of one slice: written, or as it would have been. */
interface Passed {
  previous: Slice | undefined;
  next: Slice;
  sent: number;
}
type VisitResult = Passed | 'backlog' | 'paused';

const NOT_BEGUN = { position: Number.POSITIVE_INFINITY, second: Number.POSITIVE_INFINITY };

/** Passes over all slices of a time, also those before the ledger's start and settled ones, as far as one call comes. */
export function createReplay(deps: ReplayDeps): (request: ReplayRequest) => Promise<ReplayReport> {
  const { slices, times, now } = deps;
  const secondSeconds = secondPassSeconds(times.retentionSeconds);

  return async (request) => {
    const report = emptyReport(request.fromEpochSeconds);
    const domain = deps.domains.find(({ name }) => name === request.domain);
    if (domain === undefined) return { ...report, state: 'unknown-domain' };
    if (!(await deps.isConfigured())) return { ...report, state: 'off' };
    if (request.plan) return plan(domain, request, report);
    const state = await withLease(deps, (keepAlive) => replay(domain, request, report, keepAlive));
    return { ...report, state };
  };

  /** Has neither queue nor book nor lease in hand, so it can change nothing. */
  async function plan(domain: SendingDomain, request: ReplayRequest, report: ReplayReport): Promise<ReplayReport> {
    let progress: Progress | undefined;
    const nothing = async () => {};
    const pass = createPass({
      ...deps,
      queue: { send: nothing },
      book: {
        readProgress: async () => request.progress,
        putProgress: async (_domain, noted) => {
          progress = noted;
        },
      },
      keepAlive: nothing,
    });
    const state = await passOver(domain, request, report, async (bounds) => {
      const previous = await slices.read(domain.name, bounds.start);
      const isFinal = isOld(bounds);
      const { deadlineMs } = request;
      const job = { domain, bounds, previous, isFinal, maySend: true, unlisted: false, deadlineMs };
      progress = undefined;
      const outcome = await pass(job);
      if (outcome.kind !== 'done') return 'paused';
      progress = undefined;
      const judged = { nowMs: now(), unlisted: false };
      const next = slicePassed({ ...bounds, domain: domain.name }, previous, outcome.tally, judged);
      return { previous, next, sent: outcome.tally.sent };
    });
    return { ...report, state, ...(progress && { progress }) };
  }

  async function replay(
    domain: SendingDomain,
    request: ReplayRequest,
    report: ReplayReport,
    keepAlive: () => Promise<void>,
  ): Promise<ReplayState> {
    const { book, depth } = deps;
    const visitSlice = createSliceVisit({ ...deps, keepAlive });
    const { position, second } = (await book.readCursor(domain.name)) ?? NOT_BEGUN;
    const open = new Map((await book.openSlices(domain.name)).map((each) => [each.start, each]));
    return passOver(domain, request, report, async (bounds) => {
      await keepAlive();
      const previous = await slices.read(domain.name, bounds.start);
      const messages = await depth.messages();
      // What an open slice lacks may have been sent, and be in the queue.
      const wasSent = previous !== undefined && stateOf(previous) === 'open';
      const outcome = await visitSlice({
        domain,
        bounds,
        previous,
        open: open.get(bounds.start),
        isBackfill: bounds.start < (previous === undefined ? position : second),
        isFinal: isOld(bounds),
        maySend: messages <= (wasSent ? 0 : deps.backlogMessages),
        deadlineMs: request.deadlineMs,
        mayBeUnlisted: false,
      });
      if (outcome.kind === 'done') return { previous, next: outcome.slice, sent: outcome.sent };
      return outcome.kind === 'held' ? 'backlog' : 'paused';
    });
  }

  /** Visits slice by slice and counts; answers why it went no further. */
  async function passOver(
    domain: SendingDomain,
    request: ReplayRequest,
    report: ReplayReport,
    visit: (bounds: SliceBounds) => Promise<VisitResult>,
  ): Promise<ReplayState> {
    const range = { from: request.fromEpochSeconds, to: request.toEpochSeconds };
    for await (const bounds of slicesBetween(slices, domain.name, range, times.sliceSeconds)) {
      report.nextFromEpochSeconds = bounds.start;
      if (!isDue(bounds, times.settleSeconds, now())) {
        report.done = true;
        return 'ran';
      }
      if (now() >= request.deadlineMs) return 'ran';
      try {
        const result = await visit(bounds);
        if (result === 'paused') return 'ran';
        if (result === 'backlog') return 'backlog';
        count(report, result);
      } catch (error) {
        if (error instanceof LostRaceError) return 'busy';
        if (!(error instanceof ListingError)) throw error;
        if (error.reason !== 'out-of-retention') {
          report.reason = error.reason;
          return 'failed';
        }
        report.unreachable += 1;
      }
      report.nextFromEpochSeconds = bounds.end;
    }
    report.done = true;
    return 'ran';
  }

  function isOld({ end }: SliceBounds): boolean {
    return now() >= (end + secondSeconds) * 1000;
  }
}

function emptyReport(nextFromEpochSeconds: number): ReplayReport {
  const slices = { slices: 0, newSlices: 0, changedSlices: 0, unreachable: 0 };
  const events = { expected: 0, missing: 0, sent: 0, stuck: 0 };
  return { state: 'ran', ...slices, ...events, done: false, nextFromEpochSeconds };
}

function count(report: ReplayReport, { previous, next, sent }: Passed): void {
  report.slices += 1;
  if (previous === undefined) report.newSlices += 1;
  else if (!saysTheSame(previous, next)) report.changedSlices += 1;
  report.expected += total(next.expected);
  report.missing += total(next.missing);
  report.sent += sent;
  report.stuck += next.stuck;
}
