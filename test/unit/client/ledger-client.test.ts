import { LedgerApiError, LedgerClient, type LedgerClientOptions } from '../../../client/ledger-client.ts';

const URL_ = 'https://read.example.net';

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

type Scripted = { status?: number; body?: unknown; headers?: Record<string, string> } | Error;

/** Returns a client with scripted responses, and records its requests and waits. */
function scripted(replies: Scripted[], options: Partial<LedgerClientOptions> = {}) {
  const sent: Sent[] = [];
  const waitsMs: number[] = [];
  const client = new LedgerClient({
    url: URL_,
    token: 'secret',
    random: () => 0,
    sleep: async (ms) => void waitsMs.push(ms),
    fetch: async (url, init) => {
      const { method = 'GET', headers, body, redirect } = init ?? {};
      expect(redirect).toBe('error');
      sent.push({
        method,
        path: String(url).slice(URL_.length),
        headers: headers as Record<string, string>,
        body: body === undefined ? undefined : JSON.parse(String(body)),
      });
      const reply = replies.shift();
      if (reply === undefined) throw new Error('no reply is left');
      if (reply instanceof Error) throw reply;
      const { status = 200, body: json = {}, headers: given = {} } = reply;
      const text = status === 304 ? null : typeof json === 'string' ? json : JSON.stringify(json);
      return new Response(text, { status, headers: given });
    },
    ...options,
  });
  return { client, sent, waitsMs };
}

const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error as LedgerApiError,
  );

test('sends a token, the parameters that are given, and dates as ISO 8601', async () => {
  const { client, sent } = scripted([{}, {}]);

  await client.listEvents({ domain: 'mg.example.com', from: new Date(0), tag: undefined, 'var.order': 'a b' });
  await client.getSuppressions({ address: 'ada+x@example.org', tag: ['one', 'two'] });

  expect(sent.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /mailgun/events?domain=mg.example.com&from=1970-01-01T00%3A00%3A00.000Z&var.order=a+b',
    'GET /mailgun/suppressions?address=ada%2Bx%40example.org&tag=one&tag=two',
  ]);
  expect(sent[0]?.headers.authorization).toBe('Bearer secret');
});

test('searches without an address in any URL', async () => {
  const { client, sent } = scripted([{}]);

  await client.searchEvents({ recipient: 'ada@example.org', limit: 5 });

  expect(sent[0]).toMatchObject({ method: 'POST', path: '/mailgun/events/search' });
  expect(sent[0]?.body).toEqual({ recipient: 'ada@example.org', limit: 5 });
});

test('keeps the path of its base URL, with or without a slash at its end', async () => {
  for (const url of [`${URL_}/v1`, `${URL_}/v1/`]) {
    const { client, sent } = scripted([{}], { url });

    await client.getHealth();

    expect(sent[0]?.path).toBe('/v1/mailgun/health');
  }
});

