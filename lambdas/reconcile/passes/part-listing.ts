import { eventTimeMs } from '../../domain/events/event.ts';
import { identify } from '../../domain/events/identity.ts';
import { parseEvent } from '../../domain/events/mailgun-event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ReadListings } from '../ports.ts';
import type { Listed } from './count-listed.ts';
import type { createMatch } from './match-copies.ts';
import type { PartBounds, Sets, SlicePass } from './part-context.ts';

/** A part of one slice, and what is stored and requeued of it. */
interface ListedPart extends Pick<Sets, 'stored' | 'sends'> {
  pass: Pick<SlicePass, 'slice' | 'listings' | 'nameOf'>;
  bounds: PartBounds;
  match: ReturnType<typeof createMatch>;
}

/** A shorter first page is too small to estimate the number of events. */
const MIN_SAMPLE_EVENTS = 100;

/** What Mailgun has listed of a part so far, and of that the events that are not settled yet. */
export class PartListing {
  readonly #part: ListedPart;
  readonly #names: Set<string>;
  /** Listed inside the part, and not settled yet. */
  #waiting: Listed[] = [];
  /** Listed outside the part while a redacted copy is inside: a straggler triggers the comparison of this part only. */
  #besides: Listed[] = [];
  #earliestMs: number;
  #distinct = 0;

  /** `earlier` is what a run before has read. */
  constructor(part: ListedPart, earlier: ReadListings) {
    this.#part = part;
    this.#names = new Set(earlier.names);
    this.#earliestMs = earlier.earliestMs ?? Number.POSITIVE_INFINITY;
  }

  /** Time of the earliest event (epoch milliseconds); infinite without one. */
  get earliestMs(): number {
    return this.#earliestMs;
  }

  /** Number of different events, those of the part's margins included. */
  get distinct(): number {
    return this.#distinct;
  }

  /** Number of names in memory. */
  get size(): number {
    return this.#names.size;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Returns what the next run needs to go on after one more listing was read to its end. */
  readOneMore({ of, read }: ReadListings): ReadListings {
    const earliest = Number.isFinite(this.#earliestMs) ? { earliestMs: this.#earliestMs } : {};
    return { of, read: read + 1, names: [...this.#names], ...earliest };
  }

  /** Adds a page; returns the time of its earliest event (epoch milliseconds). */
  add(page: readonly JsonObject[]): number {
    const { pass, bounds, match, stored, sends } = this.#part;
    const isInside = isBefore(bounds, bounds.to);
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const raw of page) {
      const event = parseEvent(raw);
      const matched = match(event, identify(raw, pass.slice.domain));
      const name = pass.nameOf(matched.place);
      const atMs = event.timeMs ?? stored.get(name)?.atMs ?? bounds.from * 1000;
      earliestMs = Math.min(earliestMs, atMs);
      this.#earliestMs = Math.min(this.#earliestMs, event.timeMs ?? Number.POSITIVE_INFINITY);
      if (this.#names.has(name)) continue;
      this.#distinct += 1;
      // A ledger of events of an unknown domain reads the listings of all, and keeps none of their other events: there
      // may be more than fit into memory.
      const isOwn = pass.listings.length < 2 || stored.has(name) || matched.copies.length > 0;
      if (isOwn || sends.has(name)) this.#names.add(name);
      if (!isOwn) continue;
      for (const copy of matched.copies) this.#names.add(pass.nameOf(copy));
      const found = { ...matched, name, event, atMs };
      if (isInside(atMs)) this.#waiting.push(found);
      else if (matched.copies.length > 0) this.#besides.push(found);
    }
    return earliestMs;
  }

  /** Removes and returns the events inside the part before a time (epoch seconds) that are not settled yet. */
  takeBefore(to: number): Listed[] {
    const ready = this.#waiting.filter(({ atMs }) => atMs < to * 1000);
    this.#waiting = this.#waiting.filter(({ atMs }) => atMs >= to * 1000);
    return ready;
  }

  /** Removes and returns the events outside the part with a redacted copy inside, before a time (epoch seconds). */
  takeCopiedBefore(to: number): Listed[] {
    const isInside = isBefore(this.#part.bounds, to);
    return this.#besides.splice(0).filter(({ copies }) => copies.some(({ atMs }) => isInside(atMs)));
  }
}

/** Returns what tells whether a time (epoch milliseconds) is inside a part, and before a time (epoch seconds). */
export function isBefore({ from }: PartBounds, to: number): (atMs: number) => boolean {
  return (atMs) => atMs >= from * 1000 && atMs < to * 1000;
}

/** Estimates the number of events in a part from the density of the first page. */
export function estimateEvents(page: readonly JsonObject[], { from, to }: PartBounds): number {
  if (page.length < MIN_SAMPLE_EVENTS) return page.length;
  const times = page.map((event) => eventTimeMs(event) ?? from * 1000).sort((a, b) => a - b);
  const nth = Math.floor(times.length * 0.9);
  const spanMs = Math.max(1, (times[nth] as number) - (from - 1) * 1000);
  return (nth / spanMs) * (to - from) * 1000;
}
