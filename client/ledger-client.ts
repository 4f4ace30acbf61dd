import { ROUTES } from '../lambdas/contract.ts';
import {
  type EntryOf,
  type Operation,
  PAGED,
  PATHS,
  type PagedOperation,
  type QueryOf,
  type Responses,
} from './operations.ts';
import { createResponseCache } from './response-cache.ts';
import { type Reply, type RetryOptions, send } from './retry.ts';

export * from './errors.ts';
export type * from './operations.ts';

export interface LedgerClientOptions extends RetryOptions {
  /** Output `ApiUrl` of the stack. */
  readonly url: string;
  /** The token of the read API, or a JWT; a function is called for every request, so that a token may rotate. */
  readonly token: string | (() => string | Promise<string>);
  /** Number of responses cached for revalidation by ETag; 0 disables the cache. @default 100 */
  readonly maxCachedResponses?: number;
}

export interface CallOptions {
  /** Ends the call, a wait before a retry included. */
  readonly signal?: AbortSignal;
}

const MAX_CACHED_RESPONSES = 100;

/** Reads a ledger's API. Every method throws a LedgerApiError for a response that is not 200. */
export class LedgerClient {
  readonly #options: LedgerClientOptions;
  readonly #base: string;
  readonly #cache: ReturnType<typeof createResponseCache>;

  constructor(options: LedgerClientOptions) {
    // A path of the base URL is kept.
    this.#base = new URL(options.url).href.replace(/\/$/, '') + ROUTES.read;
    this.#options = options;
    this.#cache = createResponseCache(options.maxCachedResponses ?? MAX_CACHED_RESPONSES);
  }

  /** Reads the status and events of one message: one page. An unknown message has the reason `unknown-message`. */
  getMessage = (query: QueryOf<'getMessage'>, options?: CallOptions) => this.read('getMessage', query, options);
  /** Reads the messages of one recipient, newest first: one page. */
  getRecipient = (query: QueryOf<'getRecipient'>, options?: CallOptions) => this.read('getRecipient', query, options);
  /** Reads the mail of a domain by message and recipient, those accepted last first: one page. */
  listMails = (query: QueryOf<'listMails'>, options?: CallOptions) => this.read('listMails', query, options);
  /** Reads the events of a domain, newest first: one page. */
  listEvents = (query: QueryOf<'listEvents'>, options?: CallOptions) => this.read('listEvents', query, options);
  /** Reads the events of a recipient or a domain, without an address in any URL: one page. */
  searchEvents = (query: QueryOf<'searchEvents'>, options?: CallOptions) => this.read('searchEvents', query, options);
  /** Reads what was stored since the page before: one page, whose `next` there always is. */
  tailEvents = (query: QueryOf<'tailEvents'> = {}, options?: CallOptions) => this.read('tailEvents', query, options);
  /** Reads whether a mail to an address should not be sent. */
  getSuppressions = (query: QueryOf<'getSuppressions'>, options?: CallOptions) =>
    this.read('getSuppressions', query, options);
  /** Reads of up to 1,000 addresses whether a mail to them should not be sent. */
  checkSuppressions = (query: QueryOf<'checkSuppressions'>, options?: CallOptions) =>
    this.read('checkSuppressions', query, options);
  /** Reads the suppressions of a domain that are in force, kind by kind: one page. */
  listSuppressions = (query: QueryOf<'listSuppressions'>, options?: CallOptions) =>
    this.read('listSuppressions', query, options);
  /** Reads the ledger: listed and stored events, slice by slice. */
  getLedger = (query: QueryOf<'getLedger'>, options?: CallOptions) => this.read('getLedger', query, options);
  /** Reads events by hour, tag and type. */
  getStats = (query: QueryOf<'getStats'>, options?: CallOptions) => this.read('getStats', query, options);
  /** Reads the state of each receiver, with the outcomes of its deliveries. */
  getReceivers = (query: QueryOf<'getReceivers'> = {}, options?: CallOptions) =>
    this.read('getReceivers', query, options);
  /** Reads the delivery log of a receiver, newest first: one page. */
  listDeliveries = (query: QueryOf<'listDeliveries'>, options?: CallOptions) =>
    this.read('listDeliveries', query, options);
  /** Reads the report of the mail sent under a tag. */
  getCampaign = (query: QueryOf<'getCampaign'>, options?: CallOptions) => this.read('getCampaign', query, options);
  /** Reads the state of the pipeline. */
  getHealth = (options?: CallOptions) => this.read('getHealth', {}, options);

  /**
   * Yields one page after the other, which together hold what was there when the walk began. An entry comes again where
   * what it shows goes on: a recipient of a message whose counts are not complete, an event that was corrected in a tail.
   */
  async *pages<Name extends PagedOperation>(
    operation: Name,
    query: QueryOf<Name>,
    options?: CallOptions,
  ): AsyncGenerator<Responses[Name], void, undefined> {
    for (let cursor: string | undefined; ; ) {
      const page: Responses[Name] = await this.read(
        operation,
        cursor === undefined ? query : { ...query, cursor },
        options,
      );
      yield page;
      if (page.next === null) return;
      cursor = page.next;
    }
  }

  /** Yields the entries of all pages: events, the messages of a recipient, or deliveries. */
  async *entries<Name extends PagedOperation>(
    operation: Name,
    query: QueryOf<Name>,
    options?: CallOptions,
  ): AsyncGenerator<EntryOf<Name>, void, undefined> {
    for await (const page of this.pages(operation, query, options)) {
      yield* (page as unknown as Record<string, EntryOf<Name>[]>)[PAGED[operation]] ?? [];
    }
  }

  /** Reads one response of an operation. */
  async read<Name extends Operation>(
    operation: Name,
    query: QueryOf<Name>,
    { signal }: CallOptions = {},
  ): Promise<Responses[Name]> {
    const [method, path] = PATHS[operation];
    const parameters = Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== undefined);
    if (method === 'POST') {
      const body = JSON.stringify(Object.fromEntries(parameters));
      return JSON.parse((await this.#send(this.#base + path, { method, body }, signal)).text);
    }
    const text = queryText(parameters);
    return JSON.parse(await this.#get(this.#base + path + text, signal));
  }

  async #get(url: string, signal: AbortSignal | undefined): Promise<string> {
    const cached = this.#cache.get(url);
    const { status, etag, text } = await this.#send(url, { ...(cached && { etag: cached.etag }) }, signal);
    if (status === 304 && cached !== undefined) return cached.text;
    if (etag !== undefined) this.#cache.put(url, { etag, text });
    return text;
  }

  async #send(
    url: string,
    { method = 'GET', body, etag }: { method?: string; body?: string; etag?: string },
    signal: AbortSignal | undefined,
  ): Promise<Reply> {
    const { token } = this.#options;
    const request = async (): Promise<RequestInit> => ({
      method,
      headers: {
        authorization: `Bearer ${typeof token === 'string' ? token : await token()}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(etag !== undefined && { 'if-none-match': etag }),
      },
      ...(body !== undefined && { body }),
      // The token is for this host alone.
      redirect: 'error',
    });
    return send(url, request, this.#options, signal);
  }
}

/** Returns the query string; a list repeats its parameter. */
function queryText(parameters: readonly (readonly [string, unknown])[]): string {
  const pairs = parameters.flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, textOf(each)]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

const textOf = (value: unknown) => (value instanceof Date ? value.toISOString() : String(value));
