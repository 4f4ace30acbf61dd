import { randomUUID } from 'node:crypto';
import { type RawParameters, readParameters } from '../../../../api/read-parameters.ts';
import { readRoutes } from '../../../../api/routes.ts';
import { writeCursor } from '../../../../lambdas/read-api/http/cursor.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import { eventOf, ORIGIN, type ReadStack, type Reply, startReadStack } from '../../../support/stacks/read-stack.ts';

// Every route as a client uses it, through the gateway and the bundle.

let api: ReadStack;
beforeAll(async () => {
  api = await startReadStack();
});
afterAll(() => api?.stop());

/** Follows `Link` from page to page. */
async function walk(path: string): Promise<Reply[]> {
  const pages: Reply[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const page = await api.get(next);
    expect(page.status).toBe(200);
    pages.push(page);
    next = /^<(.+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    expect(next === undefined).toBe(page.body.next === null);
  }
  return pages;
}

const DAY = '2026-02-03';
const at = (time: string) => Date.parse(`${DAY}T${time}Z`) / 1000;

test('an event with unpaired surrogates is stored, and found by what its pages show', async () => {
  const [id, recipient, tag] = [
    `${randomUUID()}\ud83d@${DOMAIN}`,
    `b${randomUUID()}\udc00@north.example`,
    'spring\ud83d',
  ];
  const event = { event: 'failed', severity: 'permanent', reason: 'bounce\ud83d', recipient, tags: [tag] };
  await api.store(eventOf(id, { ...event, timestamp: at('09:00:00') }));

  const found = await api.get(`/mailgun/recipients/${encodeURIComponent(recipient.toWellFormed())}`);
  expect(found.body.messages).toMatchObject([{ messageId: id.toWellFormed(), reason: 'bounce\ufffd' }]);
  const shown = await api.get(`/mailgun/messages?id=${encodeURIComponent(found.body.messages[0].messageId)}`);
  expect(shown.body.recipients).toMatchObject([{ recipient: recipient.toWellFormed(), status: 'FAILED' }]);
  expect(shown.body.events).toMatchObject([{ event: 'failed', tags: [tag] }]);
  const tagged = await api.search({ day: DAY, tag: tag.toWellFormed() });
  expect(tagged.body.events).toHaveLength(1);
});

test.each([`${randomUUID()}@[127.0.0.1]`, `a,b-${randomUUID()}@example.org`])(
  'the recipient %s is found by every route that takes one',
  async (recipient) => {
    const id = `${randomUUID()}@${DOMAIN}`;
    await api.store(eventOf(id, { event: 'complained', recipient, timestamp: at('09:30:00') }));
    const address = encodeURIComponent(recipient);

    for (const path of [`/mailgun/recipients/${address}`, `/mailgun/recipients?address=${address}`])
      expect((await api.get(path)).body.messages).toMatchObject([{ messageId: id }]);
    expect((await api.get(`/mailgun/suppressions/${address}`)).body).toMatchObject({ recipient, suppressed: true });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ addresses: [recipient] });
    const checked = await api.read('/mailgun/suppressions/check', { method: 'POST', headers, body });
    expect(checked.body.recipients).toMatchObject([{ recipient, suppressed: true }]);
    expect((await api.search({ recipient })).body.events).toHaveLength(1);
    expect((await api.get(`/mailgun/events/tail?recipient=${address}`)).status).toBe(200);
  },
);

describe('a message', () => {
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const recipients = ['ada@north.example', 'bob@north.example', 'eve@north.example'];
  beforeAll(() =>
    api.store(
      ...recipients.flatMap((recipient, n) => [
        eventOf(messageId, { recipient, event: 'accepted', timestamp: at(`10:00:0${n}`) }),
        eventOf(messageId, { recipient, event: 'delivered', timestamp: at(`10:00:1${n}`) }),
        eventOf(messageId, { recipient, event: 'opened', timestamp: at(`10:00:2${n}`) }),
      ]),
    ),
  );

  test('is shown on one page, its events in the order of their time', async () => {
    const { status, body, headers } = await api.get(`/mailgun/messages/${messageId}`);
    expect(status).toBe(200);
    expect(headers.get('link')).toBeNull();
    expect(body.next).toBeNull();
    expect(body.recipients).toMatchObject(
      recipients.map((recipient) => ({ recipient, status: 'DELIVERED', opens: 1, countsComplete: true })),
    );
    const times = body.events.map(({ timestamp }: { timestamp: number }) => timestamp);
    expect(times).toHaveLength(9);
    expect(times).toEqual(times.toSorted());
  });

  test.each([1, 2, 3, 4, 8, 9])(
    'is shown in pages of %d events, each once, with the final counts on the last',
    async (limit) => {
      const pages = await walk(`/mailgun/messages/${messageId}?limit=${limit}`);
      const keys = pages.flatMap(({ body }) => body.events.map(({ key }: { key: string }) => key));
      expect(keys).toHaveLength(9);
      expect(new Set(keys).size).toBe(9);
      expect(pages.map(({ body }) => body.events.length)).toEqual(
        Array.from({ length: Math.ceil(9 / limit) }, (_, n) => Math.min(limit, 9 - n * limit)),
      );
      for (const recipient of recipients) {
        const entries = pages.flatMap(({ body }) =>
          body.recipients.filter((entry: { recipient: string }) => entry.recipient === recipient),
        );
        expect(entries.map(({ countsComplete }) => countsComplete)).toEqual(
          entries.map((_, n) => n === entries.length - 1),
        );
        expect(entries.at(-1)).toMatchObject({ status: 'DELIVERED', source: 'webhook', opens: 1, clicks: 0 });
      }
    },
  );

  test('that is unknown is a 404', async () => {
    expect(await api.get('/mailgun/messages/unknown@north.example')).toMatchObject({
      status: 404,
      body: { ok: false, reason: 'unknown-message' },
    });
  });
});

