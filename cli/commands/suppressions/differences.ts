import { z } from 'zod';
import type { SuppressionItem } from '../../../lambdas/adapters/table/recipient-repository.ts';
import { UNKNOWN_DOMAIN } from '../../../lambdas/contract.ts';
import { textIn } from '../../../lambdas/domain/json.ts';
import { recipientKey } from '../../../lambdas/domain/keys.ts';
import { isSuppressing } from '../../../lambdas/domain/status/suppression.ts';
import { type MailgunRequest, type MailgunResponse, messageOf } from '../../access.ts';
import type { CliContext } from '../../command.ts';
import { MailgunBusyError, TargetUnavailableError } from '../../errors.ts';
import type { Deployment } from '../../target/types.ts';

/**
 * Differences between our suppressions and Mailgun's lists. `not-here`: only Mailgun lists it. `lifted-here`: the same,
 * and it was lifted here. `too-wide`: Mailgun lists an unsubscribe from some tags, and ours is from everything.
 * `not-at-mailgun`: only we have it, at least now.
 */
export type Difference = {
  readonly domain: string;
  readonly kind: ListKind;
  readonly recipient: string;
  readonly scopes: readonly string[];
} & (
  | { readonly difference: 'not-here'; readonly sinceMs: number | undefined }
  | { readonly difference: 'lifted-here' }
  | { readonly difference: 'too-wide'; readonly item: SuppressionItem }
  | { readonly difference: 'not-at-mailgun'; readonly listedScopes: readonly string[] }
);

interface Compared extends ListEntry {
  readonly covered: Set<string>;
  /** Latest lift of each scope that is no longer active. */
  readonly lifted: Map<string, number>;
}

/** Compares Mailgun's lists, which it takes first, with our suppressions, which it then takes in any order. */
export function createComparison(domains: readonly string[]) {
  const listed = new Map<string, Map<string, Compared>>();
  const ours: Difference[] = [];
  const listOf = (domain: string, kind: ListKind) => {
    const list = listed.get(`${kind} ${domain}`) ?? new Map<string, Compared>();
    listed.set(`${kind} ${domain}`, list);
    return list;
  };

  function addListed(domain: string, kind: ListKind, entry: ListEntry): void {
    listOf(domain, kind).set(recipientKey(entry.address), { ...entry, covered: new Set(), lifted: new Map() });
  }

  function addOurs(item: SuppressionItem): void {
    // A suppression for an unknown domain applies to every domain, also those not compared now.
    const candidates = item.domain === UNKNOWN_DOMAIN ? domains : domains.filter((domain) => domain === item.domain);
    if (candidates.length === 0) return;
    const key = recipientKey(item.recipient);
    const entries = candidates.flatMap((domain) => listOf(domain, item.kind).get(key) ?? []);
    if (!isSuppressing(item)) {
      for (const { lifted } of entries)
        lifted.set(item.scope, Math.max(item.liftedAtMs ?? 0, lifted.get(item.scope) ?? 0));
      return;
    }
    for (const { covered } of entries) covered.add(item.scope);
    ours.push(...differencesOf(item, entries));
  }

  /** Returns every difference, once both sides were taken whole. */
  function differences(): Difference[] {
    const theirs: Difference[] = [];
    for (const [name, list] of listed) {
      const [kind, domain] = name.split(' ') as [ListKind, string];
      for (const entry of list.values()) theirs.push(...uncovered(domain, kind, entry));
    }
    return [...theirs, ...ours];
  }

  return { addListed, addOurs, differences };
}

function differencesOf(item: SuppressionItem, entries: readonly Compared[]): Difference[] {
  const { domain, kind, recipient, scope } = item;
  const common = { domain, kind, recipient };
  if (entries.some(({ scopes }) => scopes.includes('*') || scopes.includes(scope))) return [];
  const [entry] = entries;
  if (entry !== undefined && scope === '*') {
    // For an unknown domain, it may be meant for another one.
    return domain === UNKNOWN_DOMAIN ? [] : [{ difference: 'too-wide', ...common, scopes: entry.scopes, item }];
  }
  // An unsubscribe from a mailing list is on the list of its members, and names the list as its reason.
  if (kind === 'unsubscribe' && item.source === 'event' && item.reason !== null) return [];
  return [{ difference: 'not-at-mailgun', ...common, scopes: [scope], listedScopes: entry?.scopes ?? [] }];
}

