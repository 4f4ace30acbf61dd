import Mailgun from 'mailgun.js';
import type { Happening } from '../../../../tools/mailgun-twin/twin.ts';
import { API_DOMAIN, API_KEY, startTestApi, type TestApi } from '../../../support/doubles/mailgun-api.ts';

let api: TestApi;
afterEach(() => api.close());

async function start() {
  api = await startTestApi(0);
  const happened: Happening[] = [];
  api.takeMail({
    happen: (happening) => {
      happened.push(happening);
      return undefined as never;
    },
  });
  return happened;
}

const send = (form: URLSearchParams, domain = API_DOMAIN) =>
  fetch(`${api.url}/v3/${domain}/messages`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`api:${API_KEY}`)}` },
    body: form,
  });

test("Mailgun's own client sends a mail, which is accepted and delivered at each recipient", async () => {
  const happened = await start();
  const client = new Mailgun(FormData).client({ username: 'api', key: API_KEY, url: api.url });
  const { id } = await client.messages.create(API_DOMAIN, {
    from: `shop@${API_DOMAIN}`,
    to: ['Ada <ada@example.org>', 'bob@example.org'],
    subject: 'Grüße',
    text: 'Hallo',
    'o:tag': ['a', 'b'],
    'v:my-id': 'order-7',
  });
  expect(id).toMatch(/^<.+>$/);
  expect(happened.map(({ data }) => [data.event, data.recipient])).toEqual([
    ['accepted', 'ada@example.org'],
    ['delivered', 'ada@example.org'],
    ['accepted', 'bob@example.org'],
    ['delivered', 'bob@example.org'],
  ]);
  for (const { data } of happened) {
    expect(data).toMatchObject({
      tags: ['a', 'b'],
      'user-variables': { 'my-id': 'order-7' },
      message: { headers: { 'message-id': id?.slice(1, -1) } },
    });
  }
});

test('cc and bcc get the mail too, with test mode, template and variables as the sender gave them', async () => {
  const happened = await start();
  const client = new Mailgun(FormData).client({ username: 'api', key: API_KEY, url: api.url });
  await client.messages.create(API_DOMAIN, {
    from: `shop@${API_DOMAIN}`,
    to: 'ada@example.org',
    cc: 'bob@example.org',
    bcc: 'Eve <eve@example.org>',
    template: 'welcome',
    'o:testmode': true,
    'h:X-Mailgun-Variables': JSON.stringify({ order: { id: 7 } }),
    'v:order': 'own',
    'v:plan': 'gold',
  });

  expect([...new Set(happened.map(({ data }) => data.recipient))]).toEqual([
    'ada@example.org',
    'bob@example.org',
    'eve@example.org',
  ]);
  for (const { data } of happened) {
    expect(data).toMatchObject({
      flags: { 'is-test-mode': true },
      template: { name: 'welcome' },
      'user-variables': { order: 'own', plan: 'gold' },
      message: { headers: { to: 'ada@example.org' } },
    });
  }
});

test('a MIME message is read by its own headers, and goes to the recipients of the form', async () => {
  const happened = await start();
  const client = new Mailgun(FormData).client({ username: 'api', key: API_KEY, url: api.url });
  const message = [
    `From: The shop <shop@${API_DOMAIN}>`,
    'To: list@example.org',
    'Subject: Your',
    ' order',
    'X-Mailgun-Tag: receipt',
    'X-Mailgun-Variables: {"order": 7}',
    '',
    'Subject: not a header',
  ].join('\r\n');
  await client.messages.create(API_DOMAIN, { to: ['ada@example.org'], message });

  expect(happened.map(({ data }) => [data.event, data.recipient])).toEqual([
    ['accepted', 'ada@example.org'],
    ['delivered', 'ada@example.org'],
  ]);
  expect(happened[0]?.data).toMatchObject({
    tags: ['receipt'],
    'user-variables': { order: 7 },
    message: { headers: { subject: 'Your order', from: `The shop <shop@${API_DOMAIN}>` } },
  });
});

test.each(['fields', 'MIME'])(
  'a 64-bit number in the variables of a mail sent by %s keeps every digit',
  async (way) => {
    const happened = await start();
    const client = new Mailgun(FormData).client({ username: 'api', key: API_KEY, url: api.url });
    const variables = '{"order":9007199254740993,"lines":[{"id":-12345678901234567890}],"count":2}';
    const mail =
      way === 'fields'
        ? { from: `shop@${API_DOMAIN}`, text: 'Hallo', 'h:X-Mailgun-Variables': variables }
        : { message: `From: shop@${API_DOMAIN}\r\nX-Mailgun-Variables: ${variables}\r\n\r\nHallo` };
    await client.messages.create(API_DOMAIN, { ...mail, to: ['ada@example.org'] });

    expect(happened.map(({ data }) => JSON.stringify(data['user-variables']))).toEqual([variables, variables]);
  },
);

test.each([
  ['no sender', { to: 'a@b.example' }, 'from parameter is missing'],
  ['no recipient', { from: 'a@b.example' }, 'to parameter is missing'],
  [
    'no body',
    { from: 'a@b.example', to: 'c@d.example' },
    "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified",
  ],
])('the twin refuses a message: %s', async (_, form, message) => {
  const happened = await start();
  const response = await send(new URLSearchParams(form as Record<string, string>));
  expect([response.status, await response.json(), happened]).toEqual([400, { message }, []]);
});

test('a foreign domain sends nothing', async () => {
  await start();
  expect((await send(new URLSearchParams({ from: 'a@b.example', to: 'c@d.example' }), 'foreign.example')).status).toBe(
    404,
  );
});
