import { isObject, type JsonObject, parseJson } from '../../domain/json.ts';
import { ListingError } from '../../reconcile/ports.ts';

/** The settings by which a function reaches Mailgun's APIs. */
export interface MailgunAccess {
  /** Base URL in place of Mailgun's own. */
  baseUrl?: string | undefined;
  apiKey: () => Promise<string | undefined>;
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
  /** Called with every reply whose headers announce the end of the API. */
  onDeprecated?: ((facts: { path: string; deprecation?: string; sunset?: string }) => void) | undefined;
}

/** Mailgun's API, by the region of a domain. */
export const MAILGUN_URLS = { us: 'https://api.mailgun.net', eu: 'https://api.eu.mailgun.net' };

const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_REQUEST_MS = 20_000;
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 60_000;

/** Returns the base URL of a region, without a slash at the end. */
export function baseUrlOf(access: MailgunAccess, region: 'us' | 'eu'): string {
  return (access.baseUrl ?? MAILGUN_URLS[region]).replace(/\/$/, '');
}

/**
 * Sends one request to Mailgun with an API key. A redirect is returned, not followed: it would carry the key to wherever
 * it points.
 */
export function sendRequest(apiKey: string | undefined, url: string, init: RequestInit, timeoutMs: number) {
  const authorization = `Basic ${Buffer.from(`api:${apiKey}`).toString('base64')}`;
  const signal = AbortSignal.timeout(timeoutMs);
  return fetch(url, { ...init, headers: { ...init.headers, authorization }, redirect: 'manual', signal });
}

interface CallOptions {
  /** Epoch milliseconds after which a reply is of no use. */
  deadlineMs: number;
  /** Returned in place of a 404. */
  absent?: JsonObject | undefined;
  /** Called for every 429. */
  onRateLimited?: (() => void) | undefined;
  /** Maximum number of attempts. @default limited only by time */
  maxAttempts?: number | undefined;
}

/**
 * Returns one JSON object from Mailgun. Retries 429, 5xx, timeouts and truncated responses while there is time; a 404
 * too, unless `absent` is given for it or the response says that the domain is unknown. Throws a `ListingError`.
 */
export async function requestMailgun(
  access: MailgunAccess,
  url: string,
  init: RequestInit,
  { deadlineMs, absent, onRateLimited, maxAttempts = Number.POSITIVE_INFINITY }: CallOptions,
): Promise<JsonObject> {
  const apiKey = await access.apiKey();
  for (let attempt = 0; ; attempt += 1) {
    const result = await tryOnce(access, (timeoutMs) => sendRequest(apiKey, url, init, timeoutMs), deadlineMs, absent);
    if (result.kind === 'replied') return result.body;
    if (result.kind === 'refused') throw new ListingError(result.reason, { cause: result.cause });
    if (result.reason === 'rate-limited') onRateLimited?.();
    const waitMs = result.waitMs ?? Math.min(FIRST_WAIT_MS * 2 ** attempt, MAX_WAIT_MS);
    const isLast = attempt + 1 >= maxAttempts || access.now() + waitMs >= deadlineMs;
    if (isLast) throw new ListingError(result.reason, { cause: result.cause });
    await access.sleep(waitMs);
  }
}

type AttemptResult =
  | { kind: 'replied'; body: JsonObject }
  | { kind: 'refused'; reason: ListingError['reason']; cause?: unknown }
  | { kind: 'retry'; reason: ListingError['reason']; waitMs?: number | undefined; cause?: unknown };

async function tryOnce(
  access: MailgunAccess,
  send: (timeoutMs: number) => Promise<Response>,
  deadlineMs: number,
  absent: JsonObject | undefined,
): Promise<AttemptResult> {
  const timeLeftMs = deadlineMs - access.now();
  if (timeLeftMs <= 0) return { kind: 'refused', reason: 'unavailable' };
  try {
    // A timeout of fractions, which the shares of several domains have, would throw.
    const response = await send(Math.ceil(Math.min(MAX_REQUEST_MS, timeLeftMs)));
    reportDeprecation(access, response);
    const refusal = judgeStatus(response, access.now());
    if (refusal !== undefined) {
      if (response.status !== 404) {
        await response.body?.cancel();
        return refusal;
      }
      if (absent === undefined && (await isUnknownDomain(response))) {
        return { kind: 'refused', reason: 'domain-not-found', cause: new Error('Mailgun has no such domain here') };
      }
      return absent === undefined ? refusal : { kind: 'replied', body: absent };
    }
    const text = await cappedText(response, MAX_RESPONSE_BYTES);
    if (text === undefined) return { kind: 'refused', reason: 'too-large' };
    const body: unknown = parseJson(text);
    return isObject(body) ? { kind: 'replied', body } : { kind: 'refused', reason: 'malformed' };
  } catch (cause) {
    // The parser's own message quotes what it read.
    if (cause instanceof SyntaxError) return { kind: 'retry', reason: 'malformed' };
    return { kind: 'retry', reason: 'unavailable', cause };
  }
}

function reportDeprecation({ onDeprecated }: MailgunAccess, { url, headers }: Response): void {
  const [deprecation, sunset] = [headers.get('deprecation'), headers.get('sunset')];
  if (deprecation === null && sunset === null) return;
  onDeprecated?.({
    path: new URL(url).pathname,
    ...(deprecation !== null && { deprecation }),
    ...(sunset !== null && { sunset }),
  });
}

/** Returns true if Mailgun does not know the domain in this region, so that a retry is pointless. */
async function isUnknownDomain(response: Response): Promise<boolean> {
  return /domain not found/i.test((await cappedText(response, MAX_ERROR_BYTES)) ?? '');
}

function judgeStatus({ status, headers }: Response, nowMs: number): AttemptResult | undefined {
  if (status === 200) return undefined;
  const cause = new Error(`Mailgun replied with ${status}`);
  if (status === 429) return { kind: 'retry', reason: 'rate-limited', waitMs: requestedWaitMs(headers, nowMs), cause };
  // Mailgun documents a 404 as temporary in its eventually consistent system.
  if (status >= 500 || status === 404 || status === 408) {
    return { kind: 'retry', reason: 'unavailable', waitMs: requestedWaitMs(headers, nowMs), cause };
  }
  if (status >= 300 && status < 400) return { kind: 'refused', reason: 'redirected', cause };
  if (status === 401 || status === 403) return { kind: 'refused', reason: 'unauthorized', cause };
  if (status === 410) return { kind: 'refused', reason: 'discontinued', cause };
  return { kind: 'refused', reason: status === 400 ? 'out-of-retention' : 'refused', cause };
}

const MS_FROM = 1e11;

/**
 * Returns the longer of `Retry-After` (seconds or a date) and `X-RateLimit-Reset` (epoch seconds or milliseconds),
 * capped.
 */
export function requestedWaitMs(headers: Headers, nowMs: number): number | undefined {
  const after = headers.get('retry-after')?.trim() ?? '';
  const afterMs = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - nowMs;
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  const resetMs = (reset > MS_FROM ? reset : reset * 1000) - nowMs;
  const waits = [afterMs, resetMs].filter((ms) => Number.isFinite(ms) && ms >= 0);
  return waits.length === 0 ? undefined : Math.min(Math.max(...waits), MAX_WAIT_MS);
}

/** Returns the text of a response; undefined where it is longer than that many bytes. */
export async function cappedText(response: Response, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
