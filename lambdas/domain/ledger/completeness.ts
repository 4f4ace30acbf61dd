import { isUnsettledState, type SliceBounds, type SliceState } from './slice.ts';

/** `complete` only where every slice of a time was compared and nothing is missing, short or altered. */
export type Completeness = 'complete' | 'incomplete' | 'unknown';

/** A slice as its state and bounds. */
export type SliceOutline = SliceBounds & { readonly state: SliceState };

/** Judges a stretch of time, in epoch seconds, by its slices, which it takes in the order of time. */
export class CompletenessCheck {
  readonly #from: number;
  #comparedTo: number;
  #isOpen = false;

  constructor(from: number) {
    this.#from = from;
    this.#comparedTo = from;
  }

  /** Takes one slice; one that began before the time may reach into it. */
  take({ start, end, state }: SliceOutline): void {
    if (end <= this.#from) return;
    this.#isOpen ||= isUnsettledState(state);
    if (start <= this.#comparedTo && state !== 'unlisted') this.#comparedTo = Math.max(this.#comparedTo, end);
  }

  /** Returns how far the time up to `to` was compared without a gap; null if its beginning was not. */
  comparedTo(to: number): number | null {
    return this.#comparedTo > this.#from ? Math.min(to, this.#comparedTo) : null;
  }

  /** Returns the result for the time up to `to`; nothing after `dueEnd` is due. */
  result(to: number, dueEnd: number): Completeness {
    if (this.#isOpen) return 'incomplete';
    const comparedTo = this.comparedTo(to);
    const isKnown = comparedTo !== null && comparedTo >= Math.min(to, dueEnd);
    return isKnown ? 'complete' : 'unknown';
  }
}

/** Returns the end of the last slice that is due, or of a ledger that has ended before (`endsAt`), in epoch seconds. */
export function dueEndOf(
  nowMs: number,
  { sliceSeconds, settleSeconds }: { readonly sliceSeconds: number; readonly settleSeconds: number },
  endsAt = Number.POSITIVE_INFINITY,
): number {
  return Math.min(endsAt, Math.floor((nowMs / 1000 - settleSeconds) / sliceSeconds) * sliceSeconds);
}
