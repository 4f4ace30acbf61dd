/** Reasons for a missing response. */
export type Failure =
  | { readonly kind: 'refused' }
  /** Offline, blocked by CORS, or refused by the gateway itself, whose responses carry no CORS headers. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'busy'; readonly retrySeconds: number }
  | { readonly kind: 'unknown'; readonly reason: string }
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

export function createApi(apiUrl: string, token: string, signal: AbortSignal): Api {
  return {
    async get<T>(path: string, query: QueryParameters = {}): Promise<T> {
      const headers = { authorization: `Bearer ${token}` };
      const url = `${apiUrl}/mailgun${path}${queryText(query)}`;
      const response = await fetch(url, { headers, signal }).catch(unreachable);
      // The connection may also be lost within the body.
      if (response.ok) return (await response.json().catch(unreachable)) as T;
      throw new ApiError(await failureOf(response));
    },
  };

  function unreachable(error: unknown): never {
    if (signal.aborted) throw error;
    throw new ApiError({ kind: 'unreachable' });
  }
}

/** Returns undefined if the API refused the request as unknown or invalid; throws if nothing can be read now. */
export async function unlessUnfit<T>(response: Promise<T>): Promise<T | undefined> {
  try {
    return await response;
  } catch (error) {
    if (error instanceof ApiError && ['unknown', 'failed'].includes(error.failure.kind)) return undefined;
    throw error;
  }
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
