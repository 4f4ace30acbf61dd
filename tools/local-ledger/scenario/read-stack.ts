import type { Clock } from '../../mailgun-twin/clock.ts';
import type { LedgerStats } from '../controls/ledger-controls.ts';
import type { ReadyLine } from '../ready-line.ts';

export interface StoredRecipient {
  readonly recipient: string;
  readonly status: string;
  readonly reason: string | null;
  readonly decidedBy: string;
  readonly opens: number;
  readonly clicks: number;
  readonly machineOpens: number;
  readonly machineClicks: number;
  readonly unsubscribed: boolean;
}

export interface ReportedEvent {
  readonly key: string;
  readonly event: string;
  readonly recipient: string | null;
}

/** The fields of the read API's message response that the scenario uses. */
export interface StoredMessage {
  readonly recipients: readonly StoredRecipient[];
  readonly events: readonly ReportedEvent[];
}

type ReadApiAccess = Pick<ReadyLine, 'apiUrl' | 'apiToken'>;

/** Puts ids with characters that are special in a path into the query. */
function messageUrl({ apiUrl }: ReadApiAccess, messageId: string): string {
  // Encodes the apostrophe too, so that the URL can be quoted in a shell.
  const encoded = encodeURIComponent(messageId).replaceAll("'", '%27');
  const base = `${apiUrl.replace(/\/$/, '')}/mailgun/messages`;
  return /[/?#%]/.test(messageId) ? `${base}?id=${encoded}` : `${base}/${encoded}`;
}

/** Returns a command line that reads the message, ready to paste. */
export const curlCommand = (api: ReadApiAccess, messageId: string) =>
  `curl -s -H 'Authorization: Bearer ${api.apiToken}' '${messageUrl(api, messageId)}'`;

const READS_AT_MOST = 20;
const READ_AGAIN_MS = 300;

/** Returns all pages of a message; undefined if the API does not know it. */
export async function readMessage(
  api: ReadApiAccess,
  messageId: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<StoredMessage | undefined> {
  const recipients = new Map<string, StoredRecipient>();
  const events: ReportedEvent[] = [];
  const first = messageUrl(api, messageId);
  for (let url: string | undefined = first; url !== undefined; ) {
    const page: (StoredMessage & { next?: string | null }) | undefined = await readUrl(api, url, clock, signal);
    if (page === undefined) return undefined;
    // Where a recipient's events span pages, the later entry has the higher count.
    for (const entry of page.recipients) recipients.set(entry.recipient, entry);
    events.push(...page.events);
    const cursor: URLSearchParams | undefined = page.next ? new URLSearchParams({ cursor: page.next }) : undefined;
    url = cursor ? `${first}${first.includes('?') ? '&' : '?'}${cursor}` : undefined;
  }
  return { recipients: [...recipients.values()], events };
}

/** Reads `/mailgun/<route>`, parameters included. */
function readApi<Reply>(api: ReadApiAccess, route: string, clock: Clock, signal: AbortSignal) {
  return readUrl<Reply>(api, `${api.apiUrl.replace(/\/$/, '')}/mailgun/${route}`, clock, signal);
}

/** Retries: with faults a few reads may fail. */
async function readUrl<Reply>(
  api: ReadApiAccess,
  url: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Reply | undefined> {
  for (let reads = 1; ; reads += 1) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${api.apiToken}` }, signal });
    if (response.ok) return (await response.json()) as Reply;
    const text = await response.text();
    if (response.status === 404) return undefined;
    if (response.status < 500 || reads === READS_AT_MOST) {
      throw new Error(`the read API returned ${response.status} to ${url}: ${text}`);
    }
    await clock.sleep(READ_AGAIN_MS);
  }
}

type Counts = Readonly<Record<string, number>>;

/** A slice as in the read API. */
export interface LedgerSlice {
  readonly domain: string;
  readonly start: number;
  readonly end: number;
  readonly state: string;
  readonly expected: Counts;
  readonly missing: Counts;
  readonly unconfirmed: Counts;
  readonly undecided: Counts;
}

interface Bucket {
  readonly tag: string;
  readonly counts: Counts;
}

type Domains = ReadApiAccess & Pick<ReadyLine, 'domains'>;

/** A time range in epoch seconds, both ends included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const HOUR_SECONDS = 3600;

/** Returns the slices of all domains that overlap a span. */
export async function readLedger(
  ready: Domains,
  span: Span,
  clock: Clock,
  signal: AbortSignal,
): Promise<LedgerSlice[]> {
  // Slices are found by their start, up to an hour before the span.
  const range = `from=${span.from - HOUR_SECONDS}&to=${span.to + 1}`;
  const ledgers = await readEach<{ slices: LedgerSlice[] }>(ready, 'ledger', range, clock, signal);
  return ledgers.flatMap(({ slices }) => slices).filter(({ end }) => end > span.from);
}

/** Returns the number of events by type in the hours of a span, each counted once whatever its tags. */
export async function readStats(ready: Domains, span: Span, clock: Clock, signal: AbortSignal): Promise<Counts> {
  const range = `tag=*&from=${Math.floor(span.from / HOUR_SECONDS) * HOUR_SECONDS}&to=${span.to + 1}`;
  const stats = await readEach<{ buckets: Bucket[] }>(ready, 'stats', range, clock, signal);
  return addUp(stats.flatMap(({ buckets }) => buckets.filter(({ tag }) => tag === '*').map(({ counts }) => counts)));
}

/** Reads one domain at a time, as the read API requires. */
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

/** Messages still in the queues when the wait ends. */
export interface Leftovers {
  readonly waiting: number;
  readonly deadLetters: number;
}

/** Returns the stack's own statistics. */
export async function readStackStats(controlUrl: string, signal: AbortSignal): Promise<LedgerStats> {
  const response = await fetch(`${controlUrl.replace(/\/$/, '')}/stats`, { signal });
  if (!response.ok) throw new Error(`${response.url} returned ${response.status}: ${await response.text()}`);
  return (await response.json()) as LedgerStats;
}
