import type { IncomingMessage, ServerResponse } from 'node:http';
import { countClasses } from '../listings/classes-api.ts';
import type { EventLog } from '../listings/event-log.ts';
import { listEvents } from '../listings/events-api.ts';
import { openListingSource } from '../listings/listing-source.ts';
import { listLogs } from '../listings/logs-api.ts';
import { countMetrics } from '../listings/metrics-api.ts';
import { readBytes, startServer } from '../loopback-server.ts';
import type { Random } from '../random.ts';
import type { Twin } from '../twin.ts';
import { handleDomain, handleFeatures, handleSigningKey, listDomains, type MailgunAccount } from './account.ts';
import { failureResponse } from './api-failures.ts';
import { listApiKeys, refusedByRole } from './api-keys.ts';
import type { Misbehaviour } from './api-misbehaviour.ts';
import { type ApiResponse, BadRequestError, FORBIDDEN, refusal } from './api-response.ts';
import { type SendRequest, takeMessage } from './messages-api.ts';
import { parseForm } from './submission.ts';
import { createSuppressionLists } from './suppressions-api.ts';
import { testWebhook } from './test-button.ts';
import { type ApiRequest, createWebhookRegistry, urlsOf, type WebhookRegistry } from './webhooks-api.ts';

interface MailgunApiOptions {
  /** Listed events; read again at each request. */
  readonly log: EventLog;
  readonly apiKey: string;
  readonly account: MailgunAccount;
  readonly domains: readonly string[];
  readonly random: Random;
  /** Epoch milliseconds. @default the machine's clock */
  readonly nowMs?: () => number;
}

/** Mailgun's API: mail, events, webhooks, suppressions, signing key. One server serves all regions. */
export interface MailgunApi {
  readonly url: string;
  /** Sets the misbehaviour from now on, replacing the previous one. */
  misbehave(misbehaviour: Misbehaviour): void;
  /** From now on accepts mail; `twin` posts its events. */
  takeMail(twin: Pick<Twin, 'happen'>): void;
  /** Registers a URL for event types of a domain, as if it were there from before. */
  readonly register: WebhookRegistry['register'];
  /** Returns the URLs that an event of a domain is posted to. */
  readonly registeredFor: WebhookRegistry['urlsFor'];
  /** Replaces the domains of the account. */
  setDomains(names: readonly string[]): void;
  counts(): ApiCounts;
  close(): Promise<void>;
}

export interface ApiCounts {
  readonly calls: number;
  /** Requests that followed a link to the foreign host, and how many of them sent the key there. */
  readonly foreignRequests: number;
  readonly foreignCredentials: number;
}

