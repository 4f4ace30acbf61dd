import { eventHash } from '../../../../../lambdas/domain/canonical-json.ts';
import { judgeClaim } from '../../../../../lambdas/domain/webhooks/claim.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const mine = { key: 'k', id: 'mine', hash: '2:aa', expiresAt: 1 };

test.each([
  ['our own write, repeated', { id: 'mine', hash: '2:aa' }, 'claimed'],
  ['our own id counts before the hash', { id: 'mine', hash: '2:bb' }, 'claimed'],
  ['the same event', { id: 'other', hash: '2:aa' }, 'same-event'],
  ['another event', { id: 'other', hash: '2:bb' }, 'other-event'],
  ['a hash of an older version', { id: 'other', hash: '1:bb' }, 'same-event'],
  ['a longer version that starts alike', { id: 'other', hash: '22:bb' }, 'same-event'],
])('judgeClaim: %s', (_name, held, expected) => {
  expect(judgeClaim(held, mine)).toBe(expected);
});

test('the event hash does not depend on the order of keys', () => {
  const event = deliveredEvent();
  const reversed = Object.fromEntries(Object.entries(event).reverse());

  expect(eventHash(reversed)).toBe(eventHash(event));
  expect(eventHash(event)).toMatch(/^1:[0-9a-f]{64}$/);
});

test.each([
  ['recipient', { recipient: 'eve@example.org' }],
  ['recipient, by case alone', { recipient: 'ada@example.org' }],
  ['severity', { severity: 'permanent' }],
  ['message id', { message: { headers: { 'message-id': 'other@mg.example.com' } } }],
  ['a tag', { tags: ['welcome', 'x'] }],
  ['the order of tags', { tags: ['x', 'welcome'] }],
  ['an added field', { extra: null }],
  ['the microseconds', { timestamp: 1769999990.123457 }],
])('the event hash depends on %s', (_name, over) => {
  expect(eventHash(deliveredEvent(over))).not.toBe(eventHash(deliveredEvent()));
});

test('the event hash is that of the canonical form, as Python computes it', () => {
  const event = { n: 1e21, ü: '\u0000', t: true, a: [1, 'x', { d: 2, b: null }] };
  expect(eventHash(event)).toBe('1:7e7f009e2745133b1aa9619151d5f8fd70d59617030a9362f14dadad9f080178');
});

test('the event hash distinguishes a number too large for a float from its absence', () => {
  expect(eventHash(JSON.parse('{"n":1e400}'))).not.toBe(eventHash({ n: null }));
});

test('the event hash distinguishes keys with the same concatenation', () => {
  expect(eventHash({ a: '1,"b":"2' })).not.toBe(eventHash({ a: '1', b: '2' }));
  expect(eventHash(JSON.parse('{"__proto__":1}'))).not.toBe(eventHash({}));
});
