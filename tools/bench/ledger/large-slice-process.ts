import { globSync } from 'node:fs';
import { setInterval } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { LargeSliceFigures } from './large-slices.ts';

// Reconciles one slice in memory in a process of its own, with the sources of a given folder, and prints the
// measurements. It uses the real clock, the listing is as slow as Mailgun's may be, and the run ends where Lambda would
// end it.

const [folder = '', count = '0'] = process.argv.slice(2);
const EVENTS = Number(count);
const PAGE_EVENTS = 300;
const PAGE_MS = 500;
const RUN_MS = 885_000;
const MAX_RUNS = 10;
const SLICE_MS = 900_000;
const SAMPLE_MS = 10;

// Older commits have it in the parent folder.
const [module] = globSync('test/model/**/reconcile-world.ts', { cwd: folder });
const { ReconcileWorld, numbered } = await import(pathToFileURL(`${folder}/${module}`).href);
const world = new ReconcileWorld();
const startMs = Math.floor(world.nowMs / SLICE_MS) * SLICE_MS;
world.fromEpochSeconds = startMs / 1000;
world.budgetMs = RUN_MS;
world.backlogMessages = Number.POSITIVE_INFINITY;
if ('parallel' in world) world.parallel = 8;

const listed = Array.from({ length: EVENTS }, (_, n) => {
  const atSeconds = startMs / 1000 + (n / EVENTS) * (SLICE_MS / 1000);
  return { atSeconds, event: numbered(n, atSeconds) };
});
for (const { event } of listed) {
  world.webhook(event);
  if (world.ledger.queue.length === 1000) await world.process();
}
await world.process();

/** Returns the number of events before a time; events are ordered. */
function indexOf(seconds: number): number {
  let [low, high] = [0, listed.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((listed[middle]?.atSeconds ?? 0) < seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

let pages = 0;
world.mailgun.page = async ({ begin, end, position }: { begin: number; end: number; position?: string }) => {
  pages += 1;
  await sleep(PAGE_MS);
  const from = Number(position ?? indexOf(begin));
  const page = listed.slice(from, Math.min(from + PAGE_EVENTS, indexOf(end + 1e-9)));
  const events = page.map(({ event }) => event);
  return events.length === 0 ? { events } : { events, next: String(from + events.length) };
};

const began = performance.now();
const runsFromMs = startMs + 3 * SLICE_MS;
Object.defineProperty(world, 'nowMs', { get: () => runsFromMs + performance.now() - began, set: () => {} });
globalThis.gc?.();
const before = process.memoryUsage().rss;
let peak = before;
const sampling = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss);
}, SAMPLE_MS);
let runs = 0;
const sliceOf = () => [...world.book.slices.values()].find(({ start }) => start * 1000 === startMs);
for (; sliceOf() === undefined && runs < MAX_RUNS; runs += 1) await world.run();
clearInterval(sampling);

const expected = Object.values((sliceOf()?.expected ?? {}) as Record<string, number>).reduce((sum, n) => sum + n, 0);
const missing = Object.keys(sliceOf()?.missing ?? {}).length;
if (expected !== EVENTS || missing > 0) throw new Error(`the slice holds ${expected} of ${EVENTS} events`);
const figures: LargeSliceFigures = {
  events: EVENTS,
  seconds: (performance.now() - began) / 1000,
  runs,
  mailgunCalls: pages,
  megabytes: (peak - before) / 2 ** 20,
};
console.log(JSON.stringify(figures));
process.exit(0);
