import type { Clock } from '../../mailgun-twin/clock.ts';
import type { ReadyInfo } from '../ready.ts';
import { type Api, readApi } from './read-back.ts';

type Counts = Readonly<Record<string, number>>;

/** A stretch of a domain's time, as the read API shows it. */
export interface LedgerSlice {
  readonly domain: string;
  readonly start: number;
  readonly end: number;
  readonly state: string;
  readonly expected: Counts;
  readonly missing: Counts;
  readonly unconfirmed: Counts;
}

interface Bucket {
  readonly tag: string;
  readonly counts: Counts;
}

type Domains = Api & Pick<ReadyInfo, 'domains'>;

/** Epoch seconds; both ends belong to it. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const HOUR_SECONDS = 3600;

/** The slices of all domains that hold some of a span. */
export async function readLedger(
  ready: Domains,
  span: Span,
  clock: Clock,
  signal: AbortSignal,
): Promise<LedgerSlice[]> {
  // A slice is found by its start, which may lie before the span, and is at most an hour long.
  const range = `from=${span.from - HOUR_SECONDS}&to=${span.to + 1}`;
  const ledgers = await readEach<{ slices: LedgerSlice[] }>(ready, 'ledger', range, clock, signal);
  return ledgers.flatMap(({ slices }) => slices).filter(({ end }) => end > span.from);
}

/** How many events of each type happened in the hours of a span, each counted once whatever its tags. */
export async function readStats(ready: Domains, span: Span, clock: Clock, signal: AbortSignal): Promise<Counts> {
  const range = `tag=*&from=${Math.floor(span.from / HOUR_SECONDS) * HOUR_SECONDS}&to=${span.to + 1}`;
  const stats = await readEach<{ buckets: Bucket[] }>(ready, 'stats', range, clock, signal);
  return addUp(stats.flatMap(({ buckets }) => buckets.filter(({ tag }) => tag === '*').map(({ counts }) => counts)));
}

/** The read API answers for one domain at a time. */
function readEach<Reply>(ready: Domains, route: string, range: string, clock: Clock, signal: AbortSignal) {
  return Promise.all(
    ready.domains.map(async (domain) => {
      const reply = await readApi<Reply>(ready, `${route}?domain=${domain}&${range}`, clock, signal);
      if (!reply) throw new Error(`the read API knows no ${route} of ${domain}`);
      return reply;
    }),
  );
}

export function addUp(all: readonly Counts[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const counts of all) for (const [type, count] of Object.entries(counts)) sums[type] = (sums[type] ?? 0) + count;
  return sums;
}
