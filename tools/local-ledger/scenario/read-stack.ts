import type { Clock } from '../../mailgun-twin/clock.ts';
import type { LedgerStats } from '../controls/ledger-controls.ts';
import type { ReadyInfo } from '../ready.ts';

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

export interface StoredEvent {
  readonly key: string;
  readonly event: string;
  readonly recipient: string | null;
}

/** The read API's response about one message, as far as the scenario uses it. */
export interface StoredMessage {
  readonly recipients: readonly StoredRecipient[];
  readonly events: readonly StoredEvent[];
}

export type Api = Pick<ReadyInfo, 'apiUrl' | 'apiToken'>;

/** Ids with signs that mean something in a path travel as a parameter. */
function messageUrl({ apiUrl }: Api, messageId: string): string {
  // The apostrophe too, so that the URL can stand between apostrophes in a shell.
  const encoded = encodeURIComponent(messageId).replaceAll("'", '%27');
  const base = `${apiUrl.replace(/\/$/, '')}/mailgun/messages`;
  return /[/?#%]/.test(messageId) ? `${base}?id=${encoded}` : `${base}/${encoded}`;
}

/** A command line that reads the message back, to be pasted as it is. */
export const curlCommand = (api: Api, messageId: string) =>
  `curl -s -H 'Authorization: Bearer ${api.apiToken}' '${messageUrl(api, messageId)}'`;

const READS_AT_MOST = 20;
const READ_AGAIN_MS = 300;

/** What is stored of a message, all its pages; undefined where the API knows none. */
export async function readMessage(
  api: Api,
  messageId: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<StoredMessage | undefined> {
  const recipients = new Map<string, StoredRecipient>();
  const events: StoredEvent[] = [];
  const first = messageUrl(api, messageId);
  for (let url: string | undefined = first; url !== undefined; ) {
    const page: (StoredMessage & { next?: string | null }) | undefined = await readUrl(api, url, clock, signal);
    if (page === undefined) return undefined;
    // Where a recipient's events go over the edge of a page, the later entry has counted more.
    for (const entry of page.recipients) recipients.set(entry.recipient, entry);
    events.push(...page.events);
    const cursor: URLSearchParams | undefined = page.next ? new URLSearchParams({ cursor: page.next }) : undefined;
    url = cursor ? `${first}${first.includes('?') ? '&' : '?'}${cursor}` : undefined;
  }
  return { recipients: [...recipients.values()], events };
}

/** `route` with its parameters, as it stands behind `/mailgun/`. */
export function readApi<Reply>(api: Api, route: string, clock: Clock, signal: AbortSignal) {
  return readUrl<Reply>(api, `${api.apiUrl.replace(/\/$/, '')}/mailgun/${route}`, clock, signal);
}

/** A stack with faults may fail a read or two. */
async function readUrl<Reply>(api: Api, url: string, clock: Clock, signal: AbortSignal): Promise<Reply | undefined> {
  for (let reads = 1; ; reads += 1) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${api.apiToken}` }, signal });
    if (response.ok) return (await response.json()) as Reply;
    const text = await response.text();
    if (response.status === 404) return undefined;
    if (response.status < 500 || reads === READS_AT_MOST) {
      throw new Error(`the read API answered ${response.status} to ${url}: ${text}`);
    }
    await clock.sleep(READ_AGAIN_MS);
  }
}

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
  readonly undecided: Counts;
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

/** The read API reads one domain at a time. */
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

/** What is left in the queues when the wait is over. */
export interface Leftovers {
  readonly waiting: number;
  readonly deadLetters: number;
}

/** What the stack says of itself. */
export async function readStackStats(controlUrl: string, signal: AbortSignal): Promise<LedgerStats> {
  const response = await fetch(`${controlUrl.replace(/\/$/, '')}/stats`, { signal });
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as LedgerStats;
}
