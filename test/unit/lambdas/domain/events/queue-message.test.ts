import {
  decodeQueueMessage,
  encodeQueueMessage,
  messageGroupOf,
} from '../../../../../lambdas/domain/events/queue-message.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const message = { source: 'webhook' as const, receivedAt: 1, domain: 'd', event: deliveredEvent() };

test.each([
  ['half a surrogate pair', '\ud800'],
  ['a character that SQS refuses', '\uffff'],
  ['a control character', '\u0000\u007f'],
  ['an emoji', '🦄'],
  ['line separators', '\u2028'],
])('a message with %s is ASCII and is parsed back unchanged', (_name, text) => {
  const sent = { ...message, event: deliveredEvent({ recipient: text }) };
  const body = encodeQueueMessage(sent);

  expect(body).toMatch(/^[\x20-\x7e]*$/);
  expect(decodeQueueMessage(body)).toEqual({ ok: true, message: sent });
});

test('a message from reconciliation is parsed', () => {
  const sent = { ...message, source: 'reconcile' as const };
  expect(decodeQueueMessage(encodeQueueMessage(sent))).toEqual({ ok: true, message: sent });
});

test('the recipients of redacted copies are parsed from a message', () => {
  const sent = { ...message, redactedAs: ['-', '***'] };
  expect(decodeQueueMessage(encodeQueueMessage(sent))).toEqual({ ok: true, message: sent });
});

test("the archive's facts of a restored event are parsed from its message", () => {
  const sent = {
    ...message,
    restored: { atMs: 1_770_000_000_000, byWebhook: true, unconfirmedSince: 1_770_000_000_000 },
  };
  expect(decodeQueueMessage(encodeQueueMessage(sent))).toEqual({ ok: true, message: sent });
});

test.each([
  ['no JSON', '{', 'not-json', 'character 1'],
  ['no JSON that says where', 'ada@example.org', 'not-json', 'body'],
  ['no object', '[]', 'malformed-message', 'body'],
  ['no version', '{}', 'unknown-version', 'v'],
  ['a later version', JSON.stringify({ v: 2, ...message }), 'unknown-version', 'v'],
  ['an unknown source', JSON.stringify({ v: 1, ...message, source: 'x' }), 'malformed-message', 'source'],
  ['no domain', JSON.stringify({ v: 1, ...message, domain: null }), 'malformed-message', 'domain'],
  ['no event', JSON.stringify({ v: 1, ...message, event: [] }), 'malformed-message', 'event'],
  ['no texts', JSON.stringify({ v: 1, ...message, redactedAs: [1] }), 'malformed-message', 'redactedAs'],
  ['no facts', JSON.stringify({ v: 1, ...message, restored: true }), 'malformed-message', 'restored'],
  ['no time', JSON.stringify({ v: 1, ...message, receivedAt: '1' }), 'malformed-message', 'receivedAt'],
])('parsing refuses %s with reason and path', (_name, body, reason, where) => {
  expect(decodeQueueMessage(body)).toEqual({ ok: false, reason, where });
});

// As the first release wrote them; they may wait in a queue while the code that reads them is replaced.
const WRITTEN_BY_VERSION_1 = [
  [
    'webhook',
    '{"v":1,"source":"webhook","receivedAt":1770000000123,"domain":"mg.example.com","event":{"event":"delivered","id":"W3X4JOhFT-OZidZGKKr9iA","recipient":"\\u00e4da@example.org","timestamp":1770000000.25}}',
  ],
  [
    'reconcile',
    '{"v":1,"source":"reconcile","receivedAt":1770000000123,"domain":"mg.example.com","event":{"event":"delivered","id":"W3X4JOhFT-OZidZGKKr9iA","recipient":"\\u00e4da@example.org","timestamp":1770000000.25}}',
  ],
] as const;

test.each(WRITTEN_BY_VERSION_1)('a message of version 1 from %s is still parsed', (source, body) => {
  const event = {
    event: 'delivered',
    id: 'W3X4JOhFT-OZidZGKKr9iA',
    recipient: 'äda@example.org',
    timestamp: 1770000000.25,
  };

  expect(decodeQueueMessage(body)).toEqual({
    ok: true,
    message: { source, receivedAt: 1770000000123, domain: 'mg.example.com', event },
  });
});

test.each([
  ['webhook', 'mg.example.com', false, 'mg.example.com'],
  ['webhook', '-', false, '-'],
  ['reconcile', 'mg.example.com', false, 'reconcile#mg.example.com'],
  ['reconcile', 'mg.example.com', true, 'replay#mg.example.com'],
] as const)('a message of %s of %s (replay: %s) belongs to the group %s', (source, domain, isReplay, group) => {
  expect(messageGroupOf({ source, domain }, isReplay)).toBe(group);
});

test.each([`${'a'.repeat(200)}.example.com`, 'b\u00fccher.example', ''])(
  'the group of %j is valid in SQS',
  (domain) => {
    const group = messageGroupOf({ source: 'webhook', domain });
    expect(group).toMatch(/^[0-9a-f]{64}$/);
    expect(group).not.toBe(messageGroupOf({ source: 'webhook', domain: `${domain}x` }));
  },
);
