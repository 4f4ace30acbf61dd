import { parseJsonWebhook } from '../../../../../lambdas/domain/webhooks/webhook-body.ts';
import { parserFor } from '../../../../../lambdas/ingest/body-format.ts';
import { deliveredEvent, jsonBody, signed } from '../../../../support/fixtures/webhooks.ts';

const SIGNATURE = signed();
const refused = (reason: string) => ({ ok: false, reason });
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

test('a JSON body is parsed into signature and event', () => {
  const body = jsonBody(deliveredEvent(), { ...SIGNATURE, 'parent-signature': 'p', unknown: 1 });

  expect(parseJsonWebhook(body)).toEqual({
    ok: true,
    webhook: { signature: { ...SIGNATURE, parentSignature: 'p' }, event: deliveredEvent() },
  });
});

test('a numeric timestamp is read by its digits', () => {
  const parsed = parseJsonWebhook(jsonBody(deliveredEvent(), { ...SIGNATURE, timestamp: 1770000000 }));
  expect(parsed).toMatchObject({ ok: true, webhook: { signature: { timestamp: '1770000000' } } });
});

test.each([
  ['nothing', ''],
  ['no JSON', 'not json'],
  ['a byte order mark', '\ufeff{}'],
  ['65 levels', nested(65)],
  ['65 levels of objects', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`],
  ['a hundred thousand levels', nested(100_000)],
])('a malformed body is refused: %s', (_name, text) => {
  expect(parseJsonWebhook(Buffer.from(text))).toEqual(refused('malformed-body'));
});

test('a body that is not UTF-8 is refused', () => {
  const body = Buffer.from(jsonBody(deliveredEvent({ recipient: 'caf\u00e9@b.example' })));
  expect(parseJsonWebhook(Buffer.from(body.toString('utf8'), 'latin1'))).toEqual(refused('malformed-body'));
});

test('a body with 64 levels is parsed', () => {
  const event = JSON.parse(`${'{"a":'.repeat(62)}1${'}'.repeat(62)}`);
  expect(parseJsonWebhook(jsonBody({ ...event, event: 'x' }, SIGNATURE))).toMatchObject({ ok: true });
  expect(parseJsonWebhook(Buffer.from(nested(64)))).toEqual(refused('malformed-webhook'));
});

test.each([
  ['null', 'null'],
  ['an array', '[]'],
  ['a text', '"x"'],
  ['no signature', { 'event-data': deliveredEvent() }],
  ['a signature that is an array', { signature: [SIGNATURE], 'event-data': deliveredEvent() }],
  ['no event-data', { signature: SIGNATURE }],
  ['event-data as array', { signature: SIGNATURE, 'event-data': [deliveredEvent()] }],
  ['no event', { signature: SIGNATURE, 'event-data': { id: 'x' } }],
  ['a blank event', { signature: SIGNATURE, 'event-data': { event: ' ' } }],
  ['an event that is no text', { signature: SIGNATURE, 'event-data': { event: ['delivered'] } }],
  ['a fractional timestamp', { signature: { ...SIGNATURE, timestamp: 1.5 }, 'event-data': deliveredEvent() }],
  [
    'a signature in an array',
    { signature: { ...SIGNATURE, signature: [SIGNATURE.signature] }, 'event-data': deliveredEvent() },
  ],
  ['a token in an array', { signature: { ...SIGNATURE, token: ['t'] }, 'event-data': deliveredEvent() }],
  ['fields inherited by name', { __proto__: { signature: SIGNATURE }, 'event-data': deliveredEvent() }],
])('a malformed webhook is refused: %s', (_name, body) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  expect(parseJsonWebhook(Buffer.from(text))).toEqual(refused('malformed-webhook'));
});

const FORM = 'application/x-www-form-urlencoded';
const post = (fields: [string, string][], type = FORM) =>
  parserFor(type)(Buffer.from(new URLSearchParams(fields).toString()));
const legacy: [string, string][] = [
  ['event', 'bounced'],
  ['recipient', 'ada@example.org'],
  ['domain', 'mg.example.com'],
  ['Message-Id', '<1@mg.example.com>'],
  ['code', '550'],
  ['error', 'no such user'],
  ['tag', 'a'],
  ['tag', 'b'],
  ['order-id', '77'],
  ...(Object.entries(SIGNATURE) as [string, string][]),
];

test('a legacy form becomes an event of the current shape', async () => {
  expect(await post(legacy, 'Application/X-WWW-Form-URLencoded; charset=utf-8')).toMatchObject({
    ok: true,
    webhook: {
      signature: SIGNATURE,
      event: {
        event: 'failed',
        severity: 'permanent',
        reason: 'bounce',
        timestamp: 1770000000,
        recipient: 'ada@example.org',
        domain: 'mg.example.com',
        message: { headers: { 'message-id': '1@mg.example.com' } },
        'delivery-status': { code: '550', message: 'no such user' },
        tags: ['a', 'b'],
        'user-variables': { 'order-id': '77' },
      },
    },
  });
});

test('of user variables with the same name the last counts for the signature, the first for the event', async () => {
  const parsed = await post([
    ['token', 'a variable'],
    ...legacy,
    ['event', 'delivered'],
    ['recipient', 'eve@example.org'],
  ]);
  expect(parsed).toMatchObject({
    ok: true,
    webhook: { signature: SIGNATURE, event: { event: 'failed', recipient: 'ada@example.org' } },
  });
});

test('a parent signature is read from a form too', async () => {
  const parsed = await post([...legacy, ['parent-signature', 'p']]);
  expect(parsed).toMatchObject({ ok: true, webhook: { signature: { parentSignature: 'p' } } });
  const without = await post([['sender', 'a@b.example'], ...(Object.entries(SIGNATURE) as [string, string][])]);
  expect(without).toStrictEqual({ ok: true, webhook: { signature: SIGNATURE } });
});

test('a variable named __proto__ stays a variable', async () => {
  const parsed = await post([...legacy, ['__proto__', 'x']]);
  const variables = parsed.ok && parsed.webhook.event?.['user-variables'];
  expect(Object.entries(variables || {})).toEqual([
    ['order-id', '77'],
    ['__proto__', 'x'],
  ]);
});

test('multipart forms are parsed without their files', async () => {
  const form = new FormData();
  for (const [name, value] of legacy) form.append(name, value);
  form.append('attachment-1', new Blob(['x']), 'notes.txt');
  const encoded = new Response(form);
  const type = encoded.headers.get('content-type') as string;

  const parsed = await parserFor(type)(new Uint8Array(await encoded.arrayBuffer()));

  expect(parsed).toMatchObject({ ok: true, webhook: { event: { event: 'failed', recipient: 'ada@example.org' } } });
  expect(JSON.stringify(parsed)).not.toContain('notes.txt');
});

test('a form without event is an inbound Route post', async () => {
  const parsed = await post([
    ['sender', 'a@b.example'],
    ['body-plain', 'hi'],
    ...(Object.entries(SIGNATURE) as [string, string][]),
  ]);
  expect(parsed).toEqual({ ok: true, webhook: { signature: SIGNATURE } });
});

test('a form without signature is a malformed webhook, a broken form a malformed body', async () => {
  expect(await post([['event', 'delivered']])).toEqual(refused('malformed-webhook'));
  expect(await parserFor('multipart/form-data')(Buffer.from('x'))).toEqual(refused('malformed-body'));
});

test('a 64-bit number in the user variables keeps every digit', () => {
  const text = jsonBody(deliveredEvent({ 'user-variables': { id: 'ID' } }))
    .toString()
    .replace('"ID"', '9007199254740993');
  const parsed = parseJsonWebhook(Buffer.from(text));
  expect(parsed.ok && parsed.webhook.event?.['user-variables']).toEqual({ id: '9007199254740993' });
});
