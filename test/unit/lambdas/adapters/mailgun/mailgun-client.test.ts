import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createMailgunEvents,
  createMailgunListing,
  createMailgunLogs,
} from '../../../../../lambdas/adapters/mailgun/mailgun-apis.ts';
import { baseUrlOf, requestedWaitMs } from '../../../../../lambdas/adapters/mailgun/mailgun-client.ts';
import { eventOfLog } from '../../../../../lambdas/formats/mailgun-replies.ts';
import { listPages } from '../../../../../lambdas/reconcile/passes/list-pages.ts';
import { listenOnLoopback } from '../../../../../tools/local-stack/run/listener.ts';
import { NOW_MS } from '../../../../support/fixtures/webhooks.ts';

type Reply = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** Starts a server with responses in turn (the last one repeats), which records requests and their keys. */
async function startServer() {
  const requests: { url: string; method: string; authorization: string | undefined; body: string }[] = [];
  let replies: Reply[] = [];
  const server = await listenOnLoopback(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { url = '', method = '', headers } = request;
    requests.push({ url, method, authorization: headers.authorization, body });
    (replies.length > 1 ? replies.shift() : replies[0])?.(request, response, body);
  });
  return {
    url: server.url,
    requests,
    reply: (...next: Reply[]) => {
      replies = next;
    },
    stop: server.close,
  };
}

const json =
  (body: unknown, status = 200, headers = {}): Reply =>
  (_request, response) =>
    void response.writeHead(status, headers).end(JSON.stringify(body));

let mailgun: Awaited<ReturnType<typeof startServer>>;
let abroad: Awaited<ReturnType<typeof startServer>>;
let nowMs = NOW_MS;
let slept: number[] = [];
beforeEach(async () => {
  [mailgun, abroad] = [await startServer(), await startServer()];
  [nowMs, slept] = [NOW_MS, []];
});
afterEach(() => {
  mailgun.stop();
  abroad.stop();
});

const access = () => ({
  baseUrl: mailgun.url,
  apiKey: async () => 'key-1',
  now: () => nowMs,
  sleep: async (ms: number) => {
    slept.push(ms);
    nowMs += ms;
  },
});
const request = (over = {}) => ({
  domain: { name: 'mg.example.com', region: 'us' as const },
  begin: 1_770_000_000,
  end: 1_770_000_900,
  deadlineMs: NOW_MS + 300_000,
  ...over,
});
const page = (over = {}) => createMailgunEvents(access()).page(request(over));
const all = async (listing: AsyncIterable<unknown[]>) => {
  const found = [];
  for await (const each of listing) found.push(each);
  return found;
};
const pages = () => all(listPages(createMailgunEvents(access()), request()));
const event = { event: 'delivered', id: 'a', timestamp: 1_770_000_001.5 };
const reason = (text: string) => expect.objectContaining({ name: 'ListingError', reason: text });

/** The response as text, since our JSON would round the number. */
const text =
  (body: string): Reply =>
  (_request, response) =>
    void response.writeHead(200).end(body);

describe('a 64-bit number among the user variables keeps every digit', () => {
  const order = { order: '9007199254740993' };

  test('in the Events API', async () => {
    mailgun.reply(
      text(
        '{"items":[{"event":"delivered","id":"a","timestamp":1,"user-variables":{"order":9007199254740993}}],"paging":{"next":"/n"}}',
      ),
    );
    expect((await page()).events).toMatchObject([{ 'user-variables': order }]);
  });

  test.each([
    ['an object', '{"order":9007199254740993}'],
    ['the text of one', '"{\\"order\\":9007199254740993}"'],
  ])('in the Logs API, as %s', async (_, variables) => {
    const at = '"@timestamp":"2026-02-02T02:40:01.500Z","domain":{"name":"mg.example.com"}';
    mailgun.reply(
      text(`{"items":[{"event":"delivered","id":"a",${at},"user-variables":${variables}}],"pagination":{}}`),
    );
    expect((await createMailgunLogs(access()).page(request())).events).toMatchObject([{ 'user-variables': order }]);
  });
});

