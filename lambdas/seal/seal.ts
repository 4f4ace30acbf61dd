import { DAY_SECONDS, HOUR_MS, UNKNOWN_DOMAIN } from '../contract.ts';
import { ERASED_TEXT, erasedKey } from '../domain/archive/object-keys.ts';
import { isCorrectable, isUnsettled, type Slice } from '../domain/ledger/slice.ts';
import { type LeaseDeps, withLease } from '../shared/lease.ts';
import { createChainWriter } from './chain-writer.ts';
import type { EventObjects, LedgerSlices, ManifestBucket, SealMark, SealState } from './ports.ts';
import { createSealSlice, type SealRun } from './seal-slice.ts';
import { createSliceRows, DeadlineError, type SliceRowsDeps, UnsettledIndexError } from './slice-rows.ts';

export interface SealDeps extends LeaseDeps, Omit<SliceRowsDeps, 'noteErased'> {
  slices: LedgerSlices;
  state: SealState;
  bucket: ManifestBucket;
  objects: EventObjects;
  domains: readonly string[];
  /** Seconds between scheduled runs. */
  everySeconds: number;
  /** Seconds back from now in which slices are sealed: as long as the table ever kept events. */
  reachSeconds: number;
  onFailure: (domain: string, error: unknown) => void;
}

interface SealRequest {
  /** Seals whatever was compared once, without waiting for the second pass. */
  ignoreWaits: boolean;
  /** Epoch milliseconds. */
  deadlineMs: number;
}

export interface SealReport {
  /** Slices with newly sealed data. */
  sealed: number;
  /** Events sealed. */
  rows: number;
  /** Seconds that the slice has waited that waits longest; 0 where none waits, null where it could not be read. */
  waitSeconds: number | null;
  /** True if all that could be sealed was. */
  done: boolean;
  /** True if another run holds the lease, so that this one only measured what waits. */
  busy: boolean;
}

/** The day index lags behind the table, so a slice rests this long after its last pass. */
const REST_MS = 60_000;

/** Days back from now in which events are looked for that no slice holds. */
const UNCOMPARED_DAYS = 2;

/** What is sealed stays as it is, so a slice waits this long after its second pass for what is corrected by requeues. */
const CORRECTIONS_MS = 6 * HOUR_MS;

/** Slices that a run still looks at past its deadline, so that it ends in time. */
const LATE_SLICES = 100;

/**
 * Returns true if no slice behind it has waited longer: each pass after the second begins the wait anew, and an unsettled
 * slice gets many. After an outage of reconcile the newest slices are passed first, and final at once: then one behind it
 * may have waited longer, by no more than the catch-up took.
 */
const isLongest = (slice: Slice) => !isUnsettled(slice) && slice.passedAt <= (slice.finalAt ?? 0);

/**
 * Seals every slice after its second pass, oldest first. Events stored later for a sealed slice are found by checking
 * one older day in each run, in turn.
 */