describe('the mail of a time', () => {
  const ids = ['delivered', 'deferred', 'accepted'].map((status) => `${status}-${randomUUID()}@${DOMAIN}`);
  const [delivered, deferred, accepted] = ids as [string, string, string];
  beforeAll(() =>
    api.store(
      ...ids.map((id, n) =>
        eventOf(id, {
          recipient: 'Ada@north.example',
          event: 'accepted',
          timestamp: at(`20:00:0${n}`),
          tags: ['Spring'],
          message: { headers: { 'message-id': id, subject: `Mail ${n}` } },
        }),
      ),
      eventOf(delivered, { recipient: 'ada@north.example', timestamp: at('20:01:00') }),
      eventOf(deferred, {
        recipient: 'ada@north.example',
        event: 'failed',
        severity: 'temporary',
        timestamp: at('20:01:00'),
      }),
    ),
  );
  const time = `from=${at('20:00:00')}&to=${at('20:00:10')}`;

  test.each([
    ['', [accepted, deferred, delivered]],
    ['&status=pending', [accepted, deferred]],
    ['&status=deferred', [deferred]],
    ['&status=Pending&tag=spring', [accepted]],
    ['&status=complained', []],
    [`&to=${at('20:00:01')}`, [delivered]],
  ])('is listed by status and tag: %s', async (query, wanted) => {
    const given = query.startsWith('&to=') ? `from=${at('20:00:00')}${query}` : time + query;
    const pages = await walk(`/mailgun/mails?limit=1&${given}`);
    expect(pages.flatMap(({ body }) => body.mails.map(({ messageId }: { messageId: string }) => messageId))).toEqual(
      wanted,
    );
  });

  test('has its recipient, subject and time of acceptance', async () => {
    const { body } = await api.get(`/mailgun/mails?status=accepted&${time}`);
    expect(body.mails).toMatchObject([
      { messageId: accepted, recipient: 'Ada@north.example', subject: 'Mail 2', acceptedAt: at('20:00:02') },
    ]);
  });

  test.each([
    ['status=lost', 'status', /one of accepted, .*pending$/],
    [`from=${at('20:00:00')}&to=${at('19:00:00')}`, 'from', /before to/],
    ['from=0', 'from', /at most 31 days/],
    [`${time}&day=${DAY}`, 'day', /without from and to/],
    ['domain=mg.other.example', 'domain', /one of/],
    ['recipient=ada@north.example', 'recipient', /not a parameter/],
  ])('of an impossible query is a 400: %s', async (query, parameter, message) => {
    const { status, body } = await api.get(`/mailgun/mails?${query}`);
    expect([status, body]).toMatchObject([400, { parameter, message: expect.stringMatching(message) }]);
  });
});

describe('a recipient', () => {
  const recipient = `Lea+${randomUUID()}@north.example`;
  const ids = [1, 2, 3, 4, 5].map((n) => `m${n}-${randomUUID()}@${DOMAIN}`);
  beforeAll(() =>
    api.store(
      ...ids.map((id, n) =>
        eventOf(id, {
          recipient,
          event: 'delivered',
          timestamp: at(`11:00:0${n}`),
          message: { headers: { 'message-id': id, subject: `Mail ${n}` } },
          tags: n === 1 ? ['Odd', 'welcome'] : ['welcome'],
        }),
      ),
    ),
  );

  test.each([1, 2, 5, 100])('has its messages newest first, in pages of %d', async (limit) => {
    const pages = await walk(`/mailgun/recipients/${encodeURIComponent(recipient.toLowerCase())}?limit=${limit}`);
    expect(pages).toHaveLength(Math.ceil(5 / limit));
    expect(pages.flatMap(({ body }) => body.messages)).toEqual(
      ids
        .map((messageId, n) => ({
          messageId,
          status: 'DELIVERED',
          reason: null,
          statusAt: at(`11:00:0${n}`),
          firstAt: at(`11:00:0${n}`),
          subject: `Mail ${n}`,
          tags: n === 1 ? ['odd', 'welcome'] : ['welcome'],
          domain: DOMAIN,
          testMode: false,
          direction: 'outbound',
          unconfirmed: false,
          confirmed: expect.any(Boolean),
          engagement: null,
        }))
        .toReversed(),
    );
  });

  test.each([
    ['status=delivered', 5],
    ['status=FAILED', 0],
    ['tag=Odd', 1],
    [`from=${at('11:00:01')}&to=${at('11:00:03')}`, 2],
    [`tag=welcome&from=${at('11:00:01')}`, 4],
  ])('has of its messages those of %s', async (filter, count) => {
    const pages = await walk(`/mailgun/recipients?address=${encodeURIComponent(recipient)}&${filter}&limit=2`);
    expect(pages.flatMap(({ body }) => body.messages)).toHaveLength(count);
  });

  test('has no messages if it is unknown', async () => {
    const { status, body } = await api.get('/mailgun/recipients/unknown@north.example');
    const nothing = { recipient: 'unknown@north.example', messages: [], searched: null, next: null };
    expect([status, body]).toEqual([200, nothing]);
  });

  test.each([
    [{}, 5],
    [{ domain: DOMAIN }, 5],
    [{ type: 'delivered' }, 5],
    [{ type: 'opened' }, 0],
    [{ from: at('11:00:01'), to: at('11:00:03') }, 2],
  ])('is searched for: %j', async (filter, events) => {
    const keys: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { status, body } = await api.search({ recipient, ...filter, limit: 2, cursor: cursor ?? null });
      expect(status).toBe(200);
      keys.push(...body.events.map(({ key }: { key: string }) => key));
      cursor = body.next;
    }
    expect([keys.length, new Set(keys).size]).toEqual([events, events]);
  });
});