describe('the Events API', () => {
  test('is queried ascending, in epoch seconds, 300 at a time, with the key', async () => {
    mailgun.reply(json({ items: [event], paging: { next: `${mailgun.url}/v3/next` } }));
    expect(await page()).toEqual({ events: [event], next: `${mailgun.url}/v3/next` });
    expect(mailgun.requests).toEqual([
      {
        url: '/v3/mg.example.com/events?begin=1770000000&end=1770000900&ascending=yes&limit=300',
        method: 'GET',
        authorization: `Basic ${Buffer.from('api:key-1').toString('base64')}`,
        body: '',
      },
    ]);
  });

  test('is read until an empty page, also after short pages', async () => {
    const next = { next: `${mailgun.url}/v3/a` };
    mailgun.reply(
      json({ items: [event], paging: next }),
      json({ items: [{ ...event, id: 'b' }, null, { id: 'no event' }], paging: { next: `${mailgun.url}/v3/b` } }),
      json({ items: [], paging: next }),
    );
    expect(await pages()).toEqual([[event], [{ ...event, id: 'b' }], []]);
    expect(mailgun.requests.map(({ url }) => url).slice(1)).toEqual(['/v3/a', '/v3/b']);
  });

  test.each([
    ['a number of seconds', { 'retry-after': '7' }, 7000],
    ['a date', { 'retry-after': new Date(NOW_MS + 9000).toUTCString() }, 9000],
    ['a reset in seconds', { 'x-ratelimit-reset': String(NOW_MS / 1000 + 11) }, 11_000],
    ['a reset in milliseconds', { 'x-ratelimit-reset': String(NOW_MS + 12_000) }, 12_000],
    ['both: the longer', { 'retry-after': '3', 'x-ratelimit-reset': String(NOW_MS / 1000 + 5) }, 5000],
    ['an hour: no longer than a minute at a time', { 'retry-after': '3600' }, 60_000],
    ['nothing: a second', {}, 1000],
    ['nonsense: a second', { 'retry-after': 'soon', 'x-ratelimit-reset': 'x' }, 1000],
  ])('waits after a 429 that requests %s', async (_, headers, waitMs) => {
    mailgun.reply(json({}, 429, headers), json({ items: [] }));
    expect(await page()).toEqual({ events: [] });
    expect(slept).toEqual([waitMs]);
  });

  test.each([
    ['500', json({}, 500)],
    ['404, which may pass', json({}, 404)],
    ['JSON that is cut off', (_q: unknown, response: ServerResponse) => void response.end('{"items":[{"ev')],
    ['a connection that breaks', (q: IncomingMessage) => void q.socket.destroy()],
  ])('retries %s', async (_, reply) => {
    mailgun.reply(reply as Reply, reply as Reply, json({ items: [] }));
    expect(await page()).toEqual({ events: [] });
    expect(slept).toEqual([1000, 2000]);
  });

  test('stops waiting for a hanging server at the deadline', async () => {
    mailgun.reply(() => {});
    await expect(page({ deadlineMs: NOW_MS + 200 })).rejects.toEqual(reason('unavailable'));
  });

  test('accepts a deadline between two milliseconds', async () => {
    mailgun.reply(json({ items: [], paging: {} }));
    expect(await page({ deadlineMs: NOW_MS + 10_000 / 3 })).toEqual({ events: [] });
  });

  test.each<[name: string, reply: Reply, why: string, tries: number]>([
    ['a wrong key', json('Forbidden', 401), 'unauthorized', 1],
    ['no permission', json({}, 403), 'unauthorized', 1],
    ['time that is not kept any more', json({ message: 'x' }, 400), 'out-of-retention', 1],
    ['another refusal', json({}, 422), 'refused', 1],
    ['a domain of another region', json({ message: 'Domain not found: mg.example.com' }, 404), 'domain-not-found', 1],
    ['no list', json({ items: 'none' }), 'malformed', 1],
    ['items without a next page', json({ items: [event] }), 'malformed', 1],
    ['no object', json([]), 'malformed', 1],
    ['429 for ever', json({}, 429, { 'retry-after': '60' }), 'rate-limited', 5],
    [
      'a reply without end',
      (_q, response) => void response.end(`{"items":["${'x'.repeat(17 * 1024 * 1024)}"]}`),
      'too-large',
      1,
    ],
  ])('ends the listing for %s', async (_, reply, why, tries) => {
    mailgun.reply(reply);
    await expect(page()).rejects.toEqual(reason(why));
    expect(mailgun.requests).toHaveLength(tries);
  });

  test('does not follow a redirect', async () => {
    mailgun.reply(json({}, 302, { location: abroad.url }));
    await expect(page()).rejects.toEqual(reason('redirected'));
    expect(abroad.requests).toEqual([]);
  });

  test.each([
    ['another host', () => `${abroad.url}/v3/next`],
    ['the host as a user name', () => mailgun.url.replace('//', '//api:x@')],
    ['no URL', () => '/v3/next'],
    ['another scheme', () => mailgun.url.replace('http:', 'ftp:')],
  ])('does not send the key to another place: next leads to %s', async (_, next) => {
    mailgun.reply(json({ items: [event], paging: { next: next() } }));
    await expect(pages()).rejects.toEqual(reason('foreign-host'));
    expect(abroad.requests).toEqual([]);
    expect(mailgun.requests).toHaveLength(1);
  });

  test('ends a listing whose next pages repeat', async () => {
    mailgun.reply(json({ items: [event], paging: { next: `${mailgun.url}/v3/same` } }));
    await expect(pages()).rejects.toEqual(reason('endless'));
    expect(mailgun.requests.length).toBeLessThan(5);
    let n = 0;
    mailgun.reply((q, response) => {
      n += 1;
      json({ items: [{ ...event, id: String(n) }], paging: { next: `${mailgun.url}/v3/${n % 3}` } })(q, response, '');
    });
    await expect(pages()).rejects.toEqual(reason('endless'));
    expect(n).toBeLessThan(20);
  });

  test('has a host for each region', () => {
    const { baseUrl: _, ...own } = access();
    expect([baseUrlOf(own, 'us'), baseUrlOf(own, 'eu')]).toEqual([
      'https://api.mailgun.net',
      'https://api.eu.mailgun.net',
    ]);
  });
});