export function createSeal(deps: SealDeps): (request: SealRequest) => Promise<SealReport> {
  const { slices, state, now, everySeconds, reachSeconds } = deps;
  const domains = [...deps.domains, UNKNOWN_DOMAIN];
  const chain = createChainWriter(deps);
  const sealSlice = createSealSlice({ ...deps, chain, rowsOf: createSliceRows({ ...deps, noteErased }) });

  const noted = new Set<string>();
  /** Writes markers of recipients who were erased before the archive existed. */
  async function noteErased(recipientHashes: readonly string[]): Promise<void> {
    for (const hash of new Set(recipientHashes)) {
      if (noted.has(hash)) continue;
      await deps.bucket.putTextIfAbsent(erasedKey(hash), ERASED_TEXT);
      noted.add(hash);
    }
  }

  return async (request) => {
    const report = await withLease(deps, ({ assertHeld }) => sealAll(request, assertHeld));
    if (report !== 'busy') return report;
    // `erase` may hold the lease for hours, and the metric must show what waits meanwhile.
    const waiting: SealReport = { sealed: 0, rows: 0, waitSeconds: 0, done: false, busy: true };
    for (const domain of domains) await reportWaits(domain, waiting);
    return waiting;
  };

  async function sealAll(request: SealRequest, assertHeld: () => void): Promise<SealReport> {
    const report: SealReport = { sealed: 0, rows: 0, waitSeconds: 0, done: true, busy: false };
    for (const domain of domains) {
      try {
        await sealDomain(domain, request, assertHeld, report);
      } catch (error) {
        report.done = false;
        deps.onFailure(domain, error);
        await reportWaits(domain, report);
      }
    }
    return report;
  }

  /** Notes how long the slices have waited that a run would seal, of each range up to the one that waits longest. */
  async function reportWaits(domain: string, report: SealReport): Promise<void> {
    const nowSeconds = Math.floor(now() / 1000);
    try {
      const position = await positionOf(domain);
      const older = olderDay(nowSeconds - reachSeconds, position);
      let isCompared = position > nowSeconds - reachSeconds;
      for (const { from, to } of [{ from: position, to: nowSeconds }, older]) {
        for await (const { slice, isMarked } of unsealed(domain, from, to)) {
          isCompared ||= from === position;
          if (isMarked || !isReady(slice, false)) continue;
          noteWait(slice, report);
          if (isLongest(slice)) break;
        }
      }
      if (!isCompared) await noteUncompared(domain, position, report);
    } catch (error) {
      deps.onFailure(domain, error);
      // No figure, so that the alarm does not take what is unknown for nothing.
      report.waitSeconds = null;
    }
  }

  /** Notes how long events have waited of a domain that never had a slice: without an API key none is made. */
  async function noteUncompared(domain: string, position: number, report: SealReport): Promise<void> {
    if (domain === UNKNOWN_DOMAIN) return;
    const nowSeconds = Math.floor(now() / 1000);
    const from = Math.max(position, nowSeconds - UNCOMPARED_DAYS * DAY_SECONDS);
    for await (const { atMs } of deps.keys.stored(domain, from * 1000, nowSeconds * 1000 - 1))
      return noteSince(atMs, report);
  }

  function noteWait(slice: Slice, report: SealReport): void {
    noteSince(Math.max(heldUntil(slice) ?? slice.passedAt, slice.passedAt), report);
  }

  function noteSince(sinceMs: number, report: SealReport): void {
    if (report.waitSeconds === null) return;
    report.waitSeconds = Math.max(report.waitSeconds, Math.floor((now() - sinceMs) / 1000));
  }

  async function positionOf(domain: string): Promise<number> {
    const oldest = Math.floor(now() / 1000) - reachSeconds;
    return Math.max(oldest, (await state.readPosition(domain)) ?? oldest);
  }

  async function sealDomain(domain: string, request: SealRequest, assertHeld: () => void, report: SealReport) {
    const nowSeconds = Math.floor(now() / 1000);
    const oldest = nowSeconds - reachSeconds;
    const position = await positionOf(domain);
    const { from, to } = request.ignoreWaits ? { from: oldest, to: position } : olderDay(oldest, position);
    let reached = position;
    let isUnbroken = true;
    let isOutOfTime = false;
    let late = 0;
    let isCompared = position > oldest;
    let marked = 0;
    const sealIfDue = async (slice: Slice): Promise<boolean> => {
      if (!isReady(slice, request.ignoreWaits)) return false;
      const isDone =
        now() < request.deadlineMs && (await tryToSeal(slice, { deadlineMs: request.deadlineMs, assertHeld }, report));
      if (isDone) return true;
      report.done = false;
      noteWait(slice, report);
      if (now() < request.deadlineMs) return false;
      late += 1;
      isOutOfTime = isLongest(slice) || late >= LATE_SLICES;
      return false;
    };
    for await (const slice of unsealed(domain, position, nowSeconds)) {
      isCompared = true;
      marked = Math.max(marked, slice.sequence);
      const isSealed = slice.isMarked || (await sealIfDue(slice.slice));
      isUnbroken &&= isSealed;
      if (isUnbroken) reached = slice.slice.end;
      if (isOutOfTime) break;
    }
    if (reached > position) await state.putPosition(domain, reached);
    if (!isCompared) await noteUncompared(domain, position, report);
    for await (const { slice, isMarked, sequence } of unsealed(domain, from, to)) {
      if (isOutOfTime) break;
      marked = Math.max(marked, sequence);
      if (!isMarked) await sealIfDue(slice);
    }
    // A run that was killed may have marked a slice and not moved the head, and no slice may ever follow.
    if (marked > 0 && now() < request.deadlineMs && marked > ((await state.readHead(domain))?.sequence ?? 0))
      await tryToCatchUp(domain, request.deadlineMs, report);
  }

  async function tryToCatchUp(domain: string, deadlineMs: number, report: SealReport) {
    try {
      await chain.catchUp(domain, deadlineMs);
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      report.done = false;
    }
  }

  /** Yields slices, whether their present version is sealed, and the sequence of their last manifest, 0 without one. */
  async function* unsealed(domain: string, from: number, to: number) {
    if (from >= to) return;
    const marks = new Map<number, SealMark>();
    for await (const mark of state.listMarks(domain, from, to)) marks.set(mark.start, mark);
    for await (const slice of slices.list(domain, from, to)) {
      const mark = marks.get(slice.start);
      yield { slice, isMarked: mark?.version === slice.version, sequence: mark?.sequence ?? 0 };
    }
  }

  async function tryToSeal(slice: Slice, run: SealRun, report: SealReport) {
    run.assertHeld();
    try {
      let outcome = await sealSlice(slice, run);
      // Events that an adopted object lacks go into a supplement.
      for (; ; outcome = await sealSlice(slice, run)) {
        if (outcome.kind === 'known') return true;
        report.sealed += 1;
        report.rows += outcome.rows;
        if (outcome.kind === 'sealed') return true;
      }
    } catch (error) {
      if (error instanceof DeadlineError || error instanceof UnsettledIndexError) return false;
      throw error;
    }
  }

  function isReady(slice: Slice, ignoreWaits: boolean): boolean {
    if (ignoreWaits) return slice.passes > 0;
    const heldUntilMs = heldUntil(slice);
    return heldUntilMs !== null && now() >= Math.max(heldUntilMs, slice.passedAt + REST_MS);
  }

  /** Returns until when a slice is held back, for its second pass and corrections; null before that pass. */
  function heldUntil(slice: Slice): number | null {
    if (slice.finalAt === null) return null;
    return slice.finalAt + (isCorrectable(slice) ? CORRECTIONS_MS : 0);
  }

  /** Returns the day before the position that is looked at in this period; each has its turn. */
  function olderDay(oldest: number, position: number): { from: number; to: number } {
    const days = Math.max(1, Math.ceil((position - oldest) / DAY_SECONDS));
    const turn = Math.floor(now() / 1000 / everySeconds) % days;
    const to = position - turn * DAY_SECONDS;
    return { from: Math.max(oldest, to - DAY_SECONDS), to };
  }
}