describe('the events of a day', () => {
  const day = '2026-02-05';
  const types = ['accepted', 'clicked', 'delivered', 'opened', 'list_uploaded', 'list_member_uploaded'];
  beforeAll(() =>
    api.store(
      ...Array.from({ length: 24 }, (_, n) =>
        eventOf(randomUUID(), {
          event: types[n % types.length],
          // Four events share each millisecond, of the same and of different types.
          timestamp: Date.parse(`${day}T12:00:00Z`) / 1000 + Math.floor(n / 4),
        }),
      ),
    ),
  );

  test.each([1, 3, 7, 24, 100])('come newest first, in pages of %d', async (limit) => {
    const pages = await walk(`/mailgun/events?domain=${DOMAIN}&day=${day}&limit=${limit}`);
    const events = pages.flatMap(({ body }) => body.events);
    expect(pages).toHaveLength(Math.ceil(24 / limit));
    expect(new Set(events.map(({ key }) => key)).size).toBe(24);
    expect(events.map(({ timestamp }) => timestamp)).toEqual(
      events
        .map(({ timestamp }) => timestamp)
        .toSorted()
        .reverse(),
    );
    expect(events[0]).toMatchObject({ domain: DOMAIN, messageId: expect.any(String) });
  });

  test('are filtered by type', async () => {
    for (const type of types) {
      const pages = await walk(`/mailgun/events?domain=${DOMAIN}&day=${day}&type=${type.toUpperCase()}&limit=3`);
      const events = pages.flatMap(({ body }) => body.events);
      expect(events.map(({ event }) => event)).toEqual([type, type, type, type]);
    }
  });

  test('include from and exclude to, also across midnight', async () => {
    const midnight = Date.parse('2026-02-07T00:00:00Z') / 1000;
    const stamps = [-2, -1, 0, 1].map((seconds) => midnight + seconds);
    await api.store(...stamps.map((timestamp) => eventOf(randomUUID(), { timestamp })));
    const pages = await walk(`/mailgun/events?from=${midnight - 2}&to=2026-02-07T00:00:01Z&limit=1`);
    expect(pages.flatMap(({ body }) => body.events.map(({ timestamp }: { timestamp: number }) => timestamp))).toEqual([
      midnight,
      midnight - 1,
      midnight - 2,
    ]);
    const searched = await api.search({ domain: DOMAIN, from: midnight - 2, to: midnight + 1 });
    expect(searched.body.events).toHaveLength(3);
  });
});

