import { eventFromLegacyForm } from '../../../../../lambdas/domain/webhooks/legacy-form.ts';

test('every field of a legacy click is mapped to the current shape', () => {
  const fields = Object.entries({
    event: 'Clicked',
    recipient: 'ada@example.org',
    domain: 'mg.example.com',
    'message-id': '1@mg.example.com',
    ip: '203.0.113.7',
    country: 'DE',
    region: 'BE',
    city: 'Berlin',
    'user-agent': 'Mozilla/5.0',
    'device-type': 'desktop',
    'client-type': 'browser',
    'client-name': 'Firefox',
    'client-os': 'Linux',
    url: 'https://example.org/',
    tag: 'a',
    'X-Mailgun-Tag': 'b',
    'mailing-list': 'news@mg.example.com',
    'message-headers': '[["Subject","Hi"]]',
    'order-id': '77',
    timestamp: '1770000000',
    token: 't',
    signature: 's',
    'parent-signature': 'p',
  });
  expect(eventFromLegacyForm(fields, '1770000000')).toStrictEqual({
    event: 'clicked',
    timestamp: 1770000000,
    recipient: 'ada@example.org',
    domain: 'mg.example.com',
    url: 'https://example.org/',
    ip: '203.0.113.7',
    message: { headers: { 'message-id': '1@mg.example.com', subject: 'Hi' } },
    'delivery-status': {},
    'client-info': {
      'user-agent': 'Mozilla/5.0',
      'device-type': 'desktop',
      'client-type': 'browser',
      'client-name': 'Firefox',
      'client-os': 'Linux',
    },
    geolocation: { country: 'DE', region: 'BE', city: 'Berlin' },
    'message-headers': '[["Subject","Hi"]]',
    'mailing-list': 'news@mg.example.com',
    tags: ['a', 'b'],
    'user-variables': { 'order-id': '77' },
  });
});

test.each([
  [
    'bounced',
    [
      ['error', 'no such user'],
      ['code', '5.1.1'],
      ['notification', 'n'],
    ],
    {
      severity: 'permanent',
      reason: 'bounce',
      'delivery-status': { code: '5.1.1', message: 'no such user', notification: 'n' },
    },
  ],
  [
    'dropped',
    [
      ['reason', 'hardfail'],
      ['code', '605'],
      ['description', 'Not delivering'],
    ],
    { severity: 'permanent', reason: 'hardfail', 'delivery-status': { code: '605', message: 'Not delivering' } },
  ],
] as const)('%s becomes a permanent failure', (event, fields, expected) => {
  expect(eventFromLegacyForm([['event', event], ...fields], '1770000000')).toStrictEqual({
    event: 'failed',
    timestamp: 1770000000,
    message: { headers: {} },
    'client-info': {},
    geolocation: {},
    tags: [],
    'user-variables': {},
    ...expected,
  });
});

const post = (...fields: [string, string][]) => eventFromLegacyForm([['event', 'dropped'], ...fields], '1770000000');

test('a dropped message without a reason does not suppress the address', () => {
  expect(post()).toMatchObject({ event: 'failed', severity: 'permanent' });
  expect(post()).not.toHaveProperty('reason');
});

test('a legacy form keeps the description beside the error', () => {
  expect(post(['error', '550'], ['description', 'why'])).toMatchObject({
    'delivery-status': { message: '550', description: 'why' },
  });
});

test.each([
  ['a list', '[["Received","x"],["Message-Id","<1@mg.example.com>"],["To","ada@example.org"]]', '1@mg.example.com'],
  ['an object', '{"message-id":"2@mg.example.com"}', '2@mg.example.com'],
  ['no JSON', '[[', undefined],
  ['something else', '[7,["a"],[null,"b"],"c"]', undefined],
])('a message without an id of its own takes it from its headers: %s', (_name, headers, id) => {
  expect(post(['message-headers', headers])).toMatchObject({ message: { headers: id ? { 'message-id': id } : {} } });
});

test("the first value of a repeated variable counts, and Mailgun's own fields are not variables", () => {
  const event = post(
    ['order', '1'],
    ['order', '2'],
    ['campaign-id', 'c'],
    ['X-Mailgun-Sid', 's'],
    ['attachment-count', '1'],
    ['attachment-1', 'x'],
    ['body-plain', 'b'],
  );
  expect(event?.['user-variables']).toEqual({ order: '1' });
  expect(event).toMatchObject({ 'campaign-id': 'c', 'X-Mailgun-Sid': 's' });
});

test.each([
  ['no event', []],
  ['a blank event', [['event', ' ']]],
] as const)('a legacy form with %s is not an event', (_name, fields) => {
  expect(eventFromLegacyForm(fields, '1770000000')).toBeUndefined();
});

test('an invalid timestamp stays text, to be refused with its signature', () => {
  expect(eventFromLegacyForm([['event', 'opened']], '17700000000')?.timestamp).toBe('17700000000');
  expect(eventFromLegacyForm([['event', 'opened']], 'a1770000000')?.timestamp).toBe('a1770000000');
});
