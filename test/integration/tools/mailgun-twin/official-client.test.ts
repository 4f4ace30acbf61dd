import type { IncomingHttpHeaders } from 'node:http';
import { mock } from 'node:test';
import Mailgun from 'mailgun.js';
import { type Listening, listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { openTwin } from '../../../../tools/mailgun-twin/open-twin.ts';
import {
  API_DOMAIN,
  API_KEY,
  BEGAN,
  delivered,
  NOW_SECONDS,
  startTestApi,
  type TestApi,
} from '../../../support/doubles/mailgun-api.ts';

// Mailgun's own client, used with the twin as with Mailgun.

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly event: { event: string; recipient: string };
}

let api: TestApi;
let receiver: Listening;
let received: Received[];
const calledOff = new AbortController();

beforeEach(async () => {
  mock.method(console, 'warn', () => {});
  received = [];
  receiver = await listenOnLoopback(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ path: request.url ?? '', headers: request.headers, event: JSON.parse(body)['event-data'] });
    response.writeHead(200).end('thanks');
  });
  api = await startTestApi();
});
afterEach(async () => {
  await Promise.all([api.close(), receiver.close()]);
});

const open = () => new Mailgun(FormData).client({ username: 'api', key: API_KEY, url: api.url });

/** Accepts mail like the local stack's twin; `settled` waits until all its events were posted. */
function takeMail() {
  const twin = openTwin(api, { eventLog: api.log, account: { signingKey: 'key' } }, calledOff.signal);
  api.takeMail(twin);
  return twin;
}

const mail = (to: string, over: object = {}) => ({
  from: `shop@${API_DOMAIN}`,
  to,
  subject: 'Your order',
  text: 'Hello',
  ...over,
});

test('a mail is posted to the URLs that are registered at that moment, as Mailgun would', async () => {
  const twin = takeMail();
  const client = open();
  await client.webhooks.create(API_DOMAIN, 'delivered', `${receiver.url}/old`, false);
  await client.webhooks.update(API_DOMAIN, 'delivered', [`${receiver.url}/new`, `${receiver.url}/copy`]);

  await client.messages.create(API_DOMAIN, mail('ada@example.org'));
  await twin.settled();

  expect(received.map(({ path, event }) => `${path} ${event.event}`).sort()).toEqual([
    '/copy delivered',
    '/new delivered',
  ]);
  expect(Object.keys(received[0]?.headers ?? {}).filter((name) => name.startsWith('sec-'))).toEqual([]);
  expect(received[0]?.headers).toMatchObject({ 'user-agent': 'mailgun/treq-24.9.1', accept: '*/*' });
});

test('redacted webhooks name no recipient, and the listing names it still', async () => {
  const twin = openTwin(
    api,
    { eventLog: api.log, account: { signingKey: 'key', redactsWebhooks: true } },
    calledOff.signal,
  );
  api.takeMail(twin);
  const client = open();
  await client.webhooks.create(API_DOMAIN, 'delivered', receiver.url, false);
  for (let nth = 0; nth < 20; nth += 1) await client.messages.create(API_DOMAIN, mail('ada@example.org'));
  await twin.settled();

  expect(new Set(received.map(({ event }) => event.recipient))).toEqual(new Set(['***', 'a***@***', undefined]));
  const { items } = await client.events.get(API_DOMAIN, { begin: String(NOW_SECONDS - 60), ascending: 'yes' });
  expect(new Set(items.map(({ recipient }) => recipient))).toEqual(new Set(['ada@example.org']));
});

test('nothing is posted after a webhook is removed', async () => {
  const twin = takeMail();
  const client = open();
  await client.webhooks.create(API_DOMAIN, 'delivered', receiver.url, false);
  await client.webhooks.destroy(API_DOMAIN, 'delivered');

  await client.messages.create(API_DOMAIN, mail('ada@example.org'));
  await twin.settled();

  expect(received).toEqual([]);
});

test('a test of a webhook posts the sample, and returns the response of the receiver', async () => {
  const result = await open().webhooks.create(API_DOMAIN, 'delivered', `${receiver.url}/test`, true);

  expect(result).toEqual({ code: 200, message: 'thanks' });
  expect(received).toMatchObject([{ path: '/test', event: { event: 'delivered', recipient: 'alice@example.com' } }]);
});

