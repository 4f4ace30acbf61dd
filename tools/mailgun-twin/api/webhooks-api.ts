import type { EventData } from '../traffic/event-parts.ts';
import { POSTED } from '../traffic/events.ts';
import { type ApiResponse, BadRequestError, ok, refusal } from './api-response.ts';

const MAX_URLS = 3;

/** A record from before a type could have several URLs holds `url`, and is shown that way. */
type DomainRecord = { urls: string[] } | { url: string };

interface AccountHook {
  readonly webhook_id: string;
  readonly description: string;
  readonly url: string;
  readonly event_types: readonly string[];
  readonly created_at: string;
}

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** Request URL without the query. */
  readonly url: string;
  readonly query: URLSearchParams;
  readonly form: FormData;
  /** Body, if JSON. */
  readonly json?: unknown;
}

/** Webhooks of one account: by type for each domain, and by URL for the account. */
export interface WebhookRegistry {
  /** Returns undefined for requests to other APIs. */
  handle(request: ApiRequest): ApiResponse | undefined;
  /** Returns each URL once that an event of a domain is posted to: the domain's and the account's. */
  urlsFor(domain: string, event: EventData): string[];
  /** Registers a URL for event types of a domain, as if it were there from before. */
  register(domain: string, types: readonly string[], url: string, form?: 'legacy'): void;
}

