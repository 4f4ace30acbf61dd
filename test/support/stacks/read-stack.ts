import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { deliveredEvent } from '../fixtures/webhooks.ts';
import { drained, postWebhook, RECONCILE_ON_CALL, startTestStack } from './local-stack.ts';
import { whileBusy } from './patience.ts';

/** The origin that `dev` allows. */
export const ORIGIN = 'http://localhost:5173';

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: responses of many shapes, held by the assertions
  body: any;
}

/** Starts a local stack for tests of the read API, with helpers to post and to read. */
export async function startReadStack(overlay: Record<string, unknown> = {}, apiKey?: string) {
  const stack = await startTestStack({
    // Deliveries need published changes.
    ...(overlay.receivers !== undefined && { publish: { recipients: true } }),
    ...(apiKey !== undefined && { reconcile: { ...RECONCILE_ON_CALL, apiKey } }),
    // Tests send more requests than people do.
    overlay: { throttle: { read: { ratePerSecond: 5000, burst: 5000 } }, ...overlay },
  });
  const { ready } = stack;

  /** Posts events as webhooks and waits until they are stored. */
  async function store(...events: JsonObject[]): Promise<void> {
    for (const event of events) {
      const status = await postWebhook(stack, event);
      if (status !== 200) throw new Error(`ingest returned ${status}`);
    }
    await drained(stack);
  }

  /** Sends a request as a page on the allowed origin does, with the token unless `headers` say otherwise. */
  async function request(path: string, { headers, ...init }: RequestInit = {}): Promise<Reply> {
    const response = await fetch(ready.apiUrl + path, {
      ...init,
      headers: { origin: ORIGIN, authorization: `Bearer ${ready.apiToken}`, ...(headers as Record<string, string>) },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  }

  /** As `request`, a few times more while the API is busy. */
  const read = (path: string, init?: RequestInit): Promise<Reply> => whileBusy(() => request(path, init));

  return {
    stack,
    ready,
    store,
    request,
    read,
    get: (path: string, headers = {}) => read(path, { headers }),
    search: (body: unknown) =>
      read('/mailgun/events/search', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    stop: () => stack.stop(),
  };
}

export type ReadStack = Awaited<ReturnType<typeof startReadStack>>;

/** Returns a delivered event of a message with a new id. */
export const eventOf = (messageId: string, over: Record<string, unknown> = {}): JsonObject =>
  deliveredEvent({ id: randomUUID(), message: { headers: { 'message-id': messageId } }, ...over });
