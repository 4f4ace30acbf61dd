import { UNKNOWN_DOMAIN } from '../../contract.ts';
import { total } from '../../domain/ledger/counts.ts';
import { createLedgerNaming, digestOfNames } from '../../domain/ledger/ledger-name.ts';
import { waitSeconds } from '../../domain/ledger/requeue.ts';
import {
  doubtfulIn,
  isUnsettled,
  type ListedWindow,
  type Slice,
  type SliceBounds,
  unconfirmedIn,
} from '../../domain/ledger/slice.ts';
import {
  emptyTally,
  isPermanentlySettled,
  MAX_NAMED_EVENTS,
  mergeTallies,
  slicePassed,
  sliceUnchanged,
  type Tally,
} from '../../domain/ledger/tally.ts';
import { type HeldLease, LostRaceError } from '../../shared/lease.ts';
import {
  type ComparedDomain,
  type DonePart,
  ListingError,
  type ListingFailure,
  type NamingKey,
  type OpenSlice,
  type PartRepository,
  type Reach,
  type ReconciliationState,
  type Slices,
} from '../ports.ts';
import { createComparePart, MAX_STORED, PART_EVENTS, windowOf } from './compare-part.ts';
import { withAdaptiveConcurrency } from './listing-concurrency.ts';
import type { ComparePartDeps, PartBounds, SlicePass } from './part-context.ts';
import { createPostedKinds } from './posted-kinds.ts';
import { createSemaphore } from './semaphore.ts';

/** Times that a deployment chooses, in seconds. */
export interface LedgerTimes {
  everySeconds: number;
  settleSeconds: number;
  sliceSeconds: number;
  retentionSeconds: number;
  /** Start of all ledgers. @default the first webhook of each domain */
  fromEpochSeconds?: number | undefined;
}

/** The facts of a written slice that are worth reporting. */
export interface SliceNews extends SliceBounds {
  domain: string;
  lost: number;
  unconfirmed: number;
  altered: number;
}

export interface PassSliceDeps extends Omit<ComparePartDeps, keyof LedgerTimes | 'ledger'> {
  ledger: Pick<ReconciliationState, 'putOpen' | 'dropOpen' | 'putDoubt' | 'dropDoubt'> & ComparePartDeps['ledger'];
  slices: Slices;
  parts: PartRepository;
  erasureKey: NamingKey;
  times: LedgerTimes;
  /** All domains of this deployment. */
  domains: readonly ComparedDomain[];
  /** Maximum number of pages listed, and parts held in memory, at once. */
  parallel: number;
  /** Called with slices in which webhooks were lost, or events are stored that Mailgun does not list or lists otherwise. */
  onNews: (news: SliceNews) => void;
}

/** The run that a pass belongs to. */
export interface RunContext extends HeldLease {
  ignoreWaits: boolean;
}

interface PassRequest {
  /** Domain as listed by Mailgun; `-` for events whose domain is unknown. */
  domain: string;
  bounds: SliceBounds;
  open?: OpenSlice | undefined;
  isOld: boolean;
  maySend: boolean;
  hasStragglers?: boolean | undefined;
  /** True if lost webhooks of this time must not be reported. */
  isBackfill?: boolean | undefined;
  /** Mailgun's refusal to list a time is thrown instead of being written. */
  mustBeListed?: boolean | undefined;
  acceptReason?: string | undefined;
  deadlineMs: number;
}

export interface DonePass {
  kind: 'done';
  /** Epoch milliseconds; before the pass, where an earlier run compared a part of it. */
  startedAtMs: number;
  previous: Slice | undefined;
  slice: Slice;
  tally: Tally;
}

/**
 * `held`: something is missing while nothing may be sent; `paused`: time is up, and what was compared is kept;
 * `too-many`: a slice cannot name all that would be accepted, and nothing is written.
 */
export type PassOutcome = DonePass | { kind: 'held' | 'paused' | 'too-many' };