export function createWebhookRegistry(domains: readonly string[], nowMs: () => number): WebhookRegistry {
  const byDomain = new Map<string, Map<string, DomainRecord>>();
  const ofAccount = new Map<string, AccountHook>();
  let created = 0;

  /** Returns undefined for a domain that the account does not have. */
  function recordsOf(domain: string): Map<string, DomainRecord> | undefined {
    if (!domains.includes(domain)) return undefined;
    const records = byDomain.get(domain) ?? new Map<string, DomainRecord>();
    byDomain.set(domain, records);
    return records;
  }

  function handleDomain({ method, form }: ApiRequest, domain: string, id: string | undefined): ApiResponse {
    const records = recordsOf(domain);
    if (records === undefined) return refusal(404, `Domain not found: ${domain}`);
    if (id === undefined) {
      if (method === 'GET') return ok({ webhooks: Object.fromEntries(records) });
      if (method !== 'POST') return refusal(405, 'Method not allowed');
      const type = knownType(form.get('id'));
      if (records.has(type)) return refusal(400, 'Webhook already exists');
      return written(records, type, urlsOf(form), 'Webhook has been created');
    }
    const record = records.get(id);
    if (record === undefined) return refusal(404, 'Webhook not found');
    if (method === 'GET') return ok({ webhook: record });
    if (method === 'PUT') return written(records, id, urlsOf(form), 'Webhook has been updated');
    if (method !== 'DELETE') return refusal(405, 'Method not allowed');
    records.delete(id);
    return ok({ message: 'Webhook has been deleted', webhook: record });
  }

  /** `/v4/…`: one URL with many types; does not show other URLs. */
  function handleUrl({ method, form, query }: ApiRequest, domain: string): ApiResponse {
    const records = recordsOf(domain);
    if (records === undefined) return refusal(404, `Domain not found: ${domain}`);
    const urlsAt = (type: string) => listOf(records.get(type));
    if (method === 'DELETE') {
      const gone = (query.get('url') ?? '').split(',');
      if (![...records.keys()].some((type) => urlsAt(type).some((url) => gone.includes(url)))) {
        return refusal(404, 'Webhook not found');
      }
      for (const type of [...records.keys()]) {
        const kept = urlsAt(type).filter((url) => !gone.includes(url));
        if (kept.length > 0) records.set(type, { urls: kept });
        else records.delete(type);
      }
      return ok({ webhooks: Object.fromEntries(records) });
    }
    if (method !== 'POST') return refusal(405, 'Method not allowed');
    const [url = ''] = urlsOf(form);
    const types = form.getAll('event_types').map(knownType);
    if (types.length === 0) throw new BadRequestError('event_types is missing');
    if (types.some((type) => urlsAt(type).includes(url))) return refusal(400, 'Webhook already exists');
    const full = types.find((type) => urlsAt(type).length >= MAX_URLS);
    if (full !== undefined) return tooMany(full);
    for (const type of types) records.set(type, { urls: [...urlsAt(type), url] });
    return ok({ webhooks: Object.fromEntries(records) });
  }

  function written(records: Map<string, DomainRecord>, type: string, urls: string[], message: string): ApiResponse {
    if (urls.length > MAX_URLS) return tooMany(type);
    records.set(type, { urls });
    return ok({ message, webhook: { urls } });
  }

  function handleAccount({ method, form }: ApiRequest, id: string | undefined): ApiResponse {
    if (id === undefined && method === 'GET') return ok({ webhooks: [...ofAccount.values()] });
    if (id === undefined && method !== 'POST') return refusal(405, 'Method not allowed');
    const held = id === undefined ? undefined : ofAccount.get(id);
    if (id !== undefined && held === undefined) return described(404, 'Webhook not found');
    if (method === 'GET') return ok(held);
    if (method === 'DELETE') {
      ofAccount.delete(id ?? '');
      return { status: 204, body: '' };
    }
    const [url = ''] = urlsOf(form);
    const types = form.getAll('event_types').map(knownType);
    for (const type of types) {
      const others = [...ofAccount.values()].filter((hook) => hook !== held && hook.event_types.includes(type));
      if (new Set([...others.map((hook) => hook.url), url]).size > MAX_URLS) return described(409, tooManyText(type));
    }
    created += 1;
    const webhook_id = held?.webhook_id ?? `webhook-${created}`;
    const description = String(form.get('description') ?? '');
    const created_at = held?.created_at ?? new Date(nowMs()).toISOString();
    ofAccount.set(webhook_id, { webhook_id, description, url, event_types: types, created_at });
    return ok({ webhook_id });
  }

  return {
    handle(request) {
      const [, domain, type] = /^\/v3\/domains\/([^/]+)\/webhooks(?:\/([^/]+))?$/.exec(request.path) ?? [];
      if (domain !== undefined) return handleDomain(request, decodeURIComponent(domain), type);
      const [, ofUrl] = /^\/v4\/domains\/([^/]+)\/webhooks$/.exec(request.path) ?? [];
      if (ofUrl !== undefined) return handleUrl(request, decodeURIComponent(ofUrl));
      const [isAccount, id] = /^\/v1\/webhooks(?:\/([^/]+))?$/.exec(request.path) ?? [];
      return isAccount === undefined ? undefined : handleAccount(request, id);
    },
    urlsFor(domain, event) {
      const type = event.event === 'failed' ? FAILURES[String(event.severity)] : event.event;
      if (type === undefined) return [];
      const own = listOf(recordsOf(domain)?.get(type));
      const shared = [...ofAccount.values()].filter(({ event_types }) => event_types.includes(type));
      return [...new Set([...own, ...shared.map(({ url }) => url)])];
    },
    register(domain, types, url, form) {
      for (const type of types) recordsOf(domain)?.set(type, form === 'legacy' ? { url } : { urls: [url] });
    },
  };
}

const listOf = (record: DomainRecord | undefined) =>
  record === undefined ? [] : 'urls' in record ? record.urls : [record.url];

const FAILURES: Readonly<Record<string, string>> = { permanent: 'permanent_fail', temporary: 'temporary_fail' };

const tooManyText = (type: string) => `unable to add more than ${MAX_URLS} urls for event type ${type}`;

const tooMany = (type: string): ApiResponse => refusal(409, tooManyText(type));

/** Error format of the account webhooks API, which differs from all others. */
const described = (status: number, text: string): ApiResponse => ({ status, body: { Description: text } });

function knownType(value: unknown): string {
  if (!POSTED.has(String(value))) throw new BadRequestError(`unknown webhook type: ${String(value)}`);
  return String(value);
}

export function urlsOf(form: FormData): string[] {
  const urls = [...new Set(form.getAll('url').map(String))];
  if (urls.length === 0 || !urls.every((url) => URL.canParse(url)))
    throw new BadRequestError('url is missing or no URL');
  return urls;
}