test('a wrong key is a plain 401', async () => {
  const client = new Mailgun(FormData).client({ username: 'api', key: 'wrong', url: api.url });
  await expect(client.webhooks.list(API_DOMAIN, {})).rejects.toMatchObject({ status: 401 });

  const { status, headers } = await api.get('/v1/webhooks', { headers: { authorization: 'Basic bm8=' } });
  expect([status, headers.get('content-type')]).toEqual([401, 'text/plain']);
});

/** Sends three mails: two receipts, one of them in test mode, and a newsletter. */
async function sendThree() {
  const twin = takeMail();
  const client = open();
  const send = async (to: string, over: object) => {
    api.clock.seconds += 1;
    return (await client.messages.create(API_DOMAIN, mail(to, over))).id ?? '';
  };
  const id = await send('ada@example.org', { 'o:tag': ['receipt'] });
  await send('bob@example.org', { 'o:tag': ['receipt'], 'o:testmode': 'yes' });
  await send('eve@example.org', { 'o:tag': ['news'], subject: 'Weekly digest' });
  await twin.settled();
  api.clock.seconds += 60;
  return { client, id };
}

const day = (offset: number) => new Date((NOW_SECONDS + offset * 86_400) * 1000);

test('events are found by each filter, with a begin as RFC 2822', async () => {
  const { client, id } = await sendThree();
  const find = async (query: object) => {
    const begin = `${day(-1).toUTCString().slice(0, 25)} -0000`;
    const { items } = await client.events.get(API_DOMAIN, { begin, ascending: 'yes', limit: 300, ...query });
    return items.map((item) => `${item.event} ${item.recipient.split('@')[0]}`);
  };

  expect(await find({ tags: 'receipt', event: 'delivered' })).toEqual(['delivered ada', 'delivered bob']);
  expect(await find({ tags: 'news OR other' })).toEqual(['accepted eve', 'delivered eve']);
  expect(await find({ recipient: 'Ada@example.org' })).toEqual(['accepted ada', 'delivered ada']);
  expect(await find({ 'message-id': id.replaceAll(/[<>]/g, '') })).toEqual(['accepted ada', 'delivered ada']);
  expect(await find({ subject: '"weekly digest"', event: 'NOT accepted' })).toEqual(['delivered eve']);
  expect(await find({ severity: 'permanent' })).toEqual([]);
  expect(await find({ from: 'shop AND NOT unknown', event: '(accepted OR failed)' })).toHaveLength(3);
  await expect(find({ event: '(delivered' })).rejects.toMatchObject({ status: 400 });
});

test('logs are found by their filters, counted, and read backwards from the last page', async () => {
  const { client } = await sendThree();
  const condition = (attribute: string, comparator: string, value: string) => ({
    attribute,
    comparator,
    values: [{ label: value, value }],
  });
  const { items, pagination } = await client.logs.list({
    start: day(-1),
    include_totals: true,
    events: ['delivered'],
    filter: { AND: [condition('domain', '=', API_DOMAIN), condition('tag', '!=', 'news')] },
    pagination: { sort: 'timestamp:asc', limit: 1 },
  });
  expect(items.map(({ recipient }) => recipient)).toEqual(['ada@example.org']);
  expect(pagination).toMatchObject({ total: 2, last: expect.any(String) });

  const body = {
    duration: '1d',
    end: '',
    events: ['delivered'],
    pagination: { sort: 'timestamp:asc', limit: 1 },
  };
  const { json: first } = await api.logs(body);
  const { json: last } = await api.logs({ ...body, pagination: { ...body.pagination, token: first.pagination.last } });
  expect(last.items).toMatchObject([{ recipient: 'eve@example.org' }]);

  // mailgun-java 2 sends this name, which has no effect.
  const { json: untotalled } = await api.logs({ ...body, includeTotals: true });
  expect(untotalled.pagination.total).toBeUndefined();
});

