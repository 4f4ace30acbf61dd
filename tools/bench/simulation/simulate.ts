import { ASSUMED, dollarsPerWebhook, PER_WEBHOOK } from '../../../cli/planning/capacity.ts';
import { createRandom, type Random } from '../../mailgun-twin/random.ts';
import { SimulatedListing, type SimulatedSlice } from './listing.ts';
import { Retries } from './retries.ts';
import type { SimulatedStack } from './settings.ts';
import { type IngestLimit, SimulatedIngest } from './simulated-ingest.ts';
import { type ProcessLimit, SimulatedProcess } from './simulated-process.ts';

export type Limit = IngestLimit | ProcessLimit | 'listings';

export interface Load {
  /** Webhooks a second that Mailgun posts for the first time. */
  readonly perSecond: (atSecond: number) => number;
  readonly seconds: number;
  /** Seed of random arrivals. @default arrivals at the exact rate */
  readonly seed?: number;
  /** Ends the run when this limit is reached, or with the load. @default when everything is stored */
  readonly until?: Limit;
}

/** One second of a run, as shown in graphs. */
interface Sample {
  readonly atSecond: number;
  readonly offered: number;
  readonly acknowledged: number;
  readonly backlog: number;
  /** Events refused and not yet in the queue. */
  readonly missing: number;
}

export interface SimulationResult {
  readonly events: number;
  /** Posts with a 200, and refused posts, repeats included. */
  readonly acknowledged: number;
  readonly refused: number;
  /** Events that reconcile requeued. */
  readonly requeued: number;
  /** Posts of events that reconcile had requeued before. */
  readonly repeated: number;
  readonly stored: number;
  /** The last second with a missing event, or with more messages waiting than process holds in flight. */
  readonly settledAt: number;
  /** The longest time, in seconds, that listing the due slices took. */
  readonly listingBehind: number;
  /** The longest time, in seconds, that the newest message in the queue had to wait. */
  readonly longestQueueSeconds: number;
  /** The first second in which each limit was reached. */
  readonly met: ReadonlyMap<Limit, number>;
  readonly dollars: number;
  readonly samples: readonly Sample[];
}

/** Longer than Mailgun's last retry plus the second pass. */
const DRAIN_SECONDS = 48 * 3600;
/** Quantities are real numbers: fewer events than this count as none. */
const NONE = 0.5;

/** Runs a load through a stack second by second until everything is stored; the same seed gives the same run. */
export function simulate(stack: SimulatedStack, load: Load, sampleEvery = 60): SimulationResult {
  return new Simulation(stack, load).run(sampleEvery);
}

const MAX_PER_SECOND = 50_000;
const SEARCH_STEPS = 16;
const SEARCH_SECONDS = 600;

/** Returns the lowest steady rate, in webhooks a second, at which a stack reaches a limit within `seconds`. */
export function rateThatMeets(limit: Limit, stack: SimulatedStack, seconds = SEARCH_SECONDS): number {
  let [below, above] = [0, MAX_PER_SECOND];
  for (let step = 0; step < SEARCH_STEPS; step += 1) {
    const middle = (below + above) / 2;
    const { met } = simulate(stack, { perSecond: () => middle, seconds, until: limit });
    if (met.has(limit)) above = middle;
    else below = middle;
  }
  return above;
}

class Simulation {
  readonly #stack: SimulatedStack;
  readonly #load: Load;
  readonly #random: Random | undefined;
  readonly #ingest: SimulatedIngest;
  readonly #process: SimulatedProcess;
  readonly #listing: SimulatedListing;
  readonly #retries = new Retries();
  readonly #slices: SimulatedSlice[] = [];
  readonly #met = new Map<Limit, number>();
  readonly #sum = { events: 0, acknowledged: 0, refused: 0, requeued: 0, repeated: 0, stored: 0 };
  readonly #most = { settledAt: 0, listingBehind: 0, longestQueueSeconds: 0 };
  /** Events in neither queue nor table, those about to be requeued included. */
  #missing = 0;
  #toSend = 0;

  constructor(stack: SimulatedStack, load: Load) {
    this.#stack = stack;
    this.#load = load;
    this.#random = load.seed === undefined ? undefined : createRandom(load.seed);
    this.#ingest = new SimulatedIngest(stack, load.perSecond(0));
    this.#process = new SimulatedProcess(stack, load.perSecond(0));
    this.#listing = new SimulatedListing(stack);
  }

