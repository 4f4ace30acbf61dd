import { eventDetails, fieldsAsSent, userVariable } from '../../../../../lambdas/domain/events/event-details.ts';
import { identify } from '../../../../../lambdas/domain/events/identity.ts';
import { addresseesOf, parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import type { Json, JsonObject } from '../../../../../lambdas/domain/json.ts';
import { failureClassOf } from '../../../../../lambdas/domain/status/classify-failure.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';
import fc from '../../../../support/property.ts';
import { shareOf } from '../../../../support/share.ts';

test('a MailgunEvent has its facts and the raw event', () => {
  const raw = deliveredEvent({ severity: 'Permanent', reason: 'Bounce', tags: ['News', 'news', '', 7, 'Offers'] });
  expect(parseEvent(raw)).toMatchObject({
    name: 'delivered',
    recipient: 'Ada@Example.org',
    messageId: '20260202023950.1.ABCDEF@mg.example.com',
    domain: 'mg.example.com',
    timeMs: 1_769_999_990_123,
    severity: 'permanent',
    reason: 'bounce',
    tags: ['news', 'offers'],
    isTestMode: false,
    isInbound: false,
    hasGivenUp: false,
  });
  expect(parseEvent(raw).raw).toBe(raw);
});

test.each(['message-id', 'Message-Id', 'Message-ID', 'MESSAGE-ID'])('the header %s names the message', (name) => {
  expect(parseEvent({ message: { headers: { [name]: '<1@x>' } } }).messageId).toBe('1@x');
});

test('of two headers that name the message the documented one counts', () => {
  expect(parseEvent({ message: { headers: { 'Message-Id': 'a@x', 'message-id': 'b@x' } } }).messageId).toBe('b@x');
});

test.each<[bot: unknown, isByMachine: boolean]>([
  ['apple', true],
  ['gmail', true],
  ['generic', true],
  [true, true],
  ['no', false],
  ['No ', false],
  ['false', false],
  [false, false],
  ['', false],
  [null, false],
  [undefined, false],
])('an open with the bot field %j is by a machine: %j', (bot, isByMachine) => {
  expect(parseEvent({ event: 'opened', 'client-info': { bot } as JsonObject }).isByMachine).toBe(isByMachine);
});

test.each<[name: string, event: JsonObject, isInbound: boolean]>([
  ['routed', { flags: { 'is-routed': true } }, true],
  ['of a route', { routes: [{ id: 'r' }] }, true],
  ['posted to a URL', { envelope: { transport: 'http' } }, true],
  ['sent by SMTP', { envelope: { transport: 'smtp' }, method: 'HTTP', routes: [] }, false],
  ['not routed', { flags: { 'is-routed': false } }, false],
])('mail that is %s is inbound: %j', (_name, event, isInbound) => {
  expect(parseEvent(event).isInbound).toBe(isInbound);
});

test.each<[over: JsonObject, hasGivenUp: boolean]>([
  [{ severity: 'temporary', reason: 'old' }, true],
  [{ severity: 'temporary', 'delivery-status': { code: 602 } }, true],
  [{ severity: 'temporary', 'delivery-status': { code: '602' } }, true],
  [{ severity: 'temporary', reason: 'generic' }, false],
  [{ severity: 'permanent', reason: 'old' }, false],
  [{ reason: 'old' }, false],
])('a failure of %j is permanent: %j', (over, hasGivenUp) => {
  expect(parseEvent({ event: 'failed', ...over }).hasGivenUp).toBe(hasGivenUp);
});

test('a failure has the facts that Mailgun sent, and keeps an unusual code as text', () => {
  const status = { code: '5.1.1', 'enhanced-code': '5.7.26', message: 'no', description: 'not at all' };
  const raw: JsonObject = {
    event: 'failed',
    'recipient-provider': 'Gmail',
    'delivery-status': { ...status, 'mx-host': 'mx.example.org' },
    envelope: { 'sending-ip': '192.0.2.1' },
    message: { headers: { subject: 'Your receipt' } },
    reject: { reason: 'Sandbox', description: 'is not authorized' },
  };
  expect(parseEvent(raw)).toMatchObject({
    code: undefined,
    codeText: '5.1.1',
    enhancedCode: '5.7.26',
    deliveryMessage: 'no',
    deliveryDescription: 'not at all',
    mxHost: 'mx.example.org',
    provider: 'Gmail',
    rejectReason: 'Sandbox',
    rejectDescription: 'is not authorized',
    sendingIp: '192.0.2.1',
    subject: 'Your receipt',
    kept: undefined,
  });
});

test('the addressees of an event are in its recipient, headers, envelope, member and list', () => {
  const headers = { to: 'Ada <ada@example.org>, grace@example.org' };
  const event = {
    event: 'delivered',
    recipient: ' Ada@example.org ',
    message: { headers, recipients: ['alan@example.org', 7] },
    envelope: { targets: 'targets@example.org' },
    member: { address: 'member@example.org' },
  };
  expect(addresseesOf(event)).toEqual([
    ...['Ada@example.org', 'ada@example.org', 'grace@example.org', 'targets@example.org', 'member@example.org'],
    'alan@example.org',
  ]);
});

/** Fields that some reader of an event uses; each may hold any JSON. */
const FIELDS = [
  ...[
    'event',
    'id',
    'timestamp',
    'recipient',
    'severity',
    'reason',
    'tags',
    'user-variables',
    'url',
    'domain',
    'routes',
  ],
  ...['delivery-status', 'code', 'enhanced-code', 'message', 'description', 'mx-host', 'bounce-type', 'reject'],
  ...['headers', 'message-id', 'Message-Id', 'subject', 'to', 'from', 'recipients', 'envelope', 'sender', 'sending-ip'],
  ...['transport', 'targets', 'member', 'address', 'mailing-list', 'client-info', 'bot', 'flags', 'is-test-mode'],
  ...['is-routed', 'recipient-provider', 'storage', 'key', 'failure-class', 'erased-recipient', 'name'],
];

test('an event with fields of any JSON type is parsed without an error, and keeps all fields', () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>, fc.constantFrom('failed', 'rejected'));
  const within = (held: fc.Arbitrary<Json>) =>
    fc.dictionary(fc.constantFrom(...FIELDS), held, { noNullPrototype: true }) as fc.Arbitrary<JsonObject>;
  const event = within(fc.oneof(value, within(fc.oneof(value, within(value)))));
  fc.assert(
    fc.property(event, fc.constantFrom('Failed', 'rejected', 'opened'), fc.boolean(), (over, name, isNamed) => {
      const raw = isNamed ? { ...over, event: name, 'not-known-yet': over } : over;
      const before = structuredClone(raw);
      const parsed = parseEvent(raw);
      for (const read of [fieldsAsSent, eventDetails, addresseesOf]) expect(() => read(raw)).not.toThrow();
      expect(() => [userVariable(raw, 'name'), identify(raw, '-'), failureClassOf(parsed)]).not.toThrow();
      expect(parsed.raw).toBe(raw);
      expect(raw).toEqual(before);
    }),
    { numRuns: shareOf(1000) },
  );
});
