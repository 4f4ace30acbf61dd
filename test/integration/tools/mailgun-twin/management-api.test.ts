import { createMailgunWebhooks } from '../../../../lambdas/adapters/mailgun/mailgun-apis.ts';
import { API_DOMAIN, API_KEY, startTestApi, type TestApi } from '../../../support/doubles/mailgun-api.ts';
import { callTwin, formOf } from '../../../support/stacks/local-ledger.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());

const call = (path: string, method = 'GET', fields?: Parameters<typeof formOf>[0]) =>
  callTwin(api.url, path, { method, ...(fields && { body: formOf(fields) }) }, API_KEY);
const HOOKS = `/v3/domains/${API_DOMAIN}/webhooks`;
const url = (n: number) => `https://${n}.example.net/`;

test('webhooks of a domain: made once, replaced as a whole, three URLs at most, deleted', async () => {
  expect(await call(HOOKS, 'POST', { id: 'opened', url: [url(1), url(2)] })).toMatchObject({
    status: 200,
    json: { message: 'Webhook has been created', webhook: { urls: [url(1), url(2)] } },
  });
  expect(await call(HOOKS, 'POST', { id: 'opened', url: url(3) })).toMatchObject({
    status: 400,
    json: { message: expect.stringContaining('already exists') },
  });
  expect(await call(`${HOOKS}/opened`, 'PUT', { url: [1, 2, 3, 4].map(url) })).toMatchObject({ status: 409 });
  expect(await call(`${HOOKS}/opened`, 'PUT', { url: url(3) })).toMatchObject({
    json: { webhook: { urls: [url(3)] } },
  });
  expect((await call(HOOKS)).json).toEqual({ webhooks: { opened: { urls: [url(3)] } } });
  expect(await call(`${HOOKS}/opened`, 'DELETE')).toMatchObject({ status: 200 });
  expect(await call(`${HOOKS}/opened`)).toMatchObject({ status: 404 });
  expect(await call(HOOKS, 'POST', { id: 'unsubscribe', url: url(1) })).toMatchObject({ status: 400 });
  expect(await call('/v3/domains/unknown.example/webhooks')).toMatchObject({ status: 404 });
});

test('webhooks of the account: by URL, three for a type', async () => {
  const add = (n: number) => call('/v1/webhooks', 'POST', { url: url(n), event_types: ['delivered', 'opened'] });
  for (const n of [1, 2, 3])
    expect(await add(n)).toMatchObject({ status: 200, json: { webhook_id: expect.any(String) } });
  expect(await add(4)).toMatchObject({
    status: 409,
    json: { Description: 'unable to add more than 3 urls for event type delivered' },
  });
  const [first] = (await call('/v1/webhooks')).json.webhooks;
  expect(first).toMatchObject({ url: url(1), event_types: ['delivered', 'opened'] });
  expect((await call(`/v1/webhooks/${first.webhook_id}`, 'DELETE')).status).toBe(204);
  expect((await call(`/v1/webhooks/${first.webhook_id}`)).status).toBe(404);
  expect((await add(4)).status).toBe(200);
});

test('the adapter reads webhooks of both levels, also old records', async () => {
  api.register(API_DOMAIN, ['clicked'], url(9), 'legacy');
  const access = { baseUrl: api.url, apiKey: async () => API_KEY, now: Date.now, sleep: async () => {} };
  const webhooks = createMailgunWebhooks(access);
  const soon = Date.now() + 5000;
  expect(await webhooks.ofDomain({ name: API_DOMAIN, region: 'us' }, soon)).toEqual([
    { level: 'domain', type: 'clicked', url: url(9) },
  ]);
  expect(await webhooks.ofAccount('us', soon)).toContainEqual({ level: 'account', type: 'opened', url: url(2) });
  const forgotten = createMailgunWebhooks({ ...access, apiKey: async () => 'another key' });
  await expect(forgotten.ofAccount('us', soon)).rejects.toMatchObject({ reason: 'unauthorized' });
});

test("addresses on Mailgun's own lists are added, shown and deleted", async () => {
  const entry = `/v3/${API_DOMAIN}/complaints/ada%40north.example`;
  expect((await call(entry)).status).toBe(404);
  await call(`/v3/${API_DOMAIN}/complaints`, 'POST', { address: 'Ada@north.example' });
  expect((await call(entry)).status).toBe(200);
  expect((await call(entry.replace('complaints', 'bounces'))).status).toBe(404);
  expect((await call(entry, 'DELETE')).status).toBe(200);
  expect((await call(entry, 'DELETE')).status).toBe(404);
});

test('an unsubscribe loses the tag that a DELETE names, and is gone with its last', async () => {
  const entry = `/v3/${API_DOMAIN}/unsubscribes/ada%40north.example`;
  const tags = async () => (await call(entry)).json.tags;
  await api.get(`/v3/${API_DOMAIN}/unsubscribes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ address: 'ada@north.example', tags: ['news', 'offers'] }]),
  });

  await call(`${entry}?tag=other`, 'DELETE');
  expect(await tags()).toEqual(['news', 'offers']);
  await call(`${entry}?tag=offers`, 'DELETE');
  expect(await tags()).toEqual(['news']);
  await call(`${entry}?tag=news`, 'DELETE');
  expect((await call(entry)).status).toBe(404);
});