function uncovered(domain: string, kind: ListKind, entry: Compared): Difference[] {
  const { address: recipient, scopes, sinceMs, covered, lifted } = entry;
  if (covered.has('*')) return [];
  const missing = scopes.filter((scope) => !covered.has(scope));
  const wasLifted = (scope: string) => {
    const atMs = Math.max(lifted.get(scope) ?? -1, scope === '*' ? -1 : (lifted.get('*') ?? -1));
    return atMs >= 0 && (sinceMs ?? 0) <= atMs;
  };
  const common = { domain, kind, recipient };
  const [here, fresh] = [missing.filter(wasLifted), missing.filter((scope) => !wasLifted(scope))];
  return [
    ...(fresh.length > 0 ? [{ difference: 'not-here', ...common, scopes: fresh, sinceMs } as const] : []),
    ...(here.length > 0 ? [{ difference: 'lifted-here', ...common, scopes: here } as const] : []),
  ];
}

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

const listEntry = z
  .object({
    address: z.string(),
    tags: z.array(z.unknown()).catch([]),
    created_at: z.string().optional().catch(undefined),
  })
  .transform(({ address, tags, created_at }): ListEntry => {
    const texts = tags.flatMap((tag) => textIn(tag) ?? []);
    const sinceMs = Date.parse(created_at ?? '');
    return {
      address: address.toWellFormed(),
      scopes: texts.length === 0 || texts.includes('*') ? ['*'] : [...new Set(texts.map((tag) => tag.toLowerCase()))],
      sinceMs: Number.isNaN(sinceMs) ? undefined : sinceMs,
    };
  });

/** A page of one of Mailgun's lists; an entry without an address is undefined. */
const listPage = z.object({
  items: z.array(listEntry.optional().catch(undefined)),
  paging: z.object({ next: z.string() }).optional().catch(undefined),
});

const PAGE_ENTRIES = 500;
const MAX_ATTEMPTS = 5;
const FIRST_WAIT_MS = 1000;

/** Sends a request that may be repeated, and repeats it while Mailgun is busy. */
export async function requestPatiently(
  { sleep }: Pick<CliContext, 'sleep'>,
  callMailgun: MailgunRequest,
  ...request: Parameters<MailgunRequest>
): Promise<MailgunResponse> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await callMailgun(...request);
    } catch (error) {
      if (!(error instanceof MailgunBusyError) || attempt === MAX_ATTEMPTS) throw error;
      await sleep(FIRST_WAIT_MS * 2 ** (attempt - 1));
    }
  }
}

/** Yields a list of a domain page by page, until a page is empty. */
export async function* readList(
  context: Pick<CliContext, 'sleep'>,
  callMailgun: MailgunRequest,
  deployment: Deployment,
  domain: string,
  kind: ListKind,
): AsyncGenerator<ListEntry[]> {
  const base = deployment.mailgunUrl(domain);
  let path: string | undefined = `/v3/${encodeURIComponent(domain)}/${LISTS[kind]}?limit=${PAGE_ENTRIES}`;
  while (path !== undefined) {
    const response: MailgunResponse = await requestPatiently(context, callMailgun, domain, 'GET', path);
    const { data: page } = listPage.safeParse(response.body);
    if (response.status !== 200 || page === undefined) {
      throw new TargetUnavailableError(`Mailgun's ${LISTS[kind]} of ${domain} cannot be read: ${messageOf(response)}`);
    }
    if (page.items.length === 0) return;
    yield page.items.filter((entry) => entry !== undefined);
    const next = pathOf(page.paging?.next, base);
    // Without an end the list would be taken for complete; in a ring it would never be.
    if (next === undefined || next === path) {
      throw new TargetUnavailableError(`Mailgun's ${LISTS[kind]} of ${domain} have no page after ${path}`);
    }
    path = next;
  }
}

/** Ignores a next page on another host: the key must not be sent there. */
function pathOf(url: string | undefined, base: string): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { origin, pathname, search } = new URL(url);
  return origin === new URL(base).origin ? pathname + search : undefined;
}
