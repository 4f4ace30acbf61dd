import { connect } from 'node:net';
import type { InvocationResult } from '../../../../tools/local-stack/functions/function-sandbox.ts';
import { createGateway } from '../../../../tools/local-stack/http-api/gateway.ts';
import { parseRoute } from '../../../../tools/local-stack/http-api/routes.ts';
import { type Listening, listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';

const MIB = 1024 * 1024;
const closing: Listening[] = [];
afterEach(() => Promise.all(closing.splice(0).map((listening) => listening.close())));

interface GatewayUnderTest {
  readonly routes?: string[];
  readonly throttle?: { ratePerSecond: number; burst: number };
  readonly timeoutMs?: number;
  readonly accessLogFormat?: string;
  readonly response?: unknown;
  readonly invoke?: () => Promise<InvocationResult>;
}

async function startGateway({
  routes = ['ANY /hooks/{proxy+}'],
  throttle = { ratePerSecond: 1000, burst: 1000 },
  timeoutMs = 30_000,
  accessLogFormat,
  response = { statusCode: 200, body: 'ok' },
  invoke = async () => ({ ok: true, payload: JSON.stringify(response) }),
}: GatewayUnderTest = {}) {
  const events: Record<string, unknown>[] = [];
  const logs: string[] = [];
  const counted: number[] = [];
  const gateway = createGateway({
    api: {
      id: 'Api',
      name: 'api',
      routes: routes.map((key) => parseRoute(key, { functionId: 'Function', timeoutMs })),
      throttle,
      accessLogFormat,
      accessLogGroupId: undefined,
    },
    accountId: '000000000000',
    functionById: () => ({
      invoke: (event) => {
        events.push(JSON.parse(event));
        return invoke();
      },
    }),
    log: (line) => logs.push(line),
    onResponse: (status) => counted.push(status),
  });
  const listening = await listenOnLoopback(gateway);
  closing.push(listening);
  return { url: listening.url, port: listening.port, events, logs, counted };
}

test('a function gets the request in payload format 2.0', async () => {
  const { url, port, events } = await startGateway();

  await fetch(`${url}/hooks/a%20b%2Fc?x=1&y=2&x=%C3%A9`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'X-Twice': 'a', 'User-Agent': 'mailgun/1' },
    body: '{"é":1}',
  });

  expect(events[0]).toMatchObject({
    version: '2.0',
    routeKey: 'ANY /hooks/{proxy+}',
    rawPath: '/hooks/a b/c',
    rawQueryString: 'x=1&y=2&x=%C3%A9',
    queryStringParameters: { x: '1,é', y: '2' },
    pathParameters: { proxy: 'a b/c' },
    headers: { 'content-type': 'application/json; charset=utf-8', 'x-twice': 'a', host: `127.0.0.1:${port}` },
    body: '{"é":1}',
    isBase64Encoded: false,
    requestContext: {
      accountId: '000000000000',
      apiId: 'Api',
      stage: '$default',
      routeKey: 'ANY /hooks/{proxy+}',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      timeEpoch: expect.any(Number),
      http: {
        method: 'POST',
        path: '/hooks/a b/c',
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'mailgun/1',
      },
    },
  });
});

test('a request without body, query and cookies has no such fields', async () => {
  const { url, events } = await startGateway();

  await fetch(`${url}/hooks/x`);

  expect(events[0]).toMatchObject({ rawQueryString: '', isBase64Encoded: false });
  for (const field of ['body', 'queryStringParameters', 'cookies']) expect(events[0]).not.toHaveProperty(field);
});

test('cookies are separate from the headers', async () => {
  const { url, events } = await startGateway();

  await fetch(`${url}/hooks/x`, { headers: { cookie: 'a=1; b=2' } });

  expect(events[0]).toMatchObject({ cookies: ['a=1', 'b=2'] });
  expect(events[0]?.headers).not.toHaveProperty('cookie');
});

test.each([
  { type: 'application/json', body: '{}', encoded: false },
  { type: 'text/plain', body: 'x', encoded: false },
  { type: 'application/xml', body: '<a/>', encoded: false },
  { type: 'application/javascript', body: '1', encoded: false },
  { type: 'APPLICATION/JSON', body: '{}', encoded: false },
  { type: 'application/x-www-form-urlencoded', body: 'a=1', encoded: true },
  { type: 'multipart/form-data; boundary=x', body: '--x--', encoded: true },
  { type: 'application/octet-stream', body: 'x', encoded: true },
  { type: 'application/json', body: new Uint8Array([0x7b, 0xff, 0x7d]), encoded: true },
])('a body of $type arrives in base64: $encoded', async ({ type, body, encoded }) => {
  const { url, events } = await startGateway();

  await fetch(`${url}/hooks/x`, { method: 'POST', headers: { 'content-type': type }, body });

  const sent = Buffer.from(body);
  expect(events[0]).toMatchObject({ isBase64Encoded: encoded, body: sent.toString(encoded ? 'base64' : 'utf8') });
});

