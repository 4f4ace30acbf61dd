/** Reasons for a missing response. */
export type Failure =
  | { readonly kind: 'refused' }
  /** Offline, blocked by CORS, or refused by the gateway itself, whose responses carry no CORS headers. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'busy'; readonly retrySeconds: number }
  | { readonly kind: 'unknown'; readonly reason: string }
  /** The response has a form that this page does not know. */
  | { readonly kind: 'unexpected'; readonly reason: string }
  | { readonly kind: 'failed'; readonly status: number; readonly reason: string };

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.kind);
    this.failure = failure;
  }
}

export type QueryParameters = Readonly<Record<string, string | number | null | undefined>>;

export interface Api {
  /** Returns what a route below /mailgun holds; empty parameters are left out. Throws an ApiError, or the reason of `signal`. */
  get<T>(path: string, query?: QueryParameters): Promise<T>;
}

/** The wait without a `Retry-After`. */
const USUAL_RETRY_SECONDS = 5;
const MAX_RETRY_SECONDS = 120;
/** Longer than the gateway waits for the function. */
const RESPONSE_TIMEOUT_MS = 45_000;

export function createApi(apiUrl: string, token: string, signal: AbortSignal): Api {
  return {
    async get<T>(path: string, query: QueryParameters = {}): Promise<T> {
      const headers = { authorization: `Bearer ${token}` };
      const url = `${apiUrl}/mailgun${path}${queryText(query)}`;
      const waiting = new AbortController();
      const timer = setTimeout(() => waiting.abort(), RESPONSE_TIMEOUT_MS);
      try {
        const either = AbortSignal.any([signal, waiting.signal]);
        const response = await fetch(url, { headers, signal: either }).catch(unreachable);
        // The connection may also be lost within the body.
        if (response.ok) return checked<T>(await response.json().catch(unreachable));
        throw new ApiError(await failureOf(response));
      } finally {
        clearTimeout(timer);
      }
    },
  };

  function unreachable(error: unknown): never {
    if (signal.aborted) throw error;
    throw new ApiError({ kind: 'unreachable' });
  }
}

/** Returns undefined if the API refused the request as unknown or invalid; throws if it cannot be read. */
export const unlessUnfit = <T>(response: Promise<T>): Promise<T | undefined> =>
  unless(response, (failure) => failure.kind === 'unknown' || (failure.kind === 'failed' && failure.status < 500));

/** Returns undefined if the API refused or failed to return what the page can do without; throws if it reads nothing now. */
export const unlessFailed = <T>(response: Promise<T>): Promise<T | undefined> =>
  unless(response, ({ kind }) => kind === 'unknown' || kind === 'failed');

/** Returns undefined if it cannot be read, and passes the reason on; throws if the API refused the token. */
export const unlessUnreadable = <T>(
  response: Promise<T>,
  onFailure: (failure: Failure) => void,
): Promise<T | undefined> =>
  unless(response, (failure) => {
    if (failure.kind === 'refused') return false;
    onFailure(failure);
    return true;
  });

async function unless<T>(response: Promise<T>, isDispensable: (failure: Failure) => boolean): Promise<T | undefined> {
  try {
    return await response;
  } catch (error) {
    if (error instanceof ApiError && isDispensable(error.failure)) return undefined;
    throw error;
  }
}

function checked<T>(body: unknown): T {
  if (typeof body === 'object' && body !== null) return body as T;
  throw new ApiError({ kind: 'unexpected', reason: 'no object' });
}

function queryText(query: QueryParameters): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

async function failureOf(response: Response): Promise<Failure> {
  const { status } = response;
  if (status === 401 || status === 403) return { kind: 'refused' };
  if (status === 429 || status === 503) {
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    const given = Number.isFinite(seconds) && seconds >= 1;
    return { kind: 'busy', retrySeconds: given ? Math.min(seconds, MAX_RETRY_SECONDS) : USUAL_RETRY_SECONDS };
  }
  const body = (await response.json().catch(() => ({}))) as { reason?: string; message?: string };
  const reason = body.message ?? body.reason ?? 'no reason given';
  return status === 404 ? { kind: 'unknown', reason } : { kind: 'failed', status, reason };
}