/** Passes over slices: compares the parts of each in parallel within one limit, and writes the result. */
export function createPassSlice(deps: PassSliceDeps) {
  const { ledger, slices, times, now, parallel } = deps;
  const source = withAdaptiveConcurrency(deps.source, parallel);
  const comparePart = createComparePart({ ...deps, ...times, source });
  const partSlots = createSemaphore(parallel);

  return async (run: RunContext, request: PassRequest): Promise<PassOutcome> => {
    const previous = await slices.read(request.domain, request.bounds.start);
    const startedAtMs = now();
    const pass = await describe(run, request, previous);
    if (previous !== undefined && (await isUnchanged(pass, request, previous))) {
      run.assertHeld();
      const slice = sliceUnchanged(previous, startedAtMs, now());
      await write(request, previous, slice, pass.isFinal);
      return { kind: 'done', startedAtMs, previous, slice, tally: emptyTally() };
    }
    let compared: Compared;
    try {
      compared = await compareAll(pass, request.bounds, previous?.passes ?? 0);
    } catch (error) {
      if (!(error instanceof ListingError) || request.mustBeListed) throw error;
      const isGone = isGoneAt(deps.domains, request.domain, error);
      const isOutOfReach = (request.bounds.start - times.sliceSeconds) * 1000 < pass.keptFromMs;
      const isKnownLost = isOutOfReach || (isGone && pass.accepts);
      if (!isKnownLost || !(isGone || error.reason === 'out-of-retention')) throw error;
      pass.unlisted = true;
      compared = await compareAll(pass, request.bounds, previous?.passes ?? 0);
    }
    if (compared === 'held' || compared === 'paused') return { kind: compared };
    const unlisted = pass.unlisted || isUnlisted(compared);
    if (unlisted && request.mustBeListed) throw new ListingError('out-of-retention');
    run.assertHeld();
    const tally = mergeTallies(compared.map((part) => part.tally));
    // An event that is not named would reopen the slice with the next pass.
    if (pass.accepts && tally.accepted > MAX_NAMED_EVENTS) return { kind: 'too-many' };
    const began = Math.min(startedAtMs, ...compared.map((part) => part.startedAtMs));
    const slice = slicePassed({ ...request.bounds, domain: request.domain }, previous, tally, {
      startedAtMs: began,
      nowMs: now(),
      unlisted,
      isOld: request.isOld,
      isFinal: pass.isFinal,
      acceptReason: request.acceptReason,
      windows: windowsOf(compared),
    });
    await write(request, previous, slice, pass.isFinal);
    return { kind: 'done', startedAtMs: began, previous, slice, tally };
  };

  async function describe(run: RunContext, request: PassRequest, previous: Slice | undefined): Promise<SlicePass> {
    const { domain, bounds, isOld } = request;
    const erasureKey = await deps.erasureKey.read();
    const keptFromMs = now() - times.retentionSeconds * 1000;
    const names = previous?.unconfirmedNames ?? [];
    const isNamed = names.length < MAX_NAMED_EVENTS && names.length === total(previous?.unconfirmed ?? {});
    return {
      slice: { domain, start: bounds.start },
      listings: deps.domains
        .filter(({ name, isGone }) => (domain === UNKNOWN_DOMAIN ? !isGone : name === domain))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      nameOf: createLedgerNaming(erasureKey),
      erasureKey,
      runId: run.runId,
      postedKinds: createPostedKinds(deps, domain, previous),
      unconfirmedBefore: isNamed ? new Set(names) : undefined,
      mayHoldDistrusted: previous !== undefined && (!isNamed || total(previous.altered) > 0),
      accepted: new Set(previous?.acceptance?.names),
      comparedAtMs: previous?.startedAt ?? undefined,
      windowsBefore: previous?.windows ?? [],
      isFinal: isOld || run.ignoreWaits,
      maySend: request.maySend,
      ignoreWaits: run.ignoreWaits,
      unlisted: false,
      keptFromMs,
      hasStragglers: request.hasStragglers ?? false,
      accepts: request.acceptReason !== undefined,
      deadlineMs: request.deadlineMs,
      assertHeld: run.assertHeld,
    };
  }

  /**
   * Returns true where the second pass of a slice need not list it: Mailgun's totals of the same ranges are those of the
   * last pass, whose pages held exactly that many events, and nothing was stored since. A listing that lost an event and
   * gained another is taken for the same. What this slice shows of doubtful kinds must be known.
   */
  async function isUnchanged(pass: SlicePass, request: PassRequest, previous: Slice): Promise<boolean> {
    const { windows = [], kinds } = previous;
    const [domain, ...others] = pass.listings;
    const isFirstFinal = request.isOld && previous.finalAt === null && !pass.ignoreWaits && !request.mustBeListed;
    if (!isFirstFinal || pass.hasStragglers || pass.accepts || request.open || !isPermanentlySettled(previous))
      return false;
    if (domain === undefined || others.length > 0) return false;
    if (kinds === undefined || !(await pass.postedKinds.holds(kinds))) return false;
    for (const { from, to, total: listed, indexed } of windows) {
      const keys = await deps.index.keysUpTo(MAX_STORED, request.domain, from * 1000, to * 1000 - 1);
      if (keys === undefined || digestOfNames(keys.map(pass.nameOf)) !== indexed) return false;
      const total = await source
        .total?.({ domain, ...windowOf({ from, to }), deadlineMs: pass.deadlineMs })
        .catch(noTotal);
      if (total !== listed) return false;
    }
    return true;
  }

  /** Compares what no earlier run of this pass has compared; whatever was done is kept where a part fails. */
  async function compareAll(pass: SlicePass, bounds: SliceBounds, nth: number): Promise<Compared> {
    const isOfMany = pass.listings.length > 1;
    const [kept, begunBefore] = await Promise.all([
      pass.accepts ? [] : deps.parts.done(pass.slice, nth),
      pass.accepts || !isOfMany ? [] : deps.parts.begun(pass.slice, nth),
    ]);
    // The slice may have grown old since: a part that called webhooks late does not say which of them are lost.
    const isOwn = ({ isFinal }: Pick<DonePart, 'isFinal'>) => isFinal === pass.isFinal;
    const done = withoutOverlap(kept.filter(isOwn));
    const open = gaps(done, { from: bounds.start, to: bounds.end });
    const isWhole = open.length === 1 && done.length === 0;
    let stopped: 'held' | 'paused' | undefined;
    const failures: unknown[] = [];

    const compare = async (part: PartBounds, isOnly: boolean): Promise<void> => {
      if (stopped !== undefined || failures.length > 0) return;
      if (now() >= pass.deadlineMs) {
        stopped = 'paused';
        return;
      }
      const earlier = begunBefore.filter(isOwn).find(({ from, to }) => from === part.from && to === part.to);
      const result = await partSlots.run(() => comparePart(pass, part, earlier));
      if (result.kind === 'held') stopped = 'held';
      else if (result.kind === 'begun') {
        const { startedAtMs, begun, tally, error } = result;
        if (begun.read > 0 && !pass.accepts) {
          pass.assertHeld();
          await deps.parts.putBegun(pass.slice, nth, { ...part, startedAtMs, isFinal: pass.isFinal, begun, tally });
        }
        if (error !== undefined) failures.push(error);
        else stopped = 'paused';
      } else if (result.kind === 'large') {
        await Promise.all(split(part, result.events, parallel).map((each) => compare(each, false)));
      } else {
        const { startedAtMs, to, tally, reach, error } = result;
        const isComplete = isOnly && to === part.to;
        if (to > part.from) {
          const compared = { from: part.from, to, startedAtMs, isFinal: pass.isFinal, ...reach, tally };
          pass.assertHeld();
          // A slice of one part is written directly; parts of other slices are kept until all are done.
          if (!isComplete && !pass.accepts) await deps.parts.put(pass.slice, nth, compared);
          done.push(compared);
        }
        if (error !== undefined) failures.push(error);
        else if (to < part.to) {
          if (now() >= pass.deadlineMs) stopped = 'paused';
          else await compare({ from: to, to: part.to }, false);
        }
      }
    };
    const results = await Promise.allSettled(open.map((part) => compare(part, isWhole)));
    for (const result of results) if (result.status === 'rejected') failures.push(result.reason);
    if (failures.length > 0) throw failures[0];
    return stopped ?? done;
  }

  async function write(
    request: PassRequest,
    previous: Slice | undefined,
    slice: Slice,
    isFinal: boolean,
  ): Promise<void> {
    const { open, isBackfill = false, domain } = request;
    const { start, end } = slice;
    const isOpen = isUnsettled(slice);
    // The marker is put before an open slice and deleted after a settled one, so no crash hides a gap.
    if (isOpen) {
      const nextAt =
        now() + waitSeconds(Math.max(slice.sends, slice.short > 0 ? slice.passes : 0), times.everySeconds) * 1000;
      const marker = { start, end, nextAt, since: open?.since ?? now(), stuck: slice.stuck };
      await ledger.putOpen(domain, { ...marker, ...(isBackfill && { isBackfill }) });
    }
    // Put and deleted in the same order.
    const isInDoubt = doubtfulIn(slice) > 0;
    if (isInDoubt) await ledger.putDoubt(domain, start);
    // Reported before the write: a page too many is better than one that a crash swallows.
    const lost = isBackfill ? 0 : Math.max(0, total(slice.lost) - total(previous?.lost ?? {}));
    const reported = previous === undefined ? 0 : unconfirmedIn(previous);
    const unconfirmed = isFinal ? Math.max(0, unconfirmedIn(slice) - reported) : 0;
    const altered = Math.max(0, total(slice.altered) - total(previous?.altered ?? {}));
    if (lost + unconfirmed + altered > 0) deps.onNews({ domain, start, end, lost, unconfirmed, altered });
    if (!(await slices.write(slice, previous))) throw new LostRaceError();
    const wasOpen = open !== undefined || (previous !== undefined && isUnsettled(previous));
    if (!isOpen && wasOpen) await ledger.dropOpen(domain, start);
    const wasInDoubt = previous !== undefined && doubtfulIn(previous) > 0;
    if (!isInDoubt && wasInDoubt) await ledger.dropDoubt(domain, start);
  }
}

