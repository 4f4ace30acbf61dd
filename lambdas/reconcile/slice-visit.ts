import { total } from '../domain/counts.ts';
import { type LedgerBook, ListingError, type OpenSlice, type Slices } from '../domain/reconcile-ports.ts';
import { type Slice, stateOf, waitSeconds } from '../domain/slice.ts';
import { saysTheSame, slicePassed, type Tally } from '../domain/tally.ts';
import { LostRaceError } from './lease.ts';
import { createPass, type PassDeps, type PassJob } from './pass.ts';

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

export interface SliceVisitDeps extends PassDeps {
  book: LedgerBook;
  slices: Slices;
  times: LedgerTimes;
  /** Told of slices in which webhooks were lost, or events stand that Mailgun does not list. */
  onNews: (news: SliceNews) => void;
}

export interface SliceVisit extends Omit<PassJob, 'unlisted'> {
  open: OpenSlice | undefined;
  /** A replay is in time of which the ledger expects no webhooks any more: what is lost there is no news. */
  isBackfill: boolean;
  /** Whether a time that Mailgun no longer keeps is judged by what is stored; otherwise its refusal is thrown. @default true */
  mayBeUnlisted?: boolean;
}

/** Events that webhooks should have brought, and how many of them none did. */
export interface Hearing {
  deliverable: number;
  absent: number;
}

/** `hearing`: of a slice that is looked at for the first time; later, what webhooks did is known. */
export type VisitOutcome =
  | { kind: 'done'; slice: Slice; sent: number; hearing?: Hearing | undefined }
  | { kind: 'held' }
  | { kind: 'paused' };

/** Passes over one slice, and writes what came of it. */
export function createSliceVisit(deps: SliceVisitDeps): (visit: SliceVisit) => Promise<VisitOutcome> {
  const { book, slices, times, now } = deps;
  const pass = createPass(deps);

  return async (visit) => {
    const { bounds, mayBeUnlisted = true } = visit;
    // The listing begins a second before the slice, so one at the very edge is refused too.
    const isOutOfReach = (bounds.start - times.sliceSeconds) * 1000 < now() - times.retentionSeconds * 1000;
    let unlisted = false;
    const outcome = await pass({ ...visit, unlisted }).catch((error) => {
      unlisted = mayBeUnlisted && isOutOfReach && error instanceof ListingError && error.reason === 'out-of-retention';
      if (!unlisted) throw error;
      return pass({ ...visit, unlisted });
    });
    if (outcome.kind !== 'done') return outcome;
    const slice = await write(visit, outcome.tally, unlisted);
    const { deliverable, late, lost, sent } = outcome.tally;
    const isNew = visit.previous === undefined && !visit.isBackfill;
    return { kind: 'done', slice, sent, ...(isNew && { hearing: { deliverable, absent: total(late) + total(lost) } }) };
  };

  async function write(visit: SliceVisit, tally: Tally, unlisted: boolean): Promise<Slice> {
    const { previous, open, isFinal, isBackfill } = visit;
    const nowMs = now();
    const { start, end } = visit.bounds;
    const domain = visit.domain.name;
    const next = slicePassed({ start, end, domain }, previous, tally, { nowMs, unlisted });
    const isOpen = stateOf(next) === 'open';
    // The marker stands before an open slice and falls after a settled one, so no crash hides what is missing.
    if (isOpen) {
      const nextAt = nowMs + waitSeconds(next.sends, times.everySeconds) * 1000;
      const marker = { start, end, nextAt, since: open?.since ?? nowMs, stuck: next.stuck };
      await book.putOpen(domain, { ...marker, ...(isBackfill && { isBackfill }) });
    }
    // Before the write: a page too many is better than one that a crash swallows.
    const lost = isBackfill ? 0 : Math.max(0, total(next.lost) - total(previous?.lost ?? {}));
    const unconfirmed = isFinal ? total(next.unconfirmed) : 0;
    if (lost + unconfirmed > 0) deps.onNews({ domain, start, lost, unconfirmed });
    const isSame = previous !== undefined && saysTheSame(previous, next);
    if (!(isSame ? await slices.countPass(previous, next.passedAt) : await slices.write(next, previous)))
      throw new LostRaceError();
    if (!isOpen && (open !== undefined || (previous !== undefined && stateOf(previous) === 'open'))) {
      await book.dropOpen(domain, start);
    }
    await book.dropProgress(domain);
    return next;
  }
}