describe('a tail', () => {
  const tag = `tail-${randomUUID()}`;
  const nowSeconds = () => Date.now() / 1000;
  const stored = (id: string, over = {}) =>
    eventOf(`${id}@${DOMAIN}`, { tags: [tag], timestamp: nowSeconds(), ...over });
  const read = async (cursor: string, headers = {}) =>
    api.get(`/mailgun/events/tail?${new URLSearchParams({ tag, cursor })}`, headers);
  const ids = ({ body }: Reply) =>
    body.events.map(({ messageId }: { messageId: string }) => messageId.replace(`@${DOMAIN}`, ''));

  test('shows each event once, and the same page for the same cursor', async () => {
    const start = (await api.get(`/mailgun/events/tail?tag=${tag}`)).body;
    expect(start).toEqual({ events: [], behind: false, next: expect.any(String) });
    await api.store(stored('one'), stored('two', { timestamp: nowSeconds() - 60 }), stored('other', { tags: ['x'] }));
    const first = await read(start.next);
    expect(ids(first).toSorted()).toEqual(['one', 'two']);
    expect(ids(await read(start.next)).toSorted()).toEqual(['one', 'two']);

    await api.store(stored('three'));
    expect(ids(await read(first.body.next))).toEqual(['three']);
  });

  test('keeps its cursor and its ETag while nothing is new', async () => {
    const { next } = (await api.get(`/mailgun/events/tail?tag=${tag}-quiet`)).body;
    const path = `/mailgun/events/tail?${new URLSearchParams({ tag: `${tag}-quiet`, cursor: next })}`;
    const quiet = await api.get(path);
    const again = await api.get(path, { 'if-none-match': quiet.headers.get('etag') ?? '' });

    expect([quiet.body.next, again.status, again.body]).toEqual([next, 304, null]);
  });

  test('is limited to a recipient and a storing time', async () => {
    const from = nowSeconds();
    await api.store(
      stored('mine', { recipient: 'Tail@North.example' }),
      stored('theirs', { recipient: 'eve@tail.example' }),
    );
    const { body } = await api.get(`/mailgun/events/tail?from=${from}&recipient=tail@north.example`);

    expect(ids({ body } as Reply)).toEqual(['mine']);
  });

  test('goes on for longer than the 31 days after which it may not begin', async () => {
    const { next } = (await api.get('/mailgun/events/tail')).body;
    const query = new URLSearchParams({ from: String(nowSeconds() - 32 * 86_400), cursor: next });
    expect(await api.get(`/mailgun/events/tail?${query}`)).toMatchObject({ status: 200, body: { events: [] } });
  });

  test.each([
    ['in the future', () => nowSeconds() + 60, /future/],
    ['more than 31 days ago', () => nowSeconds() - 32 * 86_400, /31 days/],
  ])('that begins %s is refused', async (_, from, says) => {
    const { status, body } = await api.get(`/mailgun/events/tail?from=${from()}`);
    expect([status, body.parameter]).toEqual([400, 'from']);
    expect(body.message).toMatch(says);
  });
});

describe('suppressions', () => {
  const recipient = `max.${randomUUID()}@north.example`;

  test('of an unknown address are none', async () => {
    const { status, body } = await api.get(`/mailgun/suppressions/${recipient}`);
    expect([status, body]).toEqual([200, { recipient, suppressed: false, suppressions: [] }]);
  });

  test('have kind, scope and reason, and are filtered by domain and tag', async () => {
    const base = { recipient, timestamp: at('13:00:00') };
    const messageId = randomUUID();
    await api.store(eventOf(messageId, { ...base, id: 'U', event: 'unsubscribed', tags: ['news'] }));
    const { body } = await api.get(`/mailgun/suppressions/${recipient.toUpperCase()}`);
    const since = `${DAY}T13:00:00.000Z`;
    const entry = {
      domain: DOMAIN,
      kind: 'unsubscribe',
      // Its tags may be those of the message.
      scope: '*',
      reason: null,
      source: 'event',
      since,
      lastAt: since,
      eventKey: 'unsubscribed#U',
    };
    expect(body).toEqual({
      recipient: recipient.toUpperCase(),
      suppressed: true,
      suppressions: [{ ...entry, causes: null, liftedAt: null }],
    });
    const { body: caused } = await api.get(`/mailgun/suppressions/${recipient}?causes=true`);
    expect(caused.suppressions[0].causes).toMatchObject([{ eventKey: 'unsubscribed#U', messageId, at: since }]);
    const isSuppressed = async (query: string) =>
      (await api.get(`/mailgun/suppressions/${recipient}?${query}`)).body.suppressed;
    expect(await isSuppressed(`domain=${DOMAIN}&tag=news`)).toBe(true);
    expect(await isSuppressed(`domain=${DOMAIN}&tag=receipts&tag=news`)).toBe(true);
    expect(await isSuppressed(`domain=${DOMAIN}&tag=receipts`)).toBe(true);
  });

  test('are read with one request to the table', async () => {
    const reads = async () => (await api.stack.stats()).byCaller['read-api']?.calls ?? {};
    const before = await reads();
    await api.get(`/mailgun/suppressions/${recipient}`);
    const after = await reads();
    const made = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(made.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)])).toEqual([['dynamodb.Query', 1]]);
  });
});

