import type { LedgerResponse, SliceEntry } from '../../api/responses/ledger.ts';
import { total } from './numbers.ts';

/** The figures of a time range, in epoch seconds; the end is exclusive. */
export interface Bin {
  readonly start: number;
  readonly end: number;
  listed: number;
  stored: number;
  recovered: number;
  missing: number;
  unconfirmed: number;
  /** Slices that were compared, and slices that are not yet. */
  judged: number;
  due: number;
}

/** One column per 15-minute slice of a day. */
const MAX_BINS = 96;

/**
 * Returns the slices joined into at most 96 stretches of one length. The chart begins with the first slice, so that a
 * young ledger fills it, and ends now.
 */
export function binsOf(slices: readonly SliceEntry[], nowSeconds: number): Bin[] {
  if (slices.length === 0) return [];
  const ordered = slices.toSorted((a, b) => a.start - b.start);
  const first = ordered[0] as SliceEntry;
  // The first slice of a ledger may be cut short.
  const lengthSeconds = Math.max(1, ...slices.map(({ start, end }) => end - start));
  const begin = Math.floor(first.start / lengthSeconds) * lengthSeconds;
  const slots = Math.max(1, Math.ceil((nowSeconds - begin) / lengthSeconds));
  const width = lengthSeconds * Math.ceil(slots / MAX_BINS);
  const bins = Array.from({ length: Math.ceil((slots * lengthSeconds) / width) }, (_, at) => ({
    start: begin + at * width,
    end: begin + (at + 1) * width,
    listed: 0,
    stored: 0,
    recovered: 0,
    missing: 0,
    unconfirmed: 0,
    judged: 0,
    due: 0,
  }));
  for (const slice of ordered) {
    const bin = bins[Math.min(bins.length - 1, Math.floor((slice.start - begin) / width))];
    if (bin === undefined) continue;
    if (slice.state === 'due') {
      bin.due += 1;
      continue;
    }
    bin.judged += 1;
    bin.stored += total(slice.stored);
    bin.recovered += total(slice.recovered);
    bin.missing += total(slice.missing);
    bin.unconfirmed += total(slice.unconfirmed);
    bin.listed += Math.max(0, total(slice.expected) - total(slice.unconfirmed) - total(slice.undecided));
  }
  return bins;
}

/** Returns the notable slices before those in which all is well. */
export function noteworthyFirst(bins: readonly Bin[]): Bin[] {
  const isTelling = ({ missing, unconfirmed, recovered }: Bin) => missing + unconfirmed + recovered > 0;
  return bins.toSorted((a, b) => Number(isTelling(b)) - Number(isTelling(a)));
}

export interface LedgerSums {
  readonly events: number;
  readonly webhooksAlone: number;
  readonly recovered: number;
  /** Events of types that no webhook delivers. */
  readonly polled: number;
  readonly unaccounted: number;
  readonly unconfirmed: number;
}

export function sumsOf({ slices, totals }: LedgerResponse): LedgerSums {
  const sum = (counts: (slice: SliceEntry) => number) => slices.reduce((all, slice) => all + counts(slice), 0);
  const recovered = sum((slice) => total(slice.recovered));
  const polled = sum((slice) => total(slice.polled));
  return {
    events: totals.expected,
    webhooksAlone: Math.max(0, totals.stored - recovered - polled),
    recovered,
    polled,
    unaccounted: totals.unaccounted,
    unconfirmed: totals.unconfirmed,
  };
}
