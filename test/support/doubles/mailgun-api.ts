import { startMailgunApi } from '../../../tools/mailgun-twin/api/mailgun-api.ts';
import { EventLog } from '../../../tools/mailgun-twin/listings/event-log.ts';
import { createRandom } from '../../../tools/mailgun-twin/random.ts';
import type { EventData } from '../../../tools/mailgun-twin/traffic/event-parts.ts';

export const API_KEY = 'key-of-the-api';
export const API_DOMAIN = 'mg.example.com';
/** Time of the first `delivered` event, and the API's current time. */
export const BEGAN = 1_790_000_000;
export const NOW_SECONDS = BEGAN + 100_000;

/** Returns the nth event; events are a tenth of a second apart. */
export const delivered = (nth: number): EventData => ({
  event: nth % 2 === 0 ? 'delivered' : 'opened',
  id: `event-${nth}`,
  timestamp: BEGAN + nth / 10 + 0.000_123,
  recipient: 'ada@north.example',
  domain: { name: API_DOMAIN },
  'user-variables': { order: 7 },
  storage: { key: 'k', url: 'https://storage.example/k' },
});

/** Starts the twin's API with a log of its own; the caller closes it. */
export async function startTestApi(events = 0) {
  const log = new EventLog();
  for (let nth = 0; nth < events; nth += 1) log.add(API_DOMAIN, delivered(nth));
  const clock = { seconds: NOW_SECONDS };
  const api = await startMailgunApi({
    log,
    apiKey: API_KEY,
    account: { signingKey: 'key-of-the-account' },
    domains: [API_DOMAIN, 'eu.example.com'],
    random: createRandom(1),
    nowMs: () => clock.seconds * 1000,
  });
  const authorization = `Basic ${Buffer.from(`api:${API_KEY}`).toString('base64')}`;

  async function get(
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; headers: Headers; json: ResponseBody }> {
    const url = path.startsWith('http') ? path : api.url + path;
    const response = await fetch(url, { ...init, headers: { authorization, ...init.headers } });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** Reads all events of a listing, until a page is empty, as Mailgun documents. */
  async function readAll(query: string, pagesAtMost = 1000): Promise<EventData[]> {
    const found: EventData[] = [];
    for (let url = `/v3/${API_DOMAIN}/events?${query}`, pages = 0; pages < pagesAtMost; pages += 1) {
      const { json } = await get(url);
      if (json.items.length === 0) break;
      found.push(...json.items);
      url = json.paging.next;
    }
    return found;
  }

  const logs = (body: object) => get('/v1/analytics/logs', { method: 'POST', body: JSON.stringify(body) });
  return { ...api, log, clock, get, readAll, logs };
}

// biome-ignore lint/suspicious/noExplicitAny: responses of two APIs, held by the assertions
type ResponseBody = any;

export type TestApi = Awaited<ReturnType<typeof startTestApi>>;
