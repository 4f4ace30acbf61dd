import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import { type ServedPage, servePage, startBrowser, type TestBrowser } from '../../../support/pages/browser.ts';
import { eventOf, type ReadStack, startReadStack } from '../../../support/stacks/read-stack.ts';

// What a page in a real browser can do with the API, and what the browser denies it.

const MESSAGE = `${randomUUID()}@${DOMAIN}`;
const RECIPIENT = 'ada@north.example';

let browser: TestBrowser;
let home: ServedPage;
let foreign: ServedPage;
let plain: ReadStack;
let withCredentials: ReadStack;

beforeAll(async () => {
  [home, foreign] = await Promise.all([servePage(), servePage()]);
  const origins = [home.origin];
  [browser, plain, withCredentials] = await Promise.all([
    startBrowser(),
    startReadStack({ origins }),
    startReadStack({ origins, readApi: { credentials: true } }),
  ]);
  for (const api of [plain, withCredentials]) {
    await api.store(...[1, 2, 3].map((n) => eventOf(MESSAGE, { recipient: RECIPIENT, timestamp: 1_770_000_000 + n })));
  }
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), plain?.stop(), withCredentials?.stop()]);
  home?.close();
  foreign?.close();
}, 30_000);

interface PageRequest {
  path: string;
  token?: string;
  method?: string;
  body?: string;
  headers?: Record<string, string>;
  credentials?: 'omit' | 'include';
}

/** Returns what script on the page sees of a response; `blocked` if the browser denies it. */
async function fetchFrom(page: Page, api: ReadStack, { path, token = api.ready.apiToken, ...init }: PageRequest) {
  return page.evaluate(
    async ({ url, token, init }) => {
      try {
        const response = await fetch(url, {
          ...init,
          headers: { authorization: `Bearer ${token}`, ...init.headers },
          cache: 'no-store',
        });
        const text = await response.text();
        return {
          status: response.status,
          etag: response.headers.get('etag'),
          link: response.headers.get('link'),
          body: text === '' ? null : JSON.parse(text),
        };
      } catch (error) {
        return { blocked: String(error) };
      }
    },
    { url: api.ready.apiUrl + path, token, init },
  );
}

const BLOCKED = { blocked: 'TypeError: Failed to fetch' };

/** Returns the browser's messages about blocked requests. */
function complaintsOf(page: Page): string[] {
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  return said;
}
const CORS_POLICY = expect.stringContaining('blocked by CORS policy');

describe.each(['omit', 'include'] as const)('a page on the allowed origin, credentials: %s', (credentials) => {
  let page: Page;
  let api: ReadStack;
  beforeAll(async () => {
    page = await browser.open(home.origin);
    api = credentials === 'include' ? withCredentials : plain;
  });
  afterAll(() => page?.close());
  const get = (path: string, more: Partial<PageRequest> = {}) => fetchFrom(page, api, { path, credentials, ...more });

  test('reads a message with its entity tag', async () => {
    const response = await get(`/mailgun/messages/${MESSAGE}`);
    expect(response).toMatchObject({ status: 200, body: { messageId: MESSAGE, next: null } });
    expect(response.etag).toMatch(/^"[\w-]+"$/);
  });

  test('sends conditional requests', async () => {
    const { etag } = await get(`/mailgun/messages/${MESSAGE}`);
    const again = await get(`/mailgun/messages/${MESSAGE}`, { headers: { 'if-none-match': etag ?? '' } });
    expect(again).toEqual({ status: 304, etag, link: null, body: null });
  });

  test('follows the Link header to the next page', async () => {
    const keys: string[] = [];
    for (let path: string | undefined = `/mailgun/messages/${MESSAGE}?limit=1`; path !== undefined; ) {
      const response: Awaited<ReturnType<typeof fetchFrom>> = await get(path);
      keys.push(...response.body.events.map(({ key }: { key: string }) => key));
      path = /^<(.+)>; rel="next"$/.exec(response.link ?? '')?.[1];
    }
    expect([keys.length, new Set(keys).size]).toEqual([3, 3]);
  });

  test('searches events by a POST', async () => {
    const response = await get('/mailgun/events/search', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ recipient: RECIPIENT }),
    });
    expect(response).toMatchObject({ status: 200, body: { events: [{}, {}, {}], next: null } });
  });

  test.each([
    [401, { path: `/mailgun/messages/${MESSAGE}`, token: 'wrong' }, { reason: 'unauthorized' }],
    [400, { path: '/mailgun/messages' }, { reason: 'bad-parameter', parameter: 'id' }],
    [404, { path: '/mailgun/messages?id=unknown' }, { reason: 'unknown-message' }],
    [405, { path: '/mailgun/events', method: 'POST' }, { reason: 'method-not-allowed' }],
  ])('reads why it got a %d', async (status, { path, ...request }: PageRequest, body) => {
    expect(await get(path, request)).toMatchObject({ status, body });
  });
});

test('the browser refuses credentials that the API does not allow', async () => {
  const page = await browser.open(home.origin);
  const said = complaintsOf(page);
  expect(await fetchFrom(page, plain, { path: '/mailgun/ledger', credentials: 'include' })).toEqual(BLOCKED);
  expect(said).toContainEqual(CORS_POLICY);
});

test.each(['omit', 'include'] as const)(
  'a page on a foreign origin is blocked, credentials: %s',
  async (credentials) => {
    const page = await browser.open(foreign.origin);
    for (const api of [plain, withCredentials]) {
      expect(await fetchFrom(page, api, { path: `/mailgun/messages/${MESSAGE}`, credentials })).toEqual(BLOCKED);
      const search = { path: '/mailgun/events/search', method: 'POST', body: '{}', credentials };
      expect(await fetchFrom(page, api, search)).toEqual(BLOCKED);
    }
  },
);

test('no page can post a webhook and read the response', async () => {
  const page = await browser.open(home.origin);
  const { origin, pathname } = new URL(plain.ready.webhookUrl);
  const api = { ...plain, ready: { ...plain.ready, apiUrl: origin } };
  const request = { path: pathname, method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
  const said = complaintsOf(page);
  expect(await fetchFrom(page, api, request)).toEqual(BLOCKED);
  expect(said).toContainEqual(CORS_POLICY);
});