test('suppressions are added one by one and as a list, read page by page, and removed', async () => {
  const { suppressions } = open();
  const addresses = ['ada', 'bob', 'eve'].map((name) => ({ address: `${name}@example.org` }));
  await suppressions.create(API_DOMAIN, 'bounces', addresses);
  await suppressions.create(API_DOMAIN, 'unsubscribes', { address: 'ada@example.org', tag: 'news' });
  await suppressions.create(API_DOMAIN, 'unsubscribes', [{ address: 'bob@example.org', tags: ['news', 'offers'] }]);
  await suppressions.create(API_DOMAIN, 'complaints', { address: 'eve@example.org' });

  const read: string[] = [];
  let { items, pages } = await suppressions.list(API_DOMAIN, 'bounces', { limit: 2 });
  while (items.length > 0) {
    read.push(...items.map((item) => ('address' in item ? item.address : '')));
    ({ items, pages } = await suppressions.list(API_DOMAIN, 'bounces', { page: pages.next?.page ?? '' }));
  }
  expect(read).toEqual(['ada@example.org', 'bob@example.org', 'eve@example.org']);
  expect(await suppressions.get(API_DOMAIN, 'unsubscribes', 'bob@example.org')).toMatchObject({
    tags: ['news', 'offers'],
  });
  expect((await suppressions.list(API_DOMAIN, 'complaints', {})).items).toHaveLength(1);

  await suppressions.destroy(API_DOMAIN, 'bounces', 'bob@example.org');
  await expect(suppressions.get(API_DOMAIN, 'bounces', 'bob@example.org')).rejects.toMatchObject({ status: 404 });
  await suppressions.destroyAll(API_DOMAIN, 'bounces');
  expect((await suppressions.list(API_DOMAIN, 'bounces', {})).items).toEqual([]);
});

/** The client's generic request methods. */
interface AnyRequest {
  get(path: string): Promise<{ body: unknown }>;
  postWithFD(path: string, form: object): Promise<unknown>;
  delete(path: string, body: undefined, query: object): Promise<unknown>;
}

test('the account is read as reconciliation reads it: hours, webhooks of both levels, domains and keys', async () => {
  const { client } = await sendThree();
  const { items: hours } = await client.metrics.getAccount({
    start: day(-1),
    end: day(1),
    // Its type is an enum that the package does not export.
    resolution: 'hour' as never,
    dimensions: ['time'],
    metrics: ['delivered_count'],
    filter: { AND: [{ attribute: 'domain', comparator: '=', values: [{ label: API_DOMAIN, value: API_DOMAIN }] }] },
  });
  const delivered = hours.map(({ metrics }) => metrics.delivered_count ?? 0);
  expect(delivered.reduce((sum, count) => sum + count, 0)).toBe(3);

  // The client has no methods for webhooks by URL or of the account, but sends requests to any path.
  const { request, apiKeys } = client as unknown as {
    request: AnyRequest;
    apiKeys: { list(query: object): Promise<unknown> };
  };
  const hook = { url: 'https://own.example.com/', event_types: ['opened', 'clicked'] };
  await request.postWithFD(`/v4/domains/${API_DOMAIN}/webhooks`, hook);
  await request.postWithFD('/v1/webhooks', hook);
  expect(await client.webhooks.list(API_DOMAIN, {})).toMatchObject({ opened: { urls: [hook.url] } });
  expect((await request.get('/v1/webhooks')).body).toMatchObject({ webhooks: [hook] });
  await request.delete(`/v4/domains/${API_DOMAIN}/webhooks`, undefined, { url: hook.url });
  expect(await client.webhooks.list(API_DOMAIN, {})).toEqual({});

  expect((await client.domains.list()).map(({ name }) => name)).toEqual([API_DOMAIN, 'eu.example.com']);
  expect(await apiKeys.list({})).toMatchObject({ status: 200, totalCount: 0, items: [] });
});

test('failures are counted by their class, or refused as by a plan without that', async () => {
  const { bounceClassification } = open();
  for (const nth of [0, 1, 2]) {
    const failed = { event: 'failed', severity: 'permanent', reason: nth === 0 ? 'espblock' : 'bounce' };
    api.log.add(API_DOMAIN, { ...delivered(nth), ...failed });
  }
  const classes = () =>
    bounceClassification.list({
      start: new Date((BEGAN - 1) * 1000),
      end: new Date((BEGAN + 1) * 1000),
      dimensions: ['category'],
      metrics: ['classified_failures_count'],
      filter: { AND: [{ attribute: 'domain.name', comparator: '=', values: [{ label: 'd', value: API_DOMAIN }] }] },
      pagination: { limit: 50 },
    });
  expect((await classes()).items).toMatchObject([
    { category: 'espblock', metrics: { classified_failures_count: 1 } },
    { category: 'bounce', metrics: { classified_failures_count: 2 } },
  ]);
  api.misbehave({ classesRefused: true });
  await expect(classes()).rejects.toMatchObject({ status: 403 });
});