/** Returns true if a listing fails because Mailgun does not show a gone domain to the API key, or no longer has it. */
export function isGoneAt(domains: readonly ComparedDomain[], domain: string, error: unknown): boolean {
  const isGone = domains.some((each) => each.isGone && each.name === domain);
  return isGone && error instanceof ListingError && ['domain-not-found', 'unauthorized'].includes(error.reason);
}

type Compared = DonePart[] | 'held' | 'paused';

/** Failures of a call for totals after which a listing may still succeed. */
const NO_TOTALS: readonly ListingFailure[] = [
  'out-of-retention',
  'domain-not-found',
  'unauthorized',
  'refused',
  'malformed',
  'too-large',
];

/** Returns no total after such a failure; rethrows any other. */
function noTotal(error: unknown): undefined {
  if (!(error instanceof ListingError) || !NO_TOTALS.includes(error.reason)) throw error;
}

/**
 * Returns true where Mailgun may no longer keep some of the slice. A part in which nothing happened says no more of that
 * than the others do.
 */
function isUnlisted(parts: readonly Reach[]): boolean {
  const has = (beyond: Reach['beyond']) => parts.some((part) => part.beyond === beyond);
  return parts.some((part) => part.isUnlisted) || (has('quiet') && !has('listed'));
}

/** Returns the windows of all parts; undefined where one is not known. */
function windowsOf(parts: readonly DonePart[]): ListedWindow[] | undefined {
  const windows = parts.flatMap(({ from, to, tally: { window } }) => (window ? [{ from, to, ...window }] : []));
  return windows.length === parts.length ? windows : undefined;
}

