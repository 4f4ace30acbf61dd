import type { StatsDimension } from '../../../api/parameters.ts';
import type { LedgerResponse, SliceEntry, StatsResponse } from '../../../api/responses/ledger.ts';
import { MAX_SLICE_SECONDS } from '../../contract.ts';
import { CompletenessCheck, dueEndOf } from '../../domain/ledger/completeness.ts';
import { add, type Counts, total } from '../../domain/ledger/counts.ts';
import { isDue, sliceFrom, stateOf } from '../../domain/ledger/slice.ts';
import type { LedgerReader, SliceReader } from '../ports.ts';

export interface LedgerDeps {
  slices: SliceReader;
  ledger: LedgerReader;
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

/** Slices that are due and not compared yet are shown up to this many. */
const MAX_DUE = 1000;

/**
 * The ledger by the read API's contract. `completeness` covers the time of the question that is due: `complete` only
 * where every slice of it was compared with Mailgun's listing and nothing is missing, short or altered.
 */
export function createLedger({ slices, ledger, sliceSeconds, settleSeconds, now }: LedgerDeps) {
  return async ({ domain, from, to }: LedgerQuery): Promise<LedgerResponse> => {
    const entries: SliceEntry[] = [];
    const sums = { expected: 0, stored: 0, unaccounted: 0, unconfirmed: 0 };
    const check = new CompletenessCheck(from);
    for await (const slice of slices.list(domain, from - MAX_SLICE_SECONDS, to)) {
      const { start, end, expected, stored, missing, recovered, unconfirmed, passes } = slice;
      const state = stateOf(slice);
      check.take({ start, end, state });
      if (start < from) continue;
      const { polled, late, lost, altered, stuck, short, accepted } = slice;
      const counts = { expected, stored, missing, recovered, unconfirmed, polled, late, lost, altered };
      entries.push({ domain, start, end, state, ...counts, stuck, short, accepted, passes });
      sums.expected += total(expected);
      sums.stored += total(stored);
      sums.unaccounted += total(missing);
      sums.unconfirmed += total(unconfirmed);
    }
    const watermarks = await ledger.readWatermarks(domain);
    let due = 0;
    for (let at = watermarks?.position; at !== undefined && at < to && due < MAX_DUE; ) {
      const bounds = sliceFrom(at, sliceSeconds);
      if (!isDue(bounds, settleSeconds, now())) break;
      at = bounds.end;
      // While a ledger catches up, newer slices are written before older ones.
      if (entries.some(({ start }) => start === bounds.start)) continue;
      due += 1;
      if (bounds.start >= from) entries.push({ domain, ...bounds, state: 'due', ...NOTHING });
    }
    const found = check.result(to, dueEndOf(now(), sliceSeconds, settleSeconds));
    const completeness = found === 'complete' && due > 0 ? 'unknown' : found;
    entries.sort((a, b) => a.start - b.start);
    return { slices: entries, totals: { ...sums, due }, completeness };
  };
}

const NOTHING = {
  ...{ expected: {}, stored: {}, missing: {}, recovered: {}, unconfirmed: {}, polled: {}, late: {}, lost: {} },
  ...{ altered: {}, stuck: 0, short: 0, accepted: 0, passes: 0 },
};

const LENGTHS = { hour: 3600, day: 86_400 };

export interface StatsQuery extends LedgerQuery {
  /** Lower case; undefined for every tag. */
  tag: string | undefined;
  by: StatsDimension;
  per: keyof typeof LENGTHS;
}

/**
 * Statistics by hour or day: slices added up, and spellings of a tag that differ in case. A bucket is open while one of
 * its slices is missing or not settled.
 */
export function createStats({ slices, ledger }: Pick<LedgerDeps, 'slices' | 'ledger'>) {
  return async ({ domain, from, to, tag, by, per }: StatsQuery): Promise<StatsResponse> => {
    const length = LENGTHS[per];
    const stretches = new Map<number, { rows: Map<string, Counts>; isOpen: boolean }>();
    const first = Math.floor(from / length) * length;
    for await (const slice of slices.list(domain, first, Math.ceil(to / length) * length)) {
      const start = Math.floor(slice.start / length) * length;
      const held = stretches.get(start) ?? { rows: new Map<string, Counts>(), isOpen: false };
      stretches.set(start, held);
      held.isOpen ||= stateOf(slice) !== 'settled';
      for (const [spelled, row] of Object.entries(by === 'tag' ? slice.tags : slice.dimensions[by])) {
        const name = spelled.toLowerCase();
        if (tag === undefined || tag === name) addAll(countsOf(held.rows, name), row);
      }
      if (tag !== undefined) countsOf(held.rows, tag);
    }
    const watermarks = await ledger.readWatermarks(domain);
    const isOver = (start: number) => watermarks !== undefined && watermarks.position >= start + length;
    const buckets = [...stretches].flatMap(([start, { rows, isOpen }]) =>
      [...rows].toSorted(byName).map(([name, counts]) => ({
        hour: new Date(start * 1000).toISOString(),
        domain,
        tag: by === 'tag' ? name : '*',
        ...(by !== 'tag' && { [by]: name }),
        counts,
        open: isOpen || !isOver(start),
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
