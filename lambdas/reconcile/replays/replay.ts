import type { SendingDomain } from '../../contract.ts';
import { total } from '../../domain/ledger/counts.ts';
import { maySend } from '../../domain/ledger/requeue.ts';
import { isDue, isPastSecondPass, type SliceBounds, stateOf } from '../../domain/ledger/slice.ts';
import { isSameSlice } from '../../domain/ledger/tally.ts';
import { type HeldLease, LostRaceError, withLease } from '../../shared/lease.ts';
import { createPassSlice, type DonePass, type PassOutcome } from '../passes/pass-slice.ts';
import { type SlicePlace, slicesBetween } from '../passes/slices-between.ts';
import { isBackfill } from '../plan-passes.ts';
import { type DonePart, ListingError } from '../ports.ts';
import type { ReconcileDeps } from '../reconcile.ts';
import type { ReplayEvent, ReplayReport, ReplayState } from './replay-contract.ts';

export interface ReplayRequest extends ReplayEvent {
  deadlineMs: number;
}

/** A call begins no further slice after this time, so that the operator sees progress. */
const PROGRESS_MS = 10_000;

/**
 * Passes over all slices of a time, also those before the ledger's start and settled ones, as far as one call comes. It
 * runs in the function: on the operator's machine it would need the rights on table, queue and API key.
 */
export function createReplay(deps: ReconcileDeps): (request: ReplayRequest) => Promise<ReplayReport> {
  const { ledger, slices, times, now } = deps;

  return async (request) => {
    const report = emptyReport(request.fromEpochSeconds);
    const domain = deps.domains.find(({ name }) => name === request.domain);
    if (domain === undefined) return { ...report, state: 'unknown-domain' };
    if (!(await deps.isConfigured())) return { ...report, state: 'off' };
    if (request.plan) return plan(domain, request, report);
    const state = await withLease(deps, (held) => replay(domain, request, report, held));
    return { ...report, state };
  };

  /** Uses ports that write nothing, so it can change nothing. */
  async function plan({ name }: SendingDomain, request: ReplayRequest, report: ReplayReport): Promise<ReplayReport> {
    let progress: DonePart[] = [];
    const passSlice = createPassSlice({
      ...deps,
      ...withoutEffect(deps, request.progress ?? [], (part) => progress.push(part)),
    });
    const run = { runId: 'plan', assertHeld() {}, ignoreWaits: true };
    const state = await passOver(name, request, report, async ({ start, end }) => {
      const bounds = { start, end };
      progress = [];
      const { deadlineMs } = request;
      return passSlice(run, {
        domain: name,
        bounds,
        isOld: isOld(bounds),
        maySend: true,
        mustBeListed: true,
        deadlineMs,
      });
    });
    const isUnfinished = !report.done && progress.length > 0;
    return { ...report, state, ...(isUnfinished && { progress: [...keptFor(request, report), ...progress] }) };
  }

  /** Returns the parts of the unfinished slice from the previous reply, if this call did not get beyond it. */
  function keptFor({ progress = [], fromEpochSeconds }: ReplayRequest, report: ReplayReport): DonePart[] {
    return report.nextFromEpochSeconds === fromEpochSeconds ? progress : [];
  }

  async function replay(
    { name }: SendingDomain,
    request: ReplayRequest,
    report: ReplayReport,
    held: HeldLease,
  ): Promise<ReplayState> {
    const passSlice = createPassSlice(deps);
    const run = { ...held, ignoreWaits: false };
    const watermarks = await ledger.readWatermarks(name);
    const open = new Map((await ledger.readMarkers(name)).open.map((each) => [each.start, each]));
    return passOver(name, request, report, async (place) => {
      const { start, end } = place;
      const bounds = { start, end };
      held.assertHeld();
      const known = await slices.read(name, start);
      const messages = await deps.depth.messages();
      // Missing events of an open slice may have been requeued, and be in the queue.
      const wasSent = known !== undefined && stateOf(known) === 'open';
      return passSlice(run, {
        domain: name,
        bounds,
        open: open.get(start),
        isOld: isOld(bounds),
        isBackfill: isBackfill(place, watermarks),
        maySend: maySend(messages, deps.backlogMessages, wasSent),
        mustBeListed: true,
        deadlineMs: request.deadlineMs,
      });
    });
  }

  /** Passes slice by slice and counts; returns why it stopped. */
  async function passOver(
    domain: string,
    request: ReplayRequest,
    report: ReplayReport,
    pass: (place: SlicePlace) => Promise<PassOutcome>,
  ): Promise<ReplayState> {
    const range = { from: request.fromEpochSeconds, to: request.toEpochSeconds };
    let endMs: number | undefined;
    for await (const place of slicesBetween(slices, domain, range, times.sliceSeconds)) {
      report.nextFromEpochSeconds = place.start;
      if (!isDue(place, times.settleSeconds, now())) {
        report.done = true;
        return 'ran';
      }
      endMs ??= Math.min(request.deadlineMs, now() + PROGRESS_MS);
      if (now() >= endMs) return 'ran';
      try {
        const outcome = await pass(place);
        if (outcome.kind === 'done') count(report, outcome);
        else return outcome.kind === 'paused' ? 'ran' : 'backlog';
      } catch (error) {
        if (error instanceof LostRaceError) return 'busy';
        if (!(error instanceof ListingError)) throw error;
        if (error.reason !== 'out-of-retention') {
          report.reason = error.reason;
          return 'failed';
        }
        report.unreachable += 1;
      }
      report.nextFromEpochSeconds = place.end;
    }
    report.done = true;
    return 'ran';
  }

  function isOld(bounds: SliceBounds): boolean {
    return isPastSecondPass(bounds, times.retentionSeconds, now());
  }
}

