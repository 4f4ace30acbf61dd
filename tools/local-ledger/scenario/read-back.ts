import type { Clock } from '../../mailgun-twin/clock.ts';
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

/** What the read API answers about one message, as far as the scenario looks at it. */
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