  run(sampleEvery: number): SimulationResult {
    const samples: Sample[] = [];
    const last = this.#load.seconds + (this.#load.until === undefined ? DRAIN_SECONDS : 0);
    for (let at = 0; at < last && !this.#isOver(at); at += 1) {
      const { offered, acknowledged } = this.#step(at);
      const missing = this.#missing + this.#toSend;
      if (at % sampleEvery === 0)
        samples.push({ atSecond: at, offered, acknowledged, backlog: this.#process.backlog, missing });
    }
    const dollars = this.#sum.acknowledged * dollarsPerWebhook;
    return { ...this.#sum, ...this.#most, met: this.#met, dollars, samples };
  }

  #isOver(at: number): boolean {
    if (this.#load.until !== undefined) return this.#met.has(this.#load.until);
    return (
      at >= this.#load.seconds && this.#missing + this.#toSend + this.#process.backlog + this.#retries.waiting < NONE
    );
  }

  #step(at: number): { offered: number; acknowledged: number } {
    const fresh = at < this.#load.seconds ? arrivals(this.#load.perSecond(at), this.#random) : 0;
    const repeats = this.#retries.take(at);
    const offered = repeats.reduce((total, { count }) => total + count, fresh);
    const admission = this.#ingest.admit(offered);
    const sending = Math.min(this.#toSend, ASSUMED.requeuesPerSecond);
    this.#toSend -= sending;
    const { claimed, stored, met } = this.#process.take(at, admission.admitted, sending);

    const share = offered === 0 ? 1 : claimed / offered;
    this.#note(at, fresh, 1 - share);
    for (const { attempt, firstAt, count } of repeats) {
      const slice = this.#sliceAt(firstAt);
      const taken = Math.min(count * share, slice.missing);
      slice.missing -= taken;
      this.#missing -= taken;
      this.#sum.repeated += count * share - taken;
      this.#retries.refuse(at, attempt, count * (1 - share));
    }
    this.#reconcile(at);
    this.#sum.acknowledged += claimed;
    this.#sum.refused += offered - claimed;
    this.#sum.stored += stored;
    this.#measure(at, stored, [...admission.met, ...met]);
    return { offered, acknowledged: claimed };
  }

  /** Records the first posts of a second, and the refused share of them. */
  #note(at: number, fresh: number, refusedShare: number): void {
    const slice = this.#sliceAt(at);
    const refused = fresh * refusedShare;
    this.#sum.events += fresh;
    slice.arrived += fresh;
    slice.missing += refused;
    this.#missing += refused;
    if (refused > 0) this.#retries.refuse(at, 0, refused * (1 - PER_WEBHOOK.delivered));
  }

  #reconcile(at: number): void {
    const isRun = at % this.#stack.everySeconds === 0;
    if (isRun) this.#listing.begin(this.#slices, at);
    const listed = this.#listing.advance();
    // Nothing is requeued during a backlog; the next run tries again.
    if (this.#process.isPausing(0)) return;
    for (const slice of isRun ? this.#slices.filter(({ isListed }) => isListed) : listed) {
      this.#toSend += slice.missing;
      this.#sum.requeued += slice.missing;
      this.#missing -= slice.missing;
      slice.missing = 0;
    }
  }

  #measure(at: number, stored: number, met: Limit[]): void {
    const { maxConcurrency, batchSize, everySeconds } = this.#stack;
    const { backlog } = this.#process;
    const behind = this.#listing.secondsBehind;
    if (behind > everySeconds) met.push('listings');
    for (const limit of met) if (!this.#met.has(limit)) this.#met.set(limit, at);
    if (this.#missing + this.#toSend > NONE || backlog > maxConcurrency * batchSize) this.#most.settledAt = at;
    this.#most.listingBehind = Math.max(this.#most.listingBehind, behind);
    const waits = stored > 0 ? backlog / stored : 0;
    this.#most.longestQueueSeconds = Math.max(this.#most.longestQueueSeconds, waits);
  }

  #sliceAt(at: number): SimulatedSlice {
    const { sliceSeconds } = this.#stack;
    const nth = Math.floor(at / sliceSeconds);
    this.#slices[nth] ??= { arrived: 0, missing: 0, isListed: false };
    return this.#slices[nth];
  }
}

/** From this mean on, the normal approximation of the Poisson distribution is good enough. */
const MANY = 50;

/** Returns the arrivals in a second, Poisson distributed if there is a random source. */
function arrivals(perSecond: number, random: Random | undefined): number {
  if (random === undefined) return perSecond;
  if (perSecond < MANY) return poisson(perSecond, random);
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.max(0, Math.round(perSecond + Math.sqrt(perSecond) * normal));
}

function poisson(mean: number, random: Random): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit; product *= random.next()) count += 1;
  return count;
}