/** Parts by their start, without those that overlap one before: two runs may have cut the slice differently. */
function withoutOverlap(parts: readonly DonePart[]): DonePart[] {
  const kept: DonePart[] = [];
  for (const part of [...parts].sort((a, b) => a.from - b.from)) {
    if (part.from >= (kept.at(-1)?.to ?? Number.NEGATIVE_INFINITY)) kept.push(part);
  }
  return kept;
}

/** Returns the time ranges that no part covers. */
function gaps(done: readonly PartBounds[], { from, to }: PartBounds): PartBounds[] {
  const found: PartBounds[] = [];
  let position = from;
  for (const part of done) {
    if (part.from > position) found.push({ from: position, to: part.from });
    position = part.to;
  }
  if (position < to) found.push({ from: position, to });
  return found;
}

/** Shorter pieces are cut from a part only where half of it is still too large. */
const USUAL_PART_SECONDS = 20;

/**
 * Cuts a part evenly, so that each piece holds about `PART_EVENTS` events, if it is known how many there are; into more
 * than can be worked on only later.
 */
function split({ from, to }: PartBounds, events = Number.POSITIVE_INFINITY, maxPieces: number): PartBounds[] {
  const pieces = Math.min(
    Math.max(2, maxPieces),
    Math.ceil(events / PART_EVENTS),
    Math.max(2, Math.floor((to - from) / USUAL_PART_SECONDS)),
  );
  const borders = Array.from({ length: pieces + 1 }, (_, n) => from + Math.round(((to - from) * n) / pieces));
  return borders.slice(1).map((end, n) => ({ from: borders[n] as number, to: end }));
}
