import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../lambdas/domain/canonical.ts';
import { type LocalStack, startLocalStack } from '../../local/local-stack.ts';
import { USUAL_RECONCILE } from '../../local/reconcile-choice.ts';
import { DOMAIN, deliveredEvent, signed } from './webhooks.ts';

/** The origin that `dev` allows. */
export const ORIGIN = 'http://localhost:5173';

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, held by the assertions
  body: any;
}

/** A local stack for tests of the read API: what is posted to it, and what it answers. */
export async function startReadStack(overlay: Record<string, unknown> = {}, apiKey?: string) {
  const key = `key-${randomUUID()}`;
  const stack: LocalStack = await startLocalStack({
    port: 0,
    domains: [DOMAIN],
    keys: { current: key },
    faults: [],
    seed: 1,
    ...(apiKey !== undefined && { reconcile: { ...USUAL_RECONCILE, apiKey } }),
    // Tests ask faster than people do.
    overlay: { throttle: { read: { ratePerSecond: 5000, burst: 5000 } }, ...overlay },
    phase: () => {},
  });
  const { ready } = stack;

  /** Posts events as webhooks and waits until they are stored. */
  async function store(...events: JsonObject[]): Promise<void> {
    for (const event of events) {
      const signature = signed(key, { timestamp: String(Math.floor(Date.now() / 1000)) });
      const answer = await fetch(ready.webhookUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ signature, 'event-data': event }),
      });
      if (answer.status !== 200) throw new Error(`ingest answered ${answer.status}`);
    }
    for (let calm = 0; calm < 2; await sleep(100)) {
      const { queue } = await stack.stats();
      calm = queue.visible + queue.inFlight === 0 ? calm + 1 : 0;
    }
  }

  /** A request as a page on the allowed origin would make it, with the token unless `headers` say otherwise. */
  async function request(path: string, { headers, ...init }: RequestInit = {}): Promise<Reply> {
    const response = await fetch(ready.apiUrl + path, {
      ...init,
      headers: { origin: ORIGIN, authorization: `Bearer ${ready.apiToken}`, ...(headers as Record<string, string>) },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  }

  return {
    stack,
    ready,
    store,
    request,
    get: (path: string, headers = {}) => request(path, { headers }),
    search: (body: unknown) =>
      request('/mailgun/events/search', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    stop: () => stack.stop(),
  };
}

export type ReadStack = Awaited<ReturnType<typeof startReadStack>>;

/** A delivered event of a message, with an id of its own. */
export const eventOf = (messageId: string, over: Record<string, unknown> = {}): JsonObject =>
  deliveredEvent({ id: randomUUID(), message: { headers: { 'message-id': messageId } }, ...over });
