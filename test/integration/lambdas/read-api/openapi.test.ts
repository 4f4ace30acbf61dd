import { setTimeout as sleep } from 'node:timers/promises';
import type { StatsBucket } from '../../../../api/responses/ledger.ts';
import type { DeliveriesResponse } from '../../../../api/responses/receivers.ts';
import { openDeliveryLog, SEEDED_RECEIVER } from '../../../support/fixtures/delivery-log.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import { exampleRequest, faults, type Operation, operations, responseExamples } from '../../../support/openapi.ts';
import { MAX_RETRIES } from '../../../support/stacks/patience.ts';
import { eventOf, type ReadStack, type Reply, startReadStack } from '../../../support/stacks/read-stack.ts';

// Runs every example of docs/openapi.yaml against the local stack.

/** More than all tests before the last send; so slow a refill never keeps up with requests, however slow the machine. */
const THROTTLE = { ratePerSecond: 1, burst: 500 };
const MESSAGE = '20260202023950.1.ABCDEF@mg.example.com';
let api: ReadStack;
let settledUntil: number;

beforeAll(async () => {
  api = await startReadStack({
    throttle: { read: THROTTLE },
    reconcile: { sliceSeconds: 1, settleSeconds: 1 },
    receivers: [SEEDED_RECEIVER],
  });
  await logDelivery();
  const base = { recipient: 'ada@north.example', tags: ['welcome'], 'user-variables': { 'my-id': 'order-7' } };
  await api.store(
    eventOf(MESSAGE, {
      ...base,
      id: 'Kq3vYt0ZS2aB7nWmXc9LdA',
      timestamp: 1_770_000_002.5,
      message: { headers: { 'message-id': MESSAGE, subject: 'Your receipt' } },
      'delivery-status': { code: 250, message: 'OK', 'mx-host': 'mx.north.example' },
      envelope: { 'sending-ip': '192.0.2.10' },
      flags: { 'is-routed': false, 'is-test-mode': false },
      'recipient-provider': 'Other',
    }),
  );
  // `firstAt` comes from the event that is stored first.
  await api.store(
    eventOf(MESSAGE, {
      ...base,
      event: 'opened',
      id: 'bV1kQx7dQ0eHn2mPz5sRtw',
      timestamp: 1_770_000_060,
      'delivery-status': undefined,
      'client-info': { 'client-name': 'Firefox', 'device-type': 'desktop', bot: '' },
      geolocation: { country: 'NZ', city: 'Wellington' },
      ip: '192.0.2.20',
    }),
    eventOf('20260202024000.2.ABCDEF@mg.example.com', {
      event: 'accepted',
      recipient: 'grace@north.example',
      tags: [],
      timestamp: 1_770_000_000,
      message: { headers: { 'message-id': '20260202024000.2.ABCDEF@mg.example.com', subject: 'Your parcel' } },
    }),
    eventOf('gone@mg.example.com', {
      event: 'failed',
      severity: 'permanent',
      reason: 'bounce',
      id: 'G9Bn5sl1TC6nu79C8C0bwg',
      recipient: 'gone@north.example',
      tags: [],
      timestamp: 1_770_000_010,
    }),
  );
  const recent = eventOf('recent@mg.example.com', { timestamp: Date.now() / 1000 });
  api.stack.list([recent as never]);
  await api.store(recent);
  // A scheduled run may hold the lease, or the slice may not be due yet.
  while (!(await isCounted())) await api.stack.reconcile();
  settledUntil = Math.floor(Date.now() / 1000) - 3;
}, 300_000);
afterAll(() => api?.stop());

/** Returns true if a settled slice holds today's event. */
async function isCounted(): Promise<boolean> {
  await sleep(1000);
  const { body } = await api.get(`/mailgun/stats?domain=${DOMAIN}&by=provider`);
  return body.buckets.some(({ counts }: StatsBucket) => counts.delivered === 1);
}

/** Writes the delivery of the example. */
async function logDelivery(): Promise<void> {
  const log = openDeliveryLog(api.stack);
  const listing = operations.find(({ path }) => path === '/mailgun/receivers/deliveries') as Operation;
  const { deliveries } = responseExamples(listing, 200).message as DeliveriesResponse;
  for (const { id, publishedAt, messageId, attempts, settledAt } of deliveries) {
    const made = attempts.map(({ at, ms, status, error }) => ({
      at: Date.parse(at),
      ms,
      ...(status === null ? { error: error ?? '' } : { status }),
    }));
    const delivery = { state: 'acknowledged' as const, attempts: made, settledAt: Date.parse(settledAt ?? '') };
    await log.write(Date.parse(publishedAt) / 1000, { id, messageId }, delivery);
  }
}

/** Returns a body without values that differ between runs. */
const steady = (body: unknown) =>
  JSON.parse(JSON.stringify(body), (key, value) => {
    if (['receivedAt', 'asOf', 'completeFrom', 'eventsUntil'].includes(key)) return 'then';
    if (key === 'unconfirmedEvents' || (key === 'next' && value !== null)) return 'any';
    // The events are of months ago, which Mailgun no longer lists: reconciliation may have marked them meanwhile.
    return ['unconfirmed', 'confirmed'].includes(key) && typeof value === 'boolean' ? 'either' : value;
  });