describe('the Logs API', () => {
  const list = () => all(listPages(createMailgunLogs(access()), request()));
  const log = {
    event: 'delivered',
    id: 'a',
    '@timestamp': '2026-02-02T02:40:01.500Z',
    domain: { name: 'mg.example.com' },
    'user-variables': '{"order":"7"}',
    storage: { key: 'k', url: ['https://storage.example/1'] },
    tags: ['welcome'],
  };

  test('is queried for one domain, and its tokens are sent with the same query', async () => {
    mailgun.reply(
      json({ items: [log], pagination: { next: 'token-1' } }),
      json({ items: [{ ...log, id: 'b', domain: { name: 'other.example.com' } }], pagination: { next: 'token-2' } }),
      json({ items: [], pagination: { next: 'token-3' } }),
    );
    const [events] = await list();
    expect(events).toEqual([
      {
        event: 'delivered',
        id: 'a',
        timestamp: 1770000001.5,
        domain: { name: 'mg.example.com' },
        'user-variables': { order: '7' },
        storage: { key: 'k', url: 'https://storage.example/1' },
        tags: ['welcome'],
      },
    ]);
    const bodies = mailgun.requests.map(({ body }) => JSON.parse(body));
    expect(mailgun.requests[0]).toMatchObject({ url: '/v1/analytics/logs', method: 'POST' });
    expect(bodies[0]).toEqual({
      start: 'Mon, 02 Feb 2026 02:40:00 +0000',
      end: 'Mon, 02 Feb 2026 02:55:00 +0000',
      filter: {
        AND: [{ attribute: 'domain', comparator: '=', values: [{ label: 'mg.example.com', value: 'mg.example.com' }] }],
      },
      include_subaccounts: false,
      include_totals: true,
      pagination: { sort: 'timestamp:asc', limit: 100 },
    });
    // The total comes with the first page alone.
    const { pagination: _, include_totals: __, ...question } = bodies[0];
    expect(bodies[2]).toEqual({ ...question, pagination: { sort: 'timestamp:asc', limit: 100, token: 'token-2' } });
  });

  test('returns how many events a range holds, alone and with the first page', async () => {
    const source = createMailgunLogs(access());
    mailgun.reply(json({ items: [log], pagination: { total: 7, next: 'token-1' } }));
    expect([await source.total?.(request()), (await source.page(request())).total]).toEqual([7, 7]);
    expect(JSON.parse(mailgun.requests[0]?.body ?? '')).toMatchObject({
      include_totals: true,
      pagination: { sort: 'timestamp:asc', limit: 1 },
    });
    expect(await source.page(request({ position: 'token-1' }))).not.toHaveProperty('total');
    for (const total of [undefined, '7', -1, 1.5]) {
      mailgun.reply(json({ items: [], pagination: { total } }));
      expect(await source.total?.(request())).toBeUndefined();
    }
  });

  test.each([
    ['no next token', {}],
    ['an empty one', { next: '' }],
  ])('ends with %s', async (_, pagination) => {
    mailgun.reply(json({ items: [log], pagination }));
    expect(await list()).toHaveLength(1);
  });

  test('follows an empty page that carries a token once, and finds what is behind it', async () => {
    mailgun.reply(
      json({ items: [log], pagination: { next: 'token-1' } }),
      json({ items: [], pagination: { next: 'token-2' } }),
      json({ items: [{ ...log, id: 'b' }], pagination: { next: 'token-3' } }),
      json({ items: [], pagination: { next: 'token-4' } }),
      json({ items: [], pagination: { next: 'token-5' } }),
    );
    expect((await list()).flat()).toMatchObject([{ id: 'a' }, { id: 'b' }]);
    const tokens = mailgun.requests.map(({ body }) => JSON.parse(body).pagination.token);
    expect(tokens).toEqual([undefined, 'token-1', 'token-2', 'token-3', 'token-4']);
  });

  test.each<[name: string, item: Parameters<typeof eventOfLog>[0], event: object]>([
    ['variables that are no JSON', { 'user-variables': 'Could not load' }, { 'user-variables': 'Could not load' }],
    ['an object of variables', { 'user-variables': { a: 1 } }, { 'user-variables': { a: 1 } }],
    ['storage as a list', { storage: [] }, { storage: [] }],
    ['storage without a URL', { storage: { key: 'k', url: [] } }, { storage: { key: 'k' } }],
    ['a time that is none', { '@timestamp': 'yesterday' }, {}],
  ])('an item with %s', (_, item, mapped) => {
    expect(eventOfLog(item)).toEqual(mapped);
  });
});