describe('the list of suppressions, and the check of many addresses', () => {
  const addresses = Array.from({ length: 5 }, (_, nth) => `list-${nth}-${randomUUID()}@north.example`);
  const bounced = (recipient: string, nth: number) =>
    eventOf(randomUUID(), {
      recipient,
      timestamp: at('15:00:00') + nth,
      id: `L${nth}`,
      event: 'failed',
      severity: 'permanent',
      reason: 'bounce',
    });
  const check = (body: unknown) =>
    api.read('/mailgun/suppressions/check', { method: 'POST', body: JSON.stringify(body) });

  test('is walked page by page, newest first, from a time on', async () => {
    await api.store(...addresses.map(bounced));
    const found: unknown[] = [];
    let path = `/mailgun/suppressions?domain=${DOMAIN}&kind=bounce&since=${DAY}T15:00:00Z&limit=2`;
    for (let pages = 1; ; pages += 1) {
      const { body, headers } = await api.get(path);
      found.push(...body.suppressions.map(({ recipient }: { recipient: string }) => recipient));
      const next = /<(.*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
      expect(next === undefined).toBe(body.next === null);
      if (next === undefined) {
        expect(pages).toBe(3);
        break;
      }
      path = next;
    }
    expect(found).toEqual(addresses.toReversed());
    const later = await api.get(`/mailgun/suppressions?kind=bounce&since=${DAY}T15:00:03Z`);
    expect(later.body.suppressions).toMatchObject([{ recipient: addresses[4] }, { recipient: addresses[3] }]);
    const others = await api.get(`/mailgun/suppressions?kind=complaint&since=${DAY}T15:00:00Z`);
    expect(others.body).toEqual({ suppressions: [], next: null });
  });

  test('a thousand addresses are checked in one request', async () => {
    const many = [...addresses, ...Array.from({ length: 995 }, (_, nth) => `unknown-${nth}@north.example`)];
    const { status, body } = await check({ addresses: many, domain: DOMAIN });
    expect([status, body.suppressed]).toEqual([200, 5]);
    expect(body.recipients.map(({ recipient }: { recipient: string }) => recipient)).toEqual(many);
    expect(body.recipients[0].suppressions).toMatchObject([{ kind: 'bounce', eventKey: 'failed#L0' }]);
  });

  test.each([
    [{}, 'addresses must be a list of addresses'],
    [{ addresses: 'a@b.example' }, 'addresses must be a list of addresses'],
    [{ addresses: [] }, 'addresses must hold 1 to 1000 addresses'],
    [{ addresses: Array.from({ length: 1001 }, () => 'a@b.example') }, 'addresses must hold 1 to 1000 addresses'],
    [{ addresses: ['a@b.example', 'unknown'] }, 'addresses[1] must be one address like ada@example.org'],
    [{ addresses: ['a@b.example', null] }, 'addresses[1] must be text'],
  ])('a wrong list is refused by name, in case %#', async (body, message) => {
    expect(await check(body)).toMatchObject({ status: 400, body: { parameter: 'addresses', message } });
  });
});

describe('ids and addresses of any characters are found:', () => {
  const HARD = [
    'a/b?c#d%e+f"g',
    "it's <odd> & (more) \\ than; that, =",
    '%2F%252F%%',
    'über-straße.日本語.🙂',
    `long-${'x'.repeat(295)}`,
    `lang-${'ü'.repeat(150)}`,
    '..',
    'search',
  ];

  test.each(HARD)('%s', async (text) => {
    const messageId = `${text}@${DOMAIN}`;
    // In a local part, blanks and brackets need quotation marks.
    const recipient = `${/[\s<>]/.test(text) ? JSON.stringify(text) : text}@north.example`;
    await api.store(eventOf(messageId, { recipient, event: 'unsubscribed', tags: [] }));

    const id = encodeURIComponent(messageId);
    const address = encodeURIComponent(recipient);
    // The gateway cuts a path at a question mark, escaped or not, so such an address is refused and never misread.
    const isCut = text.includes('?');
    const whole = (path: string) => (isCut ? [] : [path]);
    for (const path of [
      ...whole(`/messages/${id}`),
      `/messages?id=${id}`,
      `/messages?id=${encodeURIComponent(`<${messageId}>`)}`,
    ]) {
      expect(await api.get(`/mailgun${path}`)).toMatchObject({
        status: 200,
        body: { messageId, events: [{ recipient }] },
      });
    }
    for (const path of [...whole(`/recipients/${address}`), `/recipients?address=${address}`]) {
      expect((await api.get(`/mailgun${path}`)).body).toMatchObject({ recipient, messages: [{ messageId }] });
    }
    for (const path of [...whole(`/suppressions/${address}`), `/suppressions?address=${address}`]) {
      expect((await api.get(`/mailgun${path}`)).body).toMatchObject({ recipient, suppressed: true });
    }
    expect((await api.search({ recipient })).body.events).toMatchObject([{ recipient, messageId }]);
  });
});

describe('wrong parameters are named:', () => {
  test.each([
    ['/messages', 'id'],
    ['/messages/', 'id'],
    ['/messages?id=%3C%3E', 'id'],
    // The gateway cuts it to `cut`, which cannot be known as unknown.
    ['/messages/cut%3F@north.example', 'id'],
    ['/messages/x?id=y', 'id'],
    ['/messages/x?limit=0', 'limit'],
    ['/messages/x?limit=1001', 'limit'],
    ['/messages/x?limit=ten', 'limit'],
    ['/messages/x?limit=', 'limit'],
    ['/messages/x?limit=5&limit=5', 'limit'],
    ['/messages/x?cursor=', 'cursor'],
    ['/messages/x?cursor=abc', 'cursor'],
    ['/recipients/', 'address'],
    ['/recipients/-', 'address'],
    ['/recipients/undefined', 'address'],
    ['/recipients/a@b?limit=-1', 'limit'],
    ['/recipients/a@b?cursor=abc.def', 'cursor'],
    ['/suppressions?address=', 'address'],
    ['/suppressions?kind=typo', 'kind'],
    ['/suppressions?since=yesterday', 'since'],
    ['/suppressions?domain=foreign.example', 'domain'],
    ['/suppressions?cursor=abc', 'cursor'],
    ['/suppressions?kind=bounce&address=a@b', 'kind'],
    ['/suppressions/ada', 'address'],
    // The gateway cuts it to `who`, which must never read as not suppressed.
    ['/suppressions/who%3F@north.example', 'address'],
    ['/suppressions/a@b?domain=', 'domain'],
    ['/suppressions/a@b?domain=other.example.com', 'domain'],
    ['/suppressions/a@b?domain=-', 'domain'],
    ['/suppressions/a@b?tag=', 'tag'],
    ['/suppressions/a@b?tags=news', 'tags'],
    ['/events?domain=foreign.example', 'domain'],
    ['/events?domain=', 'domain'],
    ['/events?day=2026-02-30', 'day'],
    ['/events?day=yesterday', 'day'],
    ['/events?day=2026-02-03&from=0', 'day'],
    ['/events?from=soon', 'from'],
    ['/events?from=2026-02-30', 'from'],
    ['/events?to=9&from=9', 'from'],
    ['/events?from=5&to=5', 'from'],
    ['/events?from=0&to=2678401', 'from'],
    ['/events?to=tomorrow', 'to'],
    ['/events?type=', 'type'],
    ['/events?type=permanent_fail', 'type'],
    ['/events?tpye=failed', 'tpye'],
    ['/events?type=failed&type=opened', 'type'],
    ['/events?limit=1e2', 'limit'],
    ['/events?cursor=x', 'cursor'],
    ['/events?day=2099-01-01', 'day'],
    ['/events?from=2099-01-01&to=2099-01-02', 'from'],
    ['/events?to=2099-01-02', 'to'],
    ['/events?tag=%20', 'tag'],
    ['/events?subject=%20', 'subject'],
    ['/events?type=delivered&severity=temporary', 'severity'],
    ['/events?type=opened&subject=Hello', 'subject'],
    ['/events/tail?type=delivered&severity=temporary', 'severity'],
    ['/mails?day=2099-01-01', 'day'],
    ['/mails?tag=%20', 'tag'],
    ['/recipients/a@b.example?from=2099-01-01', 'from'],
    ['/suppressions?since=2099-01-01', 'since'],
    ['/suppressions/a@b.example?tag=%20', 'tag'],
    ['/campaigns/%20', 'tag'],
    ['/ledger?from=2099-01-01&to=2099-01-02', 'from'],
    ['/stats?tag=%20%20', 'tag'],
    ['/stats?from=2099-01-01&to=2099-01-02', 'from'],
    ['/ledger?domain=foreign.example', 'domain'],
    ['/ledger?domain=-', 'domain'],
    ['/stats?from=x', 'from'],
    ['/stats?from=5.1&to=5.2', 'from'],
    ['/health?verbose=1', 'verbose'],
  ])('%s', async (path, parameter) => {
    expect(await api.get(`/mailgun${path}`)).toMatchObject({
      status: 400,
      body: { ok: false, reason: 'bad-parameter', parameter, message: expect.stringMatching(`^${parameter} `) },
    });
  });

  test.each([
    ['{', 'body'],
    ['[]', 'body'],
    ['', 'body'],
    [`"${'x'.repeat(70_000)}"`, 'body'],
    [{ recipient: ' ' }, 'recipient'],
    [{ recipient: ['x'] }, 'recipient'],
    [{ recipient: 'x' }, 'recipient'],
    [{ recipient: 'a@b', domain: 'foreign.example' }, 'domain'],
    [{ recipient: 'a@b', limit: 0.5 }, 'limit'],
    [{ recipient: 'a@b', limit: true }, 'limit'],
    [{ recipient: 'a@b', from: 'soon' }, 'from'],
    [{ recipient: 'a@b', type: '' }, 'type'],
    [{ recipient: 'a@b', address: 'a@b' }, 'address'],
    [{ recipient: 'a@b', from: '2099-01-01' }, 'from'],
    [{ recipient: 'a@b', type: 'accepted', severity: 'permanent' }, 'severity'],
    [{ domain: DOMAIN, type: 'clicked', subject: 'Hello' }, 'subject'],
    [{ recipient: 'a@b', cursor: 'e30.AAAA' }, 'cursor'],
    [{ domain: DOMAIN, from: 9, to: 5 }, 'from'],
  ])('search %j', async (body, parameter) => {
    expect(await api.search(body)).toMatchObject({
      status: 400,
      body: { ok: false, reason: 'bad-parameter', parameter },
    });
  });
});

describe('a cursor', () => {
  const recipient = `cursor.${randomUUID()}@north.example`;
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const day = '2026-03-01';
  const fromMs = Date.parse(`${day}T00:00:00Z`);
  beforeAll(() =>
    api.store(
      ...[0, 1, 2].map((n) => eventOf(messageId, { recipient, timestamp: Date.parse(`${day}T09:00:0${n}Z`) / 1000 })),
      eventOf(`other-${messageId}`, { recipient, timestamp: Date.parse(`${day}T10:00:00Z`) / 1000 }),
      ...[0, 1].map((n) =>
        eventOf(`mail-${n}-${messageId}`, { event: 'accepted', recipient, timestamp: fromMs / 1000 }),
      ),
      ...[0, 1].map((n) =>
        eventOf(`complained-${n}-${messageId}`, {
          event: 'complained',
          recipient: `${n}.${recipient}`,
          timestamp: fromMs / 1000,
        }),
      ),
    ),
  );
  const paths = () => [
    `/mailgun/messages/${messageId}?limit=1`,
    `/mailgun/recipients/${recipient}?limit=1`,
    `/mailgun/events?day=${day}&limit=1`,
    `/mailgun/mails?day=${day}&limit=1`,
    `/mailgun/suppressions?domain=${DOMAIN}&kind=complaint&limit=1`,
    `/mailgun/events/tail?domain=${DOMAIN}&limit=1`,
  ];

  test('that was modified anywhere is refused', async () => {
    for (const path of paths()) {
      const cursor: string = (await api.get(path)).body.next;
      for (let n = 0; n < cursor.length; n += 7) {
        const changed = cursor.slice(0, n) + (cursor[n] === 'A' ? 'B' : 'A') + cursor.slice(n + 1);
        expect(await api.get(`${path}&cursor=${changed}`)).toMatchObject({
          status: 400,
          body: { parameter: 'cursor' },
        });
      }
    }
  });

  test('of another query is refused', async () => {
    const cursors: string[] = [];
    for (const path of paths()) cursors.push((await api.get(path)).body.next);
    const others = [...paths(), `/mailgun/messages/other-${messageId}`, `/mailgun/events?day=2026-03-02`].map(
      (path) => path + (path.includes('?') ? '' : '?limit=1'),
    );
    for (const [n, cursor] of cursors.entries()) {
      for (const [m, path] of others.entries()) {
        const { status } = await api.get(`${path}&cursor=${cursor}`);
        expect([n, m, status]).toEqual([n, m, n === m ? 200 : 400]);
      }
    }
  });
});

test('a tail whose cursor is refused says from when to start again', async () => {
  expect(await api.get('/mailgun/events/tail?cursor=e30.AAAA')).toMatchObject({
    status: 400,
    body: {
      parameter: 'cursor',
      message: expect.stringMatching(
        /start again with `from` two days before the last page with `behind: false` was read \(without one, as at first\)/,
      ),
    },
  });
});

/** Returns a cursor with a right check, as a client could invent it that knows the code. */
function inventedCursor(
  operation: 'getRecipient' | 'getMessage' | 'listEvents' | 'listSuppressions',
  raw: RawParameters,
  position: object,
) {
  const parsed = readParameters(readRoutes([DOMAIN], [], DOMAIN)[operation].parameters, raw);
  if (!parsed.ok) throw new Error(parsed.message);
  const { limit: _, cursor: __, ...query } = parsed.query as Record<string, unknown>;
  const { since, ...others } = query;
  return writeCursor([operation, operation === 'listSuppressions' ? { since, ...others } : query], position);
}

describe('an invented cursor', () => {
  const address = 'invented@north.example';
  const [from, to] = ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'];
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  const message = (atMs: number, partition = 'MSG#x') => ({ partition, atMs });
  const listed = (atMs: number, partition = 'SUP#a@b') => ({ list: 0, after: { partition, sort: 'd#bounce#*', atMs } });
  const event = (atMs: number, range = { fromMs, toMs }) => ({
    range,
    place: { partition: 'MSG#x', sort: 'R#a#E#delivered#1', type: 'delivered', atMs },
  });
  const ofRecipient = {
    operation: 'getRecipient',
    path: `/recipients/${address}`,
    raw: { from, to },
    inPath: { address },
  } as const;
  const ofSuppressions = {
    operation: 'listSuppressions',
    path: '/suppressions',
    raw: { domain: DOMAIN, since: from },
    inPath: {},
  } as const;
  const ofEvents = { operation: 'listEvents', path: '/events', raw: { from, to }, inPath: {} } as const;
  const ofMessage = { operation: 'getMessage', path: '/messages/x@y', raw: {}, inPath: { id: 'x@y' } } as const;

  test.each([
    { ...ofRecipient, name: 'before the range', position: message(fromMs - 1), is: 400 },
    { ...ofRecipient, name: 'at the start of the range', position: message(fromMs), is: 200 },
    { ...ofRecipient, name: 'at the end of the range', position: message(toMs), is: 400 },
    { ...ofRecipient, name: 'in another partition', position: message(fromMs, 'SUP#x'), is: 400 },
    { ...ofSuppressions, name: 'before the range', position: listed(fromMs - 1), is: 400 },
    { ...ofSuppressions, name: 'at the start of the range', position: listed(fromMs), is: 200 },
    { ...ofSuppressions, name: 'in another partition', position: listed(fromMs, 'MSG#x'), is: 400 },
    { ...ofEvents, name: 'before the range', position: event(fromMs - 1), is: 400 },
    { ...ofEvents, name: 'at the start of the range', position: event(fromMs), is: 200 },
    { ...ofEvents, name: 'at the end of the range', position: event(toMs), is: 400 },
    { ...ofEvents, name: 'of a range without an end', position: event(fromMs, { fromMs: 0, toMs }), is: 400 },
    { ...ofMessage, name: 'in another partition', position: { after: 'CLAIM' }, is: 400 },
  ])('of $operation $name gets a $is', async ({ operation, path, raw, inPath, position, is }) => {
    const cursor = inventedCursor(operation, { ...raw, ...inPath }, position);
    const { status, body } = await api.get(`/mailgun${path}?${new URLSearchParams({ ...raw, cursor })}`);

    expect({ status, parameter: body.parameter }).toEqual({ status: is, parameter: is === 400 ? 'cursor' : undefined });
  });
});

describe('responses', () => {
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const path = `/mailgun/messages/${messageId}`;
  beforeAll(() => api.store(eventOf(messageId)));

  /**
   * Repeats a request with the ETag of its first response; between the two, the second pass may mark the event as
   * unconfirmed, once.
   */
  const askAgain = async (headers: object = {}, tagsOf = (etag: string) => etag) => {
    const readTwice = async () => {
      const etag = (await api.get(path)).headers.get('etag') ?? '';
      return { etag, again: await api.get(path, { ...headers, 'if-none-match': tagsOf(etag) }) };
    };
    const first = await readTwice();
    return first.again.status === 304 ? first : readTwice();
  };

  test('can be requested conditionally', async () => {
    for (const tagsOf of [(etag: string) => etag, (etag: string) => `W/${etag}`, (etag: string) => `"x", ${etag}`]) {
      const { etag, again } = await askAgain({}, tagsOf);
      expect(etag).toMatch(/^"[\w-]{27}"$/);
      expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, null, etag]);
    }
    const any = await api.get(path, { 'if-none-match': '*' });
    expect([any.status, any.body]).toEqual([304, null]);
    expect((await api.get(path, { 'if-none-match': '"x"' })).status).toBe(200);

    const etag = (await api.get(path)).headers.get('etag') ?? '';
    await api.store(eventOf(messageId, { event: 'opened' }));
    expect((await api.get(path, { 'if-none-match': etag })).status).toBe(200);
  });

  test('carry CORS with every status, only for the allowed origin', async () => {
    api.stack.setFaults([{ service: 'dynamodb', operation: 'Query', mode: 'refuse', percent: 100 }]);
    const unavailable = await api.request(path);
    const unavailableAbroad = await api.request(path, { headers: { origin: 'https://evil.example' } });
    api.stack.setFaults([]);
    const replies = [
      [200, await api.get(path), await api.get(path, { origin: 'https://evil.example' })],
      [304, (await askAgain()).again, (await askAgain({ origin: 'null' })).again],
      [
        400,
        await api.get('/mailgun/messages'),
        await api.get('/mailgun/messages', { origin: 'http://localhost:51730' }),
      ],
      [
        401,
        await api.get(path, { authorization: '' }),
        await api.get(path, { authorization: '', origin: `${ORIGIN}/` }),
      ],
      [404, await api.get('/mailgun/nothing'), await api.get('/mailgun/nothing', { origin: '*' })],
      [
        405,
        await api.request(path, { method: 'DELETE' }),
        await api.request(path, { method: 'DELETE', headers: { origin: 'https://localhost:5173' } }),
      ],
      [503, unavailable, unavailableAbroad],
    ] as const;
    for (const [status, home, abroad] of replies) {
      expect([status, home.status, abroad.status]).toEqual([status, status, status]);
      expect([status, home.headers.get('access-control-allow-origin')]).toEqual([status, ORIGIN]);
      expect(home.headers.get('access-control-expose-headers')).toBe('ETag, Link, Retry-After');
      expect(abroad.headers.get('access-control-allow-origin')).toBeNull();
      for (const { headers } of [home, abroad]) {
        expect([status, headers.get('vary'), headers.get('cache-control')]).toEqual([
          status,
          'Origin',
          'private, no-cache',
        ]);
        expect(headers.get('access-control-allow-credentials')).toBeNull();
      }
    }
    expect(unavailable.headers.get('retry-after')).toBe('2');
    expect(unavailable.body).toEqual({ ok: false, reason: 'unavailable' });
  });

  test.each([
    ['/mailgun/messages/x', 'POST', 'GET, OPTIONS'],
    ['/mailgun/events', 'PUT', 'GET, OPTIONS'],
    ['/mailgun/events/search', 'GET', 'POST, OPTIONS'],
    ['/mailgun/ledger', 'HEAD', 'GET, OPTIONS'],
  ])('%s by %s lists the allowed methods', async (route, method, allow) => {
    const { status, headers } = await api.request(route, { method });
    expect([status, headers.get('allow')]).toEqual([405, allow]);
  });

  test('to a preflight require no token', async () => {
    const headers = { authorization: '', 'access-control-request-method': 'POST' };
    const { status, headers: received } = await api.request('/mailgun/events/search', { method: 'OPTIONS', headers });
    expect(status).toBe(204);
    expect(Object.fromEntries([...received].filter(([name]) => /^(access|vary)/.test(name)))).toEqual({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-headers': 'Authorization, Content-Type, If-None-Match',
      'access-control-expose-headers': 'ETag, Link, Retry-After',
      'access-control-max-age': '600',
      vary: 'Origin',
    });
  });
});

test('the webhook route sends no CORS header to any request', async () => {
  const { webhookUrl } = api.ready;
  const { origin, pathname } = new URL(webhookUrl);
  for (const method of ['OPTIONS', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH']) {
    for (const path of [pathname, '/', '/mailgun/messages/x', `${pathname}/x`]) {
      const response = await fetch(origin + path, {
        method,
        headers: {
          origin: ORIGIN,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      });
      expect(response.ok).toBe(false);
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  }
});