const send = ({ method, path }: Operation, request: { path?: string; body?: string }, headers = {}, by = api.read) =>
  by(request.path ?? path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(request.body !== undefined && { body: request.body }),
  });

/** True for ledgers and statistics, whose values depend on the day of the run. */
const changesByDay = ({ path }: Operation) => /ledger|stats|receivers$/.test(path);

const examples = operations.flatMap((operation) =>
  Object.entries(responseExamples(operation, 200)).flatMap(([name, expected]) => {
    const request = exampleRequest(operation, name);
    const isWhole = !request.path.includes('{') && (request.path !== operation.path || request.body !== undefined);
    return isWhole ? [{ title: `${operation.method} ${request.path}`, operation, request, expected }] : [];
  }),
);

test.each(examples)('$title responds as in its example', async ({ operation, request, expected }) => {
  const { status, body } = await send(operation, request);
  expect([status, faults(operation, 200, body)]).toEqual([200, []]);
  if (!changesByDay(operation)) return expect(steady(body)).toEqual(steady(expected));
  const [list] = Object.values(body) as unknown[][];
  expect(list?.length).toBeGreaterThan(0);
});

describe.each(operations)('$method $path', (operation) => {
  const [name = ''] = [...operation.parameters, ...Object.values<never>(operation.requestBody?.content ?? {})].flatMap(
    (each: { examples?: object }) => Object.keys(each.examples ?? {}),
  );
  const request = exampleRequest(operation, name);
  const isPost = operation.method === 'POST';

  test.each(
    Object.keys(operation.responses)
      .filter((status) => status !== '200' && status !== '429')
      // A failing queue is null there, and by then the token has been read.
      .filter((status) => !(status === '503' && operation.path === '/mailgun/health'))
      .map(Number),
  )('refuses with %d as described', async (status) => {
    const join = request.path.includes('?') ? '&' : '?';
    const refuse = async () => {
      switch (status) {
        case 304: {
          const steadily = await steadyRequest(operation, request, join);
          // Reconciliation may write between two requests.
          for (let tries = 0; ; tries += 1) {
            const { headers } = await send(operation, steadily);
            const response = await send(operation, steadily, { 'if-none-match': headers.get('etag') ?? '' });
            if (response.status !== 200 || tries === MAX_RETRIES) return response;
          }
        }
        case 400:
          if (isPost) return send(operation, { body: '{"domain":""}' });
          return send(operation, wrongRequest(operation, request.path, join));
        case 401:
          return send(operation, request, { authorization: 'Bearer wrong' });
        case 404:
          return send(operation, { path: request.path.replace(/ABCDEF/, 'unknown') });
        case 405:
          return api.request(request.path, { method: 'DELETE' });
        default:
          api.stack.setFaults([{ service: 'dynamodb', operation: 'Query', mode: 'refuse', percent: 100 }]);
          return send(operation, request, {}, api.request).finally(() => api.stack.setFaults([]));
      }
    };
    const response = await refuse();
    expect([response.status, faults(operation, status, response.body)]).toEqual([status, []]);
  });
});

/** Returns a request that gets the same response twice. */
async function steadyRequest({ path }: Operation, request: { path: string; body?: string }, join: string) {
  // Without a cursor, a tail begins now.
  if (path.endsWith('/tail')) {
    const { body } = await api.get(request.path);
    return { path: `${request.path}${join}cursor=${body.next}` };
  }
  // Slices of a second fall due between two requests, unless the range ends before.
  return /ledger|stats/.test(path) ? { path: `${request.path}${join}to=${settledUntil}` } : request;
}

/** Returns a request that the route refuses: no parameter exists on every route, so each has its own mistake. */
function wrongRequest({ path }: Operation, examplePath: string, join: string) {
  if (path === '/mailgun/receivers') return { path: `${path}?hours=0` };
  if (changesByDay({ path } as Operation)) return { path: `${path}?domain=${DOMAIN}&from=yesterday` };
  if (path.startsWith('/mailgun/suppressions')) return { path: '/mailgun/suppressions?address=' };
  if (path === '/mailgun/health') return { path: '/mailgun/health?verbose=1' };
  return { path: `${examplePath}${join}limit=0` };
}

test('the gateway responds 429 as described', async () => {
  const [operation] = operations;
  // A wrong token costs the function the least.
  const ask = () => api.get('/mailgun/suppressions?address=a@b.example', { authorization: 'Bearer wrong' });
  let throttled: Reply | undefined;
  while (throttled === undefined) {
    const responses = await Promise.all(Array.from({ length: 50 }, ask));
    throttled = responses.find(({ status }) => status === 429);
  }
  expect(faults(operation!, 429, throttled.body)).toEqual([]);
});
