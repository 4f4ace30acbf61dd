import { mock } from 'node:test';
import Mailgun from 'mailgun.js';
import {
  API_DOMAIN,
  API_KEY,
  BEGAN,
  delivered,
  NOW_SECONDS,
  startTestApi,
  type TestApi,
} from '../../../support/doubles/mailgun-api.ts';

let api: TestApi;
afterEach(() => api.close());

const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);
const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, nth) => `event-${from + nth}`);
const WINDOW = `begin=${BEGAN}&end=${BEGAN + 1000}`;
const rfc2822 = (epochSeconds: number) => new Date(epochSeconds * 1000).toUTCString();
const BY_DOMAIN = {
  AND: [{ attribute: 'domain', comparator: '=', values: [{ label: API_DOMAIN, value: API_DOMAIN }] }],
};

describe('the Events API', () => {
  test('lists a window in either direction, page by page, until an empty page', async () => {
    api = await startTestApi(700);

    expect(idsOf(await api.readAll(`${WINDOW}&ascending=yes&limit=300`))).toEqual(ids(0, 700));
    expect(idsOf(await api.readAll(`begin=${BEGAN + 1000}&end=${BEGAN}&limit=300`))).toEqual(ids(0, 700).reverse());
  });

  test('includes both ends of a window, as epochs with a fraction or dates of RFC 2822', async () => {
    api = await startTestApi(30);

    expect(idsOf(await api.readAll(`begin=${BEGAN}.100123&end=${BEGAN}.300123`))).toEqual(ids(1, 4));
    const [begin, end] = [rfc2822(BEGAN + 1), rfc2822(BEGAN + 2)].map(encodeURIComponent);
    expect(idsOf(await api.readAll(`begin=${begin}&end=${end}`))).toEqual(ids(10, 20));
  });

  test('without an end lists later events on its last page', async () => {
    api = await startTestApi(2);
    const { json: first } = await api.get(`/v3/${API_DOMAIN}/events?begin=${BEGAN}&ascending=yes`);
    const { json: empty } = await api.get(first.paging.next);
    api.log.add(API_DOMAIN, delivered(2));

    const { json: later } = await api.get(empty.paging.next);

    expect([first, empty, later].map(({ items }) => items.length)).toEqual([2, 0, 1]);
    expect(idsOf((await api.get(later.paging.previous)).json.items)).toEqual(ids(0, 2));
  });

  test('filters by type and knows each domain’s own events', async () => {
    api = await startTestApi(4);

    expect(idsOf(await api.readAll(`${WINDOW}&event=opened`))).toEqual(['event-1', 'event-3']);
    expect(idsOf(await api.readAll(`${WINDOW}&event=${encodeURIComponent('opened OR delivered')}`))).toHaveLength(4);
    expect((await api.get('/v3/eu.example.com/events')).json.items).toEqual([]);
    expect((await api.get('/v3/other.example.com/events')).status).toBe(404);
  });

  test.each([
    { query: `begin=${BEGAN}`, message: 'ascending is needed where end is not given' },
    { query: `begin=${BEGAN + 1}&end=${BEGAN}&ascending=yes`, message: 'ascending contradicts begin and end' },
    { query: 'limit=301', message: 'limit must be from 1 to 300' },
    { query: 'begin=yesterday&ascending=yes', message: 'begin is neither an epoch nor an RFC 2822 date' },
    { query: 'colour=red', message: 'the twin does not know the filter colour' },
  ])('$query is refused: $message', async ({ query, message }) => {
    api = await startTestApi();

    expect(await api.get(`/v3/${API_DOMAIN}/events?${query}`)).toMatchObject({ status: 400, json: { message } });
  });

  test('a wrong key gets a 401', async () => {
    api = await startTestApi();

    expect((await api.get(`/v3/${API_DOMAIN}/events`, { headers: { authorization: 'Basic YTpi' } })).status).toBe(401);
    expect(api.counts().calls).toBe(1);
  });

  test('a hundred thousand events are read through pages of the same size', async () => {
    api = await startTestApi(100_000);

    const all = await api.readAll(`begin=${BEGAN}&end=${NOW_SECONDS}&limit=300`);

    expect(idsOf(all)).toEqual(ids(0, 100_000));
    expect(api.counts().calls).toBe(Math.ceil(100_000 / 300) + 1);
  }, 60_000);
});