export async function startMailgunApi(options: MailgunApiOptions): Promise<MailgunApi> {
  const { log, apiKey, account, random, nowMs = Date.now } = options;
  const domains = [...options.domains];
  const foreign = await startForeignHost();
  const credentialsOf = (key: string) => `Basic ${Buffer.from(`api:${key}`).toString('base64')}`;
  const webhooks = createWebhookRegistry(domains, nowMs);
  const suppressions = createSuppressionLists(domains, nowMs);
  let misbehaviour: Misbehaviour = {};
  let sender: Pick<Twin, 'happen'> | undefined;
  let calls = 0;

  const server = await startServer((incoming, outgoing) => {
    calls += 1;
    void handle(incoming, outgoing);
  });

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readBytes(incoming);
    const { fails } = misbehaviour;
    const isMeant = fails !== undefined && [undefined, incoming.method].includes(fails.method);
    const failure = isMeant && random.chance(fails.percent / 100) ? fails.mode : undefined;
    if (failure === 'hang') return;
    const refused = failure && failureResponse(failure, fails?.seconds ?? 1, nowMs());
    const { status, headers, body: value } = refused ?? (await route(incoming, body));
    if (failure === 'lost-reply') {
      outgoing.destroy();
      return;
    }
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const contentType = typeof value === 'string' ? 'text/plain' : 'application/json';
    outgoing.writeHead(status, { 'content-type': contentType, ...headers });
    outgoing.end(failure === 'truncate' ? text.slice(0, text.length / 2) : text);
  }

  async function route({ headers, method = '', url = '/' }: IncomingMessage, body: Buffer): Promise<ApiResponse> {
    const asker = account.apiKeys?.find(({ secret }) => headers.authorization === credentialsOf(secret));
    if (asker === undefined && headers.authorization !== credentialsOf(apiKey)) return FORBIDDEN;
    const target = new URL(url, server.url);
    const { pathname, searchParams } = target;
    const refused = asker && refusedByRole(asker, method, pathname);
    if (refused !== undefined) return refused;
    const { 'content-type': contentType = '' } = headers;
    const now = () => nowMs() / 1000;
    const source = openListingSource({ log, misbehaviour, base: server.url, foreignBase: foreign.url, random, now });
    try {
      if (pathname === '/v5/accounts/http_signing_key') return handleSigningKey(account, method);
      if (method === 'POST' && pathname === '/v1/analytics/logs')
        return listLogs(source, parseJson(body.toString('utf8')));
      if (method === 'POST' && pathname === '/v1/analytics/metrics')
        return countMetrics({ log, misbehaviour, now }, parseJson(body.toString('utf8')));
      if (method === 'POST' && pathname === '/v2/bounce-classification/metrics')
        return countClasses({ log, misbehaviour, now }, parseJson(body.toString('utf8')));
      const [, sending, mime] = /^\/v3\/([^/]+)\/messages(\.mime)?$/.exec(pathname) ?? [];
      if (method === 'POST' && sending !== undefined && sender) {
        if (!domains.includes(sending)) return refusal(404, `Domain not found: ${sending}`);
        const mail: SendRequest = { domain: sending, isMime: mime !== undefined, contentType, body };
        return await takeMessage(mail, { twin: sender, random, nowMs });
      }
      const request = await readRequest(method, target, contentType, body);
      const [, tested] = /^\/v3\/domains\/([^/]+)\/webhooks\/[^/]+\/test$/.exec(pathname) ?? [];
      if (method === 'PUT' && tested !== undefined && domains.includes(tested)) {
        return await testWebhook(tested, urlsOf(request.form)[0] ?? '', account, { random, nowMs });
      }
      if (method === 'GET' && pathname === '/v1/keys') return listApiKeys(account.apiKeys ?? [], asker);
      if (pathname === '/v5/accounts/features') return handleFeatures(account, method, request.json);
      if (method === 'GET' && pathname === '/v4/domains' && asker?.listsDomains === false)
        return refusal(403, 'Forbidden');
      if (method === 'GET' && pathname === '/v4/domains')
        return listDomains(account, domains, searchParams, misbehaviour.hidesDomains ?? 0);
      const [, named] = /^\/v4\/domains\/([^/]+)$/.exec(pathname) ?? [];
      if (method === 'GET' && named !== undefined && domains.includes(named)) return handleDomain(account, named);
      const managed = webhooks.handle(request) ?? suppressions(request);
      if (managed !== undefined) return managed;
      const [, domain, page] = /^\/v3\/([^/]+)\/events(?:\/([^/]+))?$/.exec(pathname) ?? [];
      if (method !== 'GET' || domain === undefined) return refusal(404, 'Not Found');
      if (!domains.includes(decodeURIComponent(domain))) return refusal(404, `Domain not found: ${domain}`);
      if (misbehaviour.discontinued) return refusal(410, 'Gone: use /v1/analytics/logs');
      const { sunset } = misbehaviour;
      const listed = listEvents(source, decodeURIComponent(domain), page, searchParams);
      return sunset === undefined ? listed : { ...listed, headers: { sunset, deprecation: '@1790000000' } };
    } catch (error) {
      return error instanceof BadRequestError ? refusal(400, error.message) : refusal(500, String(error));
    }
  }

  return {
    url: server.url,
    misbehave: (wish) => {
      misbehaviour = wish;
    },
    takeMail: (twin) => {
      sender = twin;
    },
    register: webhooks.register,
    registeredFor: webhooks.urlsFor,
    setDomains: (names) => {
      domains.splice(0, domains.length, ...names);
    },
    counts: () => {
      const { requests, credentials: carried } = foreign.received();
      return { calls, foreignRequests: requests, foreignCredentials: carried };
    },
    close: async () => {
      await Promise.all([server.close(), foreign.close()]);
    },
  };
}

async function readRequest(
  method: string,
  { origin, pathname, searchParams }: URL,
  contentType: string,
  body: Buffer,
): Promise<ApiRequest> {
  const isJson = contentType.startsWith('application/json') && body.length > 0;
  // Not every request has a form body.
  const form = await parseForm(contentType, body).catch(() => new FormData());
  return {
    method,
    path: pathname,
    url: origin + pathname,
    query: searchParams,
    form,
    ...(isJson && { json: parseJson(body.toString('utf8')) }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A host that does not belong to Mailgun, and the requests it received. */
interface ForeignHost {
  readonly url: string;
  received(): { readonly requests: number; readonly credentials: number };
  close(): Promise<void>;
}

/** Responds like Mailgun, so that the client cannot notice. */
async function startForeignHost(): Promise<ForeignHost> {
  let requests = 0;
  let credentials = 0;
  const server = await startServer((incoming, outgoing) => {
    requests += 1;
    if (incoming.headers.authorization !== undefined) credentials += 1;
    const page = `http://${incoming.headers.host}${incoming.url}`;
    outgoing.writeHead(200, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify({ items: [], paging: { next: page, previous: page } }));
  });
  return { ...server, received: () => ({ requests, credentials }) };
}
