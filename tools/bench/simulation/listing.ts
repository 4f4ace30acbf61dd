import { ASSUMED } from '../../../cli/planning/capacity.ts';
import type { SimulatedStack } from './settings.ts';

/** A slice, with the events that arrived and were not stored by their webhooks. */
export interface SimulatedSlice {
  arrived: number;
  /** Events refused, and neither acknowledged at a retry nor requeued. */
  missing: number;
  isListed: boolean;
}

interface Pass {
  readonly slice: SimulatedSlice;
  pagesLeft: number;
}

/** Simulates reconcile: at each run lists the due slices, and returns those listed completely. */
export class SimulatedListing {
  readonly #stack: SimulatedStack;
  readonly #passes: Pass[] = [];
  /** Pages of due slices still to list. */
  pagesLeft = 0;

  constructor(stack: SimulatedStack) {
    this.#stack = stack;
  }

  /** Returns the seconds that listing the due slices takes. */
  get secondsBehind(): number {
    return this.pagesLeft / this.#pagesPerSecond;
  }

  get #pagesPerSecond(): number {
    return this.#stack.parallel / ASSUMED.pageSeconds;
  }

  /** Starts a run: takes the slices whose first or second pass became due since the previous run. */
  begin(slices: readonly SimulatedSlice[], atSecond: number): void {
    const { everySeconds, settleSeconds, secondPassSeconds, sliceSeconds } = this.#stack;
    for (const wait of [settleSeconds, secondPassSeconds]) {
      const due = (at: number) => Math.floor((at - wait) / sliceSeconds);
      for (let nth = Math.max(0, due(atSecond - everySeconds)); nth < due(atSecond); nth += 1) {
        const slice = slices[nth];
        if (slice === undefined) continue;
        const pagesLeft = Math.ceil(slice.arrived / ASSUMED.pageEvents) + 1;
        this.pagesLeft += pagesLeft;
        this.#passes.push({ slice, pagesLeft });
      }
    }
  }

  /** Returns the slices whose listing is complete in this second. */
  advance(): SimulatedSlice[] {
    const listed: SimulatedSlice[] = [];
    let pages = this.#pagesPerSecond;
    for (let pass = this.#passes[0]; pass !== undefined && pages > 0; pass = this.#passes[0]) {
      const read = Math.min(pages, pass.pagesLeft);
      pages -= read;
      pass.pagesLeft -= read;
      this.pagesLeft -= read;
      if (pass.pagesLeft > 0) break;
      this.#passes.shift();
      pass.slice.isListed = true;
      listed.push(pass.slice);
    }
    return listed;
  }
}