describe('the Logs API', () => {
  test('shows the same events in its own format, page by page until there is no token', async () => {
    api = await startTestApi(150);
    const query = { start: rfc2822(BEGAN), end: rfc2822(BEGAN + 100), filter: BY_DOMAIN };
    const page = async (token?: string) =>
      (await api.logs({ ...query, pagination: { sort: 'timestamp:asc', limit: 100, token } })).json;

    const first = await page();
    const second = await page(first.pagination.next);
    const third = await page(second.pagination.next);

    expect(idsOf([...first.items, ...second.items])).toEqual(ids(0, 150));
    expect(third).toMatchObject({ items: [], pagination: { previous: expect.any(String) } });
    expect(third.pagination).not.toHaveProperty('next');
    expect(first.items[1]).toMatchObject({
      '@timestamp': '2026-09-21T14:13:20.100Z',
      'user-variables': '{"order":7}',
      storage: { url: ['https://storage.example/k'] },
      domain: { name: API_DOMAIN },
    });
    expect(first.items[1]).not.toHaveProperty('timestamp');
  });

  test.each([
    { body: { pagination: { limit: 101 } }, message: 'limit must be from 1 to 100' },
    { body: { pagination: { token: 'abc' } }, message: 'the token belongs to another query' },
    { body: { filter: { AND: [{ attribute: 'colour' }] } }, message: /a condition that cannot be met/ },
    { body: { duration: 'long' }, message: 'duration is a number with m, h or d' },
    { body: { colour: 'red' }, message: 'the twin does not know the field colour' },
  ])('$body is refused: $message', async ({ body, message }) => {
    api = await startTestApi();

    const { status, json } = await api.logs(body);
    expect([status, json.message]).toEqual([400, expect.stringMatching(message)]);
  });
});

test('Mailgun’s own client reads the same events from both', async () => {
  api = await startTestApi(250);
  // It warns at every call that the Events API is deprecated.
  mock.method(console, 'warn', () => {});
  const client = new Mailgun(FormData).client({ username: 'api', key: API_KEY, url: api.url });

  const fromEvents: unknown[] = [];
  let page: string | undefined;
  for (;;) {
    const query = { begin: String(BEGAN), end: String(BEGAN + 100), ascending: 'yes' as const, limit: 100 };
    const listed = await client.events.get(API_DOMAIN, page === undefined ? query : { page });
    if (listed.items.length === 0) break;
    fromEvents.push(...listed.items);
    page = listed.pages.next?.page;
  }
  const window = { start: new Date(BEGAN * 1000), end: new Date((BEGAN + 100) * 1000), filter: BY_DOMAIN };
  const fromLogs: { id: string }[] = [];
  let token: string | undefined;
  do {
    const listed = await client.logs.list({
      ...window,
      pagination: { sort: 'timestamp:asc', limit: 100, token } as object,
    });
    fromLogs.push(...listed.items);
    token = listed.pagination.next;
  } while (token !== undefined);

  expect(fromEvents).toEqual(Array.from({ length: 250 }, (_, nth) => delivered(nth)));
  expect(idsOf(fromLogs)).toEqual(ids(0, 250));
});

test("the account's signing key is readable with the API key, and replaced at once", async () => {
  api = await startTestApi();
  const path = '/v5/accounts/http_signing_key';
  const key = async (method: string) => (await api.get(path, { method })).json.http_signing_key;
  expect(await key('GET')).toBe('key-of-the-account');
  const fresh = await key('POST');
  expect(fresh).toMatch(/^key-[0-9a-f]{32}$/);
  expect(await key('GET')).toBe(fresh);
  expect((await api.get(path, { headers: { authorization: 'Basic bm8=' } })).status).toBe(401);
});