test('the gateway returns the response of the function', async () => {
  const returned = { statusCode: 406, headers: { 'X-Reason': 'stale' }, cookies: ['a=1', 'b=2'], body: '{"ok":false}' };
  const { url } = await startGateway({ response: returned });

  const response = await fetch(`${url}/hooks/x`);

  expect(response.status).toBe(406);
  expect(response.headers.get('x-reason')).toBe('stale');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(await response.json()).toEqual({ ok: false });
});

test('a request without a route gets a 404', async () => {
  const { url, events } = await startGateway({ routes: ['POST /hooks/x'] });

  const response = await fetch(`${url}/hooks/x`);

  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ message: 'Not Found' });
  expect(events).toHaveLength(0);
});

test('a path ends at a question mark that was escaped in it', async () => {
  const { url, events } = await startGateway();

  await fetch(`${url}/hooks/who%3F@x?y=1`);

  expect(events[0]).toMatchObject({ rawPath: '/hooks/who', pathParameters: { proxy: 'who' }, rawQueryString: 'y=1' });
});

test('a path that cannot be decoded is a bad request', async () => {
  const { url } = await startGateway();

  expect((await fetch(`${url}/hooks/%ff`)).status).toBe(400);
});

test.each([
  { name: 'more than the gateway reads', size: 10 * MIB + 1, status: 413 },
  { name: 'more than Lambda takes', size: 7 * MIB, status: 413 },
  { name: 'more than Lambda takes once it is base64', size: 5 * MIB, type: 'image/png', status: 413 },
  { name: 'a large text that both take', size: 5 * MIB, status: 200 },
])('$name gets a $status', async ({ size, type = 'text/plain', status }) => {
  const { url, events } = await startGateway();

  const body = 'x'.repeat(size);
  const response = await fetch(`${url}/hooks/x`, { method: 'POST', headers: { 'content-type': type }, body });

  expect(response.status).toBe(status);
  expect(events).toHaveLength(status === 200 ? 1 : 0);
  if (status === 413) expect(await response.json()).toEqual({ message: 'Request Entity Too Large' });
});

test('a client that reads only after it has sent everything gets its response', async () => {
  const { port } = await startGateway({ routes: ['POST /other'] });
  const socket = connect(port, '127.0.0.1');
  const size = 12 * MIB;
  const response = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString('utf8'))));

  socket.pause();
  socket.write(`POST /hooks/x HTTP/1.1\r\nhost: x\r\ncontent-length: ${size}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.write(Buffer.alloc(size), () => resolve()));
  socket.resume();

  expect(await response).toContain('404 Not Found');
  socket.destroy();
});

test('a client that goes away in the middle of its body harms no other', async () => {
  const { url, port, events } = await startGateway();
  const socket = connect(port, '127.0.0.1');

  socket.write('POST /hooks/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf');
  socket.destroy();

  expect((await fetch(`${url}/hooks/x`)).status).toBe(200);
  expect(events).toHaveLength(1);
});

test('requests beyond the limit of the stage get a 429', async () => {
  const { url, events, counted } = await startGateway({ throttle: { ratePerSecond: 0.001, burst: 2 } });

  const statuses = [];
  for (let nth = 0; nth < 3; nth += 1) statuses.push((await fetch(`${url}/hooks/x`)).status);

  expect(statuses).toEqual([200, 200, 429]);
  expect(counted).toEqual([200, 200, 429]);
  expect(events).toHaveLength(2);
});

test('a function that takes too long is cut off', async () => {
  const { url } = await startGateway({ timeoutMs: 50, invoke: () => new Promise(() => {}) });

  expect((await fetch(`${url}/hooks/x`)).status).toBe(503);
});

test.each([
  { name: 'fails', invoke: async () => ({ ok: false, error: 'boom', timedOut: false }) as const },
  { name: 'returns what makes no sense', invoke: async () => ({ ok: true, payload: '{"statusCode":"x"}' }) as const },
])('a function that $name is an internal server error', async ({ invoke }) => {
  const { url } = await startGateway({ invoke });

  const response = await fetch(`${url}/hooks/x`);

  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ message: 'Internal Server Error' });
});

test('access log lines have the format of the stage, with - for absent values', async () => {
  const accessLogFormat = '{"status":"$context.status","route":"$context.routeKey","x":"$context.noSuchThing"}';
  const { url, logs } = await startGateway({ accessLogFormat });

  await fetch(`${url}/hooks/a-name`);
  await fetch(`${url}/elsewhere`);

  expect(logs.map((line) => JSON.parse(line))).toEqual([
    { status: '200', route: 'ANY /hooks/{proxy+}', x: '-' },
    { status: '404', route: '-', x: '-' },
  ]);
});
