import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Listening, listenOnLoopback } from '../../../../../tools/local-stack/run/listener.ts';
import { createClock } from '../../../../../tools/mailgun-twin/clock.ts';
import { createRandom } from '../../../../../tools/mailgun-twin/random.ts';
import type { EventData, Mail } from '../../../../../tools/mailgun-twin/traffic/event-parts.ts';
import { createTwin } from '../../../../../tools/mailgun-twin/twin.ts';
import { SMOOTH } from '../../../../../tools/mailgun-twin/webhooks/delivery.ts';
import { createPost } from '../../../../../tools/mailgun-twin/webhooks/webhook.ts';

const SIGNING_KEY = 'key-of-the-twin';
const MAIL: Mail = {
  domain: 'mg.example.com',
  messageId: '1@mg.example.com',
  from: 'hello@mg.example.com',
  subject: 'Hello',
  to: ['ada@north.example'],
  tags: ['receipt', 'shop'],
};
const DATA: EventData = { event: 'opened', id: 'an-event', timestamp: 1_790_000_000.5, recipient: 'ada@north.example' };

let server: Listening;
let received: { headers: IncomingHttpHeaders; body: string }[];
/** The receiver's responses in turn; 'hang' sends none, 'cut' breaks the connection. */
let statuses: (number | 'hang' | 'cut')[];

beforeEach(async () => {
  received = [];
  server = await listenOnLoopback(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body });
    const status = statuses.shift() ?? 200;
    if (status === 'cut') request.socket.destroy();
    else if (status !== 'hang') response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
  });
});

afterEach(() => server.close());

function startTwin() {
  const signal = new AbortController().signal;
  const post = createPost(`${server.url}/webhooks/mailgun`, 200, signal);
  const tools = { clock: createClock(signal), random: createRandom(1), compression: 1e7 };
  return createTwin({ signingKey: SIGNING_KEY, postsFor: () => [post], ...tools });
}

async function tell(happening: Partial<Parameters<ReturnType<typeof startTwin>['happen']>[0]>) {
  const twin = startTwin();
  const event = twin.happen({ mail: MAIL, data: DATA, plan: SMOOTH, ...happening });
  await twin.settled();
  return { twin, event };
}

const isSigned = ({ timestamp, token, signature }: { timestamp: string; token: string; signature: string }) =>
  signature ===
    createHmac('sha256', SIGNING_KEY)
      .update(timestamp + token)
      .digest('hex') && token.length === 50;

test('posts a signed event as JSON, with escaped slashes', async () => {
  statuses = [200];

  const { event } = await tell({ data: { ...DATA, url: 'https://shop.example/a' } });

  const { headers, body } = received[0]!;
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': expect.stringMatching(/^mailgun\/treq-/),
  });
  expect(body).toContain('https:\\/\\/shop.example\\/a');
  expect(JSON.parse(body)['event-data']).toEqual(event.data);
  expect(isSigned(JSON.parse(body).signature)).toBe(true);
  expect(event.record).toMatchObject({ outcome: 'acknowledged', attempts: [{ status: 200 }] });
});

test('the twin retries after a broken connection, a timeout and a redirect', async () => {
  statuses = ['cut', 'hang', 302, 200];

  const { event } = await tell({});

  expect(event.record.attempts.map(({ status }) => status)).toEqual([null, null, 302, 200]);
  expect(received).toHaveLength(4);
});

test('the twin posts delivered once, whatever the response', async () => {
  statuses = [503, 200];

  const { event } = await tell({ data: { ...DATA, event: 'delivered' } });

  expect(event.record.outcome).toBe('lost');
  expect(received).toHaveLength(1);
});

test('a legacy form is urlencoded, with the signed fields last', async () => {
  await tell({ encoding: 'urlencoded' });

  const fields = new URLSearchParams(received[0]!.body);
  const last = (name: string) => fields.getAll(name).at(-1) ?? '';
  expect(received[0]!.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
  expect(fields.get('event')).toBe('opened');
  expect(fields.get('Message-Id')).toBe('<1@mg.example.com>');
  expect(fields.getAll('tag')).toEqual(['receipt', 'shop']);
  expect(isSigned({ timestamp: last('timestamp'), token: last('token'), signature: last('signature') })).toBe(true);
});

test('a legacy form with an attachment is multipart', async () => {
  await tell({ encoding: 'multipart' });

  expect(received[0]!.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
  expect(received[0]!.body).toMatch(/name="attachment-1"; filename="report\.eml"/);
});

test('the twin records everything that happened in order, with what Mailgun would list', async () => {
  const twin = startTwin();

  twin.happen({ mail: MAIL, data: DATA, plan: { ...SMOOTH, delayMs: 300 } });
  twin.happen({ mail: MAIL, data: { ...DATA, id: 'a-later-event' }, plan: SMOOTH, listed: false });
  await twin.settled();

  expect(twin.events.map(({ data, listed }) => [data.id, listed])).toEqual([
    ['an-event', true],
    ['a-later-event', false],
  ]);
  expect(received.map(({ body }) => JSON.parse(body)['event-data'].id)).toEqual(['a-later-event', 'an-event']);
});
