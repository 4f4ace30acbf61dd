import { type MailgunRequest, type MailgunResponse, messageOf } from '../../access.ts';
import type { CliContext } from '../../command.ts';
import { MailgunBusyError, TargetUnavailableError } from '../../errors.ts';
import type { Deployment } from '../../target/types.ts';

/** Mailgun's lists by our kinds. */
export const LISTS = { bounce: 'bounces', complaint: 'complaints', unsubscribe: 'unsubscribes' } as const;

export type ListKind = keyof typeof LISTS;

/** An address on a list of Mailgun. */
export interface ListEntry {
  readonly address: string;
  /** `*`, or the tags of an unsubscribe. */
  readonly scopes: readonly string[];
  /** Epoch milliseconds; undefined where Mailgun's date cannot be read. */
  readonly sinceMs: number | undefined;
}

const PAGE_ENTRIES = 500;
const MAX_ATTEMPTS = 5;
const FIRST_WAIT_MS = 1000;

/** Sends a request that may be repeated, and repeats it while Mailgun is busy. */
export async function askPatiently(
  { sleep }: Pick<CliContext, 'sleep'>,
  ask: MailgunRequest,
  ...request: Parameters<MailgunRequest>
): Promise<MailgunResponse> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(...request);
    } catch (error) {
      if (!(error instanceof MailgunBusyError) || attempt === MAX_ATTEMPTS) throw error;
      await sleep(FIRST_WAIT_MS * 2 ** (attempt - 1));
    }
  }
}

/** Yields a list of a domain page by page, until a page is empty. */
export async function* readList(
  context: Pick<CliContext, 'sleep'>,
  ask: MailgunRequest,
  deployment: Deployment,
  domain: string,
  kind: ListKind,
): AsyncGenerator<ListEntry[]> {
  const base = deployment.mailgunUrl(domain);
  let path: string | undefined = `/v3/${encodeURIComponent(domain)}/${LISTS[kind]}?limit=${PAGE_ENTRIES}`;
  while (path !== undefined) {
    const response: MailgunResponse = await askPatiently(context, ask, domain, 'GET', path);
    const { items, paging } = (response.body ?? {}) as { items?: unknown; paging?: { next?: unknown } };
    if (response.status !== 200 || !Array.isArray(items)) {
      throw new TargetUnavailableError(`Mailgun's ${LISTS[kind]} of ${domain} cannot be read: ${messageOf(response)}`);
    }
    if (items.length === 0) return;
    yield items.flatMap((item) => entryOf(item) ?? []);
    const next = pathOf(paging?.next, base);
    // Without an end the list would be taken for complete; in a ring it would never be.
    if (next === undefined || next === path) {
      throw new TargetUnavailableError(`Mailgun's ${LISTS[kind]} of ${domain} have no page after ${path}`);
    }
    path = next;
  }
}

/** A next page on another host is none: the key goes nowhere else. */
function pathOf(url: unknown, base: string): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const { origin, pathname, search } = new URL(url);
  return origin === new URL(base).origin ? pathname + search : undefined;
}

function entryOf(item: unknown): ListEntry | undefined {
  const { address, tags, created_at } = (item ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof address !== 'string') return undefined;
  const texts = Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string' && tag !== '') : [];
  const sinceMs = typeof created_at === 'string' ? Date.parse(created_at) : Number.NaN;
  return {
    address,
    scopes: texts.length === 0 || texts.includes('*') ? ['*'] : [...new Set(texts.map((tag) => tag.toLowerCase()))],
    sinceMs: Number.isNaN(sinceMs) ? undefined : sinceMs,
  };
}
