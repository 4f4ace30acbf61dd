import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import { failureClassOf, policyCodeOf } from '../../../../../lambdas/domain/status/classify-failure.ts';

const failed = (status: object, over: object = {}) =>
  failureClassOf(parseEvent({ event: 'failed', severity: 'permanent', 'delivery-status': status, ...over } as never));

test.each([
  ['unknown-user', '5.1.1', '550-5.1.1 The email account that you tried to reach does not exist. Please try'],
  ['unknown-user', '', 'No Such User Here'],
  ['unknown-user', '5.4.1', '550 5.4.1 Recipient address rejected: Access denied. [AS(201806281)]'],
  ['unknown-user', '5.5.0', '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).'],
  ['unknown-user', '5.2.1', '550 5.2.1 The email account that you tried to reach is disabled.'],
  ['unknown-user', '', "554 delivery error: dd This user doesn't have a yahoo.com account (ada@yahoo.com) [0]"],
  ['mailbox-full', '4.2.2', '4.2.2 The email account that you tried to reach is over quota. Please direct'],
  ['mailbox-full', '', '552 5.2.2 Mailbox full'],
  [
    'authentication',
    '5.7.515',
    '550 5.7.515 Access denied, sending domain north.example does not meet the required authentication level.',
  ],
  [
    'authentication',
    '5.7.26',
    '550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate',
  ],
  ['authentication', '', '550 5.7.1 Email rejected per DMARC policy for north.example'],
  ['reputation', '5.7.1', '550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.'],
  ['reputation', '5.7.606', '550 5.7.606 Access denied, banned sending IP [192.0.2.1].'],
  [
    'reputation',
    '',
    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your provider since part of their network is on our block list (S3150).",
  ],
  [
    'reputation',
    '4.7.0',
    '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints',
  ],
  ['greylisted', '4.7.1', '451 4.7.1 Greylisting in action, please come back later'],
  ['rate-limited', '4.7.28', '421-4.7.28 Gmail has detected an unusual amount of mail'],
  ['rate-limited', '4.7.652', '4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of connections.'],
  ['dns', '', 'No MX for [example.com]'],
  ['dns', '5.4.4', '5.4.4 Unable to route'],
  ['dns', '5.1.10', '550 5.1.10 Recipient does not take mail'],
  ['content', '5.3.4', "552 5.3.4 Your message exceeded Google's limits"],
  [
    'content',
    '5.7.0',
    '552-5.7.0 This message was blocked because its content presents a potential security issue: attachment',
  ],
  ['policy', '5.7.1', '550 5.7.1 Delivery not allowed'],
  ['policy', '', '550 5.7.1 Delivery not allowed'],
  ['policy', '', '550 Delivery from 198.5.1.1 not allowed. 5.7.1.'],
  ['other', '', '550 Delivery from 198.5.1.1 not allowed'],
  ['other', '5.0.0', '550 5.0.0 Sorry'],
  ['other', '', ''],
])('classifyFailure returns %s for %s %s', (expected, enhanced, message) => {
  expect(failed({ message, 'enhanced-code': enhanced })).toBe(expected);
  // The code may be in the text alone, and the text in the description.
  expect(failed({ description: `${enhanced} ${message}`, message: '' })).toBe(expected);
});

test.each([
  [602, 'too-old'],
  [605, 'suppressed'],
  [606, 'suppressed'],
  [607, 'suppressed'],
  [498, 'dns'],
])("Mailgun's own code %i is %s, whatever the text", (code, expected) => {
  expect(failed({ code, message: 'No such user' })).toBe(expected);
});

test("Mailgun's reasons win over texts", () => {
  expect(failed({ message: 'No such user' }, { reason: 'suppress-bounce' })).toBe('suppressed');
  expect(failed({ message: 'No such user' }, { reason: 'old', severity: 'temporary' })).toBe('too-old');
  // Mailgun never contacted such an address, as the status says too.
  expect(failed({ code: 605 }, { reason: 'old' })).toBe('suppressed');
});

test("a rejection is classified by Mailgun's reason", () => {
  const rejected = (reason: string) => failureClassOf(parseEvent({ event: 'rejected', reject: { reason } }));
  expect([rejected('Sandbox subdomains are for test purposes only'), rejected('Message detected as spam')]).toEqual([
    ...['other', 'content'],
  ]);
});

test('other events have no failure class, and fields of other types are ignored', () => {
  expect(failureClassOf(parseEvent({ event: 'delivered', 'delivery-status': { message: 'No such user' } }))).toBeNull();
  expect(failed({ message: 550, 'enhanced-code': null, description: ['x'] })).toBe('other');
  expect(failureClassOf(parseEvent({ event: 'failed', 'delivery-status': null, reject: 'x' }))).toBe('other');
});

test.each([
  ['5.7.515', { 'enhanced-code': '5.7.515' }],
  ['5.7.515', { message: '550 5.7.515 Access denied, sending domain does not meet the required authentication level' }],
  ['5.7.1', { 'enhanced-code': '5.7.1', message: '550 5.1.1 no such user' }],
  [undefined, { message: '421 4.7.0 try again later' }],
  [undefined, { message: 'blocked: 192.5.7.1' }],
  [undefined, { 'enhanced-code': '5.1.1', message: '550 5.7.1 relaying denied' }],
  [undefined, {}],
])('the policy code is %s for %j', (expected, status) => {
  expect(policyCodeOf(parseEvent({ event: 'failed', 'delivery-status': status }))).toBe(expected);
});