test('calls a token function for every attempt', async () => {
  let n = 0;
  const { client, sent } = scripted([{ status: 503 }, {}], { token: async () => `t${++n}` });

  await client.getHealth();

  expect(sent.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2']);
});

test('walks all pages by their cursors, empty ones included', async () => {
  const page = (keys: string[], next: string | null) => ({ body: { events: keys.map((key) => ({ key })), next } });
  const { client, sent } = scripted([page(['a', 'b'], 'c1'), page([], 'c2'), page(['c'], null)]);

  const keys: string[] = [];
  for await (const { key } of client.entries('listEvents', { domain: 'd', limit: 2 })) keys.push(key);

  expect(keys).toEqual(['a', 'b', 'c']);
  expect(sent.map(({ path }) => new URLSearchParams(path.split('?')[1]).get('cursor'))).toEqual([null, 'c1', 'c2']);
});

test('reads no page that nothing asks for', async () => {
  const { client, sent } = scripted([{ body: { events: [{ key: 'a' }], next: 'c1' } }]);

  for await (const _ of client.entries('listEvents', { domain: 'd' })) break;

  expect(sent).toHaveLength(1);
});

test('revalidates a response by its ETag, and returns what it holds', async () => {
  const body = { ledger: 'mailgun-ledger-prod', domains: [] };
  const { client, sent } = scripted([{ body, headers: { etag: '"1"' } }, { status: 304 }, { status: 304 }]);

  const first = await client.getHealth();
  Object.assign(first, { ledger: 'changed by its caller' });

  expect([await client.getHealth(), await client.getHealth()]).toEqual([body, body]);
  expect(sent.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"1"']);
});

test('forgets the response that was used longest ago', async () => {
  const reply = (n: number) => ({ body: { n }, headers: { etag: `"${n}"` } });
  const { client, sent } = scripted([reply(1), reply(2), { status: 304 }, reply(3), reply(4), { status: 304 }], {
    maxCachedResponses: 2,
  });

  for (const id of ['a', 'b', 'a', 'c', 'b', 'c']) await client.getMessage({ id });

  expect(sent.map(({ headers }) => headers['if-none-match'])).toEqual([
    undefined,
    undefined,
    '"1"',
    undefined,
    undefined,
    '"3"',
  ]);
});

test('keeps no response where none may be kept', async () => {
  const { client, sent } = scripted([{ headers: { etag: '"1"' } }, {}], { maxCachedResponses: 0 });

  await client.getHealth();
  await client.getHealth();

  expect(sent[1]?.headers).not.toHaveProperty('if-none-match');
});

test.each([
  ['429 with seconds', { status: 429, headers: { 'retry-after': '7' } }, 7000],
  ['503 with less than the backoff', { status: 503, headers: { 'retry-after': '0' } }, 500],
  ['503 without', { status: 503 }, 500],
  ['a lost connection', new TypeError('fetch failed'), 500],
  ['a text that is no number', { status: 429, headers: { 'retry-after': 'soon' } }, 500],
])('repeats a request after %s', async (_, reply, waitMs) => {
  const { client, waitsMs } = scripted([reply, { body: { ledger: 'x' } }]);

  expect(await client.getHealth()).toEqual({ ledger: 'x' });
  expect(waitsMs).toEqual([waitMs]);
});

test('waits until the date of a Retry-After', async () => {
  const date = new Date(Date.now() + 20_000).toUTCString();
  const { client, waitsMs } = scripted([{ status: 503, headers: { 'retry-after': date } }, {}]);

  await client.getHealth();

  expect(waitsMs[0]).toBeGreaterThan(10_000);
  expect(waitsMs[0]).toBeLessThanOrEqual(20_000);
});

test('backs off longer each time, with jitter above, and gives up with the last response', async () => {
  const { client, waitsMs } = scripted(Array(4).fill({ status: 503, body: { ok: false, reason: 'unavailable' } }), {
    random: () => 1,
  });

  expect(await failure(client.getHealth())).toMatchObject({ status: 503, reason: 'unavailable' });
  expect(waitsMs).toEqual([1000, 2000, 4000]);
});

test('does not wait longer than it may', async () => {
  const { client, sent } = scripted([{ status: 429, body: { message: 'x' }, headers: { 'retry-after': '61' } }]);

  expect(await failure(client.getHealth())).toMatchObject({ reason: 'throttled', retryAfterSeconds: 61 });
  expect(sent).toHaveLength(1);
});

test.each([
  [400, { ok: false, reason: 'bad-parameter', parameter: 'limit', message: 'limit must be 1' }, 'limit must be 1'],
  [401, { ok: false, reason: 'unauthorized', parameter: undefined }, 'the read API responded 401: unauthorized'],
  [404, { ok: false, reason: 'unknown-message', parameter: undefined }, 'the read API responded 404: unknown-message'],
])('throws a %d at once, with its reason', async (status, body, message) => {
  const { client, sent } = scripted([{ status, body }]);

  const error = await failure(client.getMessage({ id: 'x' }));

  expect(error).toBeInstanceOf(LedgerApiError);
  expect(error).toMatchObject({ status, message, reason: body.reason, parameter: body.parameter });
  expect(sent).toHaveLength(1);
});

test("throws with the status where a proxy's page is the response", async () => {
  const { client } = scripted([{ status: 403, body: '<html>' }]);

  expect(await failure(client.getHealth())).toMatchObject({ status: 403, reason: 'status-403' });
});

test('ends with the reason of its signal, in a request as in a wait', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  const waiting = scripted([{ status: 503 }], {
    sleep: async (_ms, signal) => {
      stop.abort(reason);
      signal?.throwIfAborted();
    },
  });

  expect(await failure(waiting.client.getHealth({ signal: stop.signal }))).toBe(reason);
  const stopped = scripted([]);
  expect(await failure(stopped.client.getHealth({ signal: stop.signal }))).toBe(reason);
  expect(stopped.sent).toEqual([]);
});

test('its own wait ends with the signal', async () => {
  const stop = new AbortController();
  const client = new LedgerClient({
    url: URL_,
    token: 'secret',
    fetch: async () => {
      setTimeout(() => stop.abort(new Error('enough')), 5);
      return new Response('', { status: 503, headers: { 'retry-after': '60' } });
    },
  });

  expect(await failure(client.getHealth({ signal: stop.signal }))).toMatchObject({ message: 'enough' });
});

test('a query that the API would refuse does not compile', () => {
  const { client } = scripted([]);
  const calls = [
    // @ts-expect-error: the id is missing
    () => client.getMessage({}),
    // @ts-expect-error: not a parameter of this route
    () => client.getMessage({ id: 'x', colour: 'red' }),
    // @ts-expect-error: health has no pages
    () => client.pages('getHealth', {}),
  ];

  expect(calls).toHaveLength(3);
});
