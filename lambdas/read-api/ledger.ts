import type { LedgerResponse, SliceEntry, StatsResponse } from '../../api/responses/ledger.ts';
import { add, type Counts, total } from '../domain/counts.ts';
import type { LedgerBook, Slices } from '../domain/reconcile-ports.ts';
import { isDue, sliceFrom, stateOf } from '../domain/slice.ts';

export interface LedgerDeps {
  slices: Slices;
  book: Pick<LedgerBook, 'readCursor'>;
  sliceSeconds: number;
  settleSeconds: number;
  now: () => number;
}

/** A domain and a stretch of time in epoch seconds; the end does not belong to it. */
export interface LedgerQuery {
  domain: string;
  from: number;
  to: number;
}

/** Slices that are due and not judged yet are shown up to this many. */
const MOST_DUE = 1000;

/** The ledger by the read API's contract. `completeness` is unknown where no ledger is kept, or slices wait to be judged. */
export function createLedger({ slices, book, sliceSeconds, settleSeconds, now }: LedgerDeps) {
  return async ({ domain, from, to }: LedgerQuery): Promise<LedgerResponse> => {
    const entries: SliceEntry[] = [];
    const sums = { expected: 0, stored: 0, unaccounted: 0, unconfirmed: 0 };
    for await (const slice of slices.list(domain, from, to)) {
      const { start, end, expected, stored, missing, recovered, unconfirmed, passes } = slice;
      const { polled, late, lost, stuck } = slice;
      const counts = { expected, stored, missing, recovered, unconfirmed, polled, late, lost };
      entries.push({ domain, start, end, state: stateOf(slice), ...counts, stuck, passes });
      sums.expected += total(expected);
      sums.stored += total(stored);
      sums.unaccounted += total(missing);
      sums.unconfirmed += total(unconfirmed);
    }
    const cursor = await book.readCursor(domain);
    let due = 0;
    for (let at = cursor?.position; at !== undefined && at < to && due < MOST_DUE; due += 1) {
      const bounds = sliceFrom(at, sliceSeconds);
      if (!isDue(bounds, settleSeconds, now())) break;
      if (at >= from) entries.push({ domain, ...bounds, state: 'due', ...NOTHING });
      at = bounds.end;
    }
    const known = cursor !== undefined && due === 0;
    const completeness = sums.unaccounted > 0 ? 'incomplete' : known ? 'complete' : 'unknown';
    return { slices: entries, totals: { ...sums, due }, completeness };
  };
}

const NOTHING = {
  ...{ expected: {}, stored: {}, missing: {}, recovered: {}, unconfirmed: {}, polled: {}, late: {}, lost: {} },
  ...{ stuck: 0, passes: 0 },
};

const HOUR = 3600;

/**
 * Statistics by hour: slices added up, and spellings of a tag that differ in case. An hour is open while one of its
 * slices is missing or not settled.
 */
export function createStats({ slices, book }: Pick<LedgerDeps, 'slices' | 'book'>) {
  return async ({ domain, from, to, tag }: LedgerQuery & { tag: string | undefined }): Promise<StatsResponse> => {
    const hours = new Map<number, { tags: Map<string, Counts>; isOpen: boolean }>();
    const firstHour = Math.floor(from / HOUR) * HOUR;
    for await (const slice of slices.list(domain, firstHour, Math.ceil(to / HOUR) * HOUR)) {
      const hour = Math.floor(slice.start / HOUR) * HOUR;
      const held = hours.get(hour) ?? { tags: new Map<string, Counts>(), isOpen: false };
      hours.set(hour, held);
      held.isOpen ||= stateOf(slice) !== 'settled';
      for (const [spelled, row] of Object.entries(slice.tags)) {
        const name = spelled.toLowerCase();
        if (tag === undefined || tag === name) addAll(countsOf(held.tags, name), row);
      }
      if (tag !== undefined) countsOf(held.tags, tag);
    }
    const cursor = await book.readCursor(domain);
    const isOver = (hour: number) => cursor !== undefined && cursor.position >= hour + HOUR;
    const buckets = [...hours].flatMap(([hour, { tags, isOpen }]) =>
      [...tags].toSorted(byName).map(([name, counts]) => ({
        hour: new Date(hour * 1000).toISOString(),
        domain,
        tag: name,
        counts,
        open: isOpen || !isOver(hour),
      })),
    );
    return { buckets };
  };
}

const byName = ([a]: [string, Counts], [b]: [string, Counts]) => (a < b ? -1 : 1);

function countsOf(tags: Map<string, Counts>, name: string): Counts {
  const counts = tags.get(name) ?? {};
  tags.set(name, counts);
  return counts;
}

function addAll(counts: Counts, row: Counts): void {
  for (const [type, count] of Object.entries(row)) add(counts, type, count);
}