function withoutEffect(deps: ReconcileDeps, before: readonly DonePart[], onPart: (part: DonePart) => void) {
  const nothing = async () => {};
  return {
    queue: { send: nothing },
    onNews() {},
    events: { lookUp: deps.events.lookUp.bind(deps.events), markUnconfirmed: nothing },
    requeues: { listUpTo: deps.requeues.listUpTo.bind(deps.requeues), count: async () => true, put: nothing },
    parts: {
      // They lie in the slice that the reply before had not finished, so no other slice can take them for its own.
      done: async ({ start }: { start: number }) => before.filter(({ from }) => from >= start),
      put: async (_slice: unknown, _pass: number, part: DonePart) => onPart(part),
      // Only events that name no domain are compared with many listings, and those are not replayed.
      begun: async () => [],
      putBegun: nothing,
    },
    ledger: {
      putOpen: nothing,
      dropOpen: nothing,
      putDoubt: nothing,
      dropDoubt: nothing,
      notePostedKind: nothing,
      readPostedKinds: deps.ledger.readPostedKinds.bind(deps.ledger),
    },
    slices: {
      read: deps.slices.read.bind(deps.slices),
      list: deps.slices.list.bind(deps.slices),
      write: async () => true,
    },
  };
}

function emptyReport(nextFromEpochSeconds: number): ReplayReport {
  const slices = { slices: 0, newSlices: 0, changedSlices: 0, unreachable: 0 };
  const events = { expected: 0, missing: 0, sent: 0, stuck: 0 };
  return { state: 'ran', ...slices, ...events, done: false, nextFromEpochSeconds };
}

function count(report: ReplayReport, { previous, slice, tally }: DonePass): void {
  report.slices += 1;
  if (previous === undefined) report.newSlices += 1;
  else if (!isSameSlice(previous, slice)) report.changedSlices += 1;
  report.expected += total(slice.expected);
  report.missing += total(slice.missing);
  report.sent += tally.sent;
  report.stuck += slice.stuck;
}
