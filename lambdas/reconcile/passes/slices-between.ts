import { MAX_SLICE_SECONDS } from '../../contract.ts';
import { alignedStart, type Slice, type SliceBounds } from '../../domain/ledger/slice.ts';
import type { Slices } from '../ports.ts';

/** Bounds of a slice, and its record where the ledger has one. */
export interface SlicePlace extends SliceBounds {
  slice?: Slice;
}

/** Yields the slices that overlap a time range, ascending: those of the ledger, and aligned ones where it has none. */
export async function* slicesBetween(
  slices: Pick<Slices, 'list'>,
  domain: string,
  range: { from: number; to: number },
  lengthSeconds: number,
): AsyncGenerator<SlicePlace> {
  const { from, to } = range;
  let position = alignedStart(from, lengthSeconds);
  for await (const slice of slices.list(domain, from - MAX_SLICE_SECONDS, to + lengthSeconds)) {
    const { start, end } = slice;
    if (end > from) {
      yield* between(position, Math.min(start, to), start);
      if (start < to) yield { start, end, slice };
    }
    position = Math.max(position, end);
  }
  yield* between(position, to, Number.POSITIVE_INFINITY);

  /** Yields aligned slices that start before `before` and end by `latest`. */
  function* between(first: number, before: number, latest: number): Generator<SlicePlace> {
    for (let start = first; start < before; ) {
      const end = Math.min(alignedStart(start, lengthSeconds) + lengthSeconds, latest);
      yield { start, end };
      start = end;
    }
  }
}
