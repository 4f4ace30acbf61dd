import { LedgerApiError } from './errors.ts';

export interface RetryOptions {
  /** Maximum number of attempts if the API is throttled, unavailable or unreachable. @default 4 */
  readonly maxAttempts?: number;
  /** A longer `Retry-After` is not waited for: it is in the error. @default 60 */
  readonly maxWaitSeconds?: number;
  /** Timeout of one attempt. @default 30000 */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
  /** Returns 0 to 1. @default Math.random */
  readonly random?: () => number;
  /** Waits; rejects when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** A response whose whole body was read. */
export interface Reply {
  readonly status: number;
  readonly etag: string | undefined;
  readonly text: string;
}

const MAX_ATTEMPTS = 4;
const MAX_WAIT_SECONDS = 60;
const TIMEOUT_MS = 30_000;
const FIRST_BACKOFF_MS = 500;
/** All operations read, so each may be repeated. */
const RETRIED = [429, 500, 502, 503, 504];

/** Sends a request until the response is 200 or 304; throws a LedgerApiError, or the reason of the signal. */
export async function send(
  url: string,
  request: () => Promise<RequestInit>,
  options: RetryOptions,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  const { maxAttempts = MAX_ATTEMPTS, maxWaitSeconds = MAX_WAIT_SECONDS, random = Math.random, sleep = wait } = options;
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const result = await attemptOnce(url, await request(), options, signal);
    if (!(result instanceof LedgerApiError)) return result;
    const { status, retryAfterSeconds } = result;
    const mayPass = status === undefined || RETRIED.includes(status);
    if (!mayPass || attempt >= maxAttempts || (retryAfterSeconds ?? 0) > maxWaitSeconds) throw result;
    const backoffMs = FIRST_BACKOFF_MS * 2 ** (attempt - 1);
    // Jitter is added, never subtracted, so no request is sent earlier than the API asked.
    await sleep(Math.max(backoffMs, (retryAfterSeconds ?? 0) * 1000) + random() * backoffMs, signal);
  }
}

async function attemptOnce(
  url: string,
  request: RequestInit,
  { timeoutMs = TIMEOUT_MS, fetch: fetch_ = fetch }: RetryOptions,
  signal: AbortSignal | undefined,
): Promise<Reply | LedgerApiError> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch_(url, { ...request, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    const text = await response.text();
    const { status, headers } = response;
    if (status === 200 || status === 304) return { status, etag: headers.get('etag') ?? undefined, text };
    return errorOf(status, text, headers.get('retry-after'));
  } catch (cause) {
    signal?.throwIfAborted();
    return new LedgerApiError('unreachable', 'the read API does not respond', { cause });
  }
}

function errorOf(status: number, text: string, retryAfter: string | null): LedgerApiError {
  const body = bodyOf(text);
  const reason = body.reason ?? (status === 429 ? 'throttled' : `status-${status}`);
  const message = body.message ?? `the read API responded ${status}: ${reason}`;
  return new LedgerApiError(reason, message, {
    status,
    parameter: body.parameter,
    retryAfterSeconds: secondsOf(retryAfter),
  });
}

/** Parses an error body: the gateway's own ones have only a message, and a proxy's may not be JSON. */
function bodyOf(text: string): { reason?: string; message?: string; parameter?: string } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** Returns the seconds in `Retry-After`, which may be a number or a date. */
function secondsOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', stop);
    function done() {
      signal?.removeEventListener('abort', stop);
      resolve();
    }
    function stop() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
  });
}