describe('an Events API that Mailgun ends', () => {
  const gone = json({ message: 'Gone' }, 410);
  const log = { event: 'delivered', id: 'a', '@timestamp': '2026-02-02T02:40:01.500Z' };
  const first = json({ items: [log], pagination: { next: 'token-1' } });
  const last = json({ items: [{ ...log, id: 'b' }], pagination: {} });
  let [discontinued, hasFallen] = [0, false];
  const fallback = {
    hasFallen: () => hasFallen,
    fall: async () => {
      [discontinued, hasFallen] = [discontinued + 1, true];
    },
  };
  const open = () => createMailgunListing(access(), fallback);
  beforeEach(() => {
    [discontinued, hasFallen] = [0, false];
  });

  test('is replaced by the Logs API after one attempt, and is reported once', async () => {
    const source = open();
    mailgun.reply(gone, first, last, first, last);
    for (const _ of [1, 2]) {
      expect((await all(listPages(source, request()))).flat()).toMatchObject([{ id: 'a' }, { id: 'b' }]);
    }
    expect(mailgun.requests.map(({ url }) => url.split('?')[0])).toEqual([
      '/v3/mg.example.com/events',
      ...Array(4).fill('/v1/analytics/logs'),
    ]);
    expect([discontinued, slept]).toEqual([1, []]);
  });

  test('fails a listing in progress, since its pages come from one API', async () => {
    const source = open();
    const position = `${mailgun.url}/v3/next`;
    mailgun.reply(json({ items: [event], paging: { next: position } }), gone, first, last);
    await expect(all(listPages(source, request()))).rejects.toEqual(reason('discontinued'));
    await expect(all(listPages(source, request()))).resolves.toHaveLength(2);
    mailgun.reply(gone);
    await expect(source.page(request({ position }))).rejects.toEqual(reason('discontinued'));
    expect([discontinued, mailgun.requests.at(-1)?.url]).toEqual([2, '/v3/next']);
  });

  test('is not called again after an earlier run fell back, until that is reset', async () => {
    const source = open();
    expect(await source.total?.(request())).toBeUndefined();
    hasFallen = true;
    mailgun.reply(last);
    await source.page(request());
    mailgun.reply(json({ items: [], pagination: { total: 3 } }));
    expect(await source.total?.(request())).toBe(3);
    hasFallen = false;
    mailgun.reply(json({ items: [], paging: {} }));
    await source.page(request());
    expect(mailgun.requests.map(({ url }) => url.split('?')[0])).toEqual([
      '/v1/analytics/logs',
      '/v1/analytics/logs',
      '/v3/mg.example.com/events',
    ]);
  });

  test('is not replaced after a temporary failure or a refused key', async () => {
    mailgun.reply(json({}, 401));
    await expect(all(listPages(open(), request()))).rejects.toEqual(reason('unauthorized'));
    expect([mailgun.requests.length, discontinued]).toEqual([1, 0]);
  });

  test('announces its end in headers, which are reported with every reply', async () => {
    const facts: object[] = [];
    const headers = { sunset: 'Thu, 01 Jul 2027 00:00:00 GMT', deprecation: '@1790000000' };
    mailgun.reply(json({ items: [], paging: {} }, 200, headers));
    await createMailgunEvents({ ...access(), onDeprecated: (each) => facts.push(each) }).page(request());
    expect(facts).toEqual([{ path: '/v3/mg.example.com/events', ...headers }]);
  });
});

test('a reset time in the past adds no wait', () => {
  expect(requestedWaitMs(new Headers({ 'x-ratelimit-reset': '1000000000' }), NOW_MS)).toBeUndefined();
});
