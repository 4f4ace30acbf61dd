import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import { isHigher, statusOrder } from '../../../../../lambdas/domain/status/decide-status.ts';
import { statusUpdateOf } from '../../../../../lambdas/domain/status/status-update.ts';

const failed = (severity: string | null, over = {}) => ({ event: 'failed', severity, ...over });

test.each([
  ['accepted', { event: 'accepted' }, 10, 'ACCEPTED', null, 'EMAIL_ACCEPTED'],
  ['temporary failure', failed('temporary'), 20, 'DEFERRED', null, 'EMAIL_TEMP_FAILED'],
  ['failure of unknown severity', failed('internal'), 20, 'DEFERRED', null, 'EMAIL_TEMP_FAILED'],
  ['failure without severity', failed(null), 20, 'DEFERRED', null, 'EMAIL_TEMP_FAILED'],
  ['opened', { event: 'opened' }, 25, 'DELIVERED', null, 'EMAIL_OPENED'],
  ['clicked', { event: 'clicked' }, 25, 'DELIVERED', null, 'EMAIL_CLICKED'],
  ['delivered', { event: 'delivered' }, 30, 'DELIVERED', null, 'EMAIL_DELIVERED'],
  ['upper case', { event: 'DELIVERED' }, 30, 'DELIVERED', null, 'EMAIL_DELIVERED'],
  ['bounce', failed('permanent', { reason: 'bounce' }), 40, 'FAILED', 'bounce', 'EMAIL_FAILED'],
  [
    'given up as too old, though called temporary',
    failed('temporary', { reason: 'old' }),
    40,
    'FAILED',
    'old',
    'EMAIL_FAILED',
  ],
  [
    'given up by its code alone',
    failed('temporary', { reason: 'generic', 'delivery-status': { code: 602 } }),
    40,
    'FAILED',
    'old',
    'EMAIL_FAILED',
  ],
  [
    'delivered in test mode',
    { event: 'delivered', flags: { 'is-test-mode': true } },
    30,
    'DELIVERED',
    'test',
    'EMAIL_DELIVERED',
  ],
  ['delivered by a route', { event: 'delivered', flags: { 'is-routed': true } }, 0, null, null, 'EMAIL_DELIVERED'],
  ['failed at a route', failed('permanent', { routes: [{ id: 'r' }] }), 0, null, null, 'EMAIL_FAILED'],
  ['too old', failed('permanent', { reason: 'old' }), 40, 'FAILED', 'old', 'EMAIL_FAILED'],
  ['without reason', failed('permanent'), 40, 'FAILED', 'unknown', 'EMAIL_FAILED'],
  [
    'code 605',
    failed('permanent', { reason: 'suppress-bounce', 'delivery-status': { code: 605 } }),
    40,
    'FAILED',
    'suppressed',
    'EMAIL_FAILED',
  ],
  ['code 606', failed('permanent', { 'delivery-status': { code: 606 } }), 40, 'FAILED', 'suppressed', 'EMAIL_FAILED'],
  [
    'code 607 as text',
    failed('permanent', { 'delivery-status': { code: '607' } }),
    40,
    'FAILED',
    'suppressed',
    'EMAIL_FAILED',
  ],
  ['an unknown list', failed('permanent', { reason: 'suppress-else' }), 40, 'FAILED', 'suppressed', 'EMAIL_FAILED'],
  [
    'a reason that only ends like one',
    failed('permanent', { reason: 'not-suppress-' }),
    40,
    'FAILED',
    'not-suppress-',
    'EMAIL_FAILED',
  ],
  ['rejected', { event: 'rejected' }, 40, 'FAILED', 'rejected', 'EMAIL_REJECTED'],
  ['complained', { event: 'complained' }, 50, 'COMPLAINED', null, 'EMAIL_COMPLAINED'],
  ['unsubscribed', { event: 'unsubscribed' }, 0, null, null, 'EMAIL_UNSUBSCRIBED'],
  ['an unknown event', { event: 'some_new_event' }, 0, null, null, 'EMAIL_OTHER'],
  ['a name every object has', { event: 'constructor' }, 0, null, null, 'EMAIL_OTHER'],
])('the status update of an event: %s', (_name, event, precedence, status, reason, name) => {
  expect(statusUpdateOf(parseEvent(event))).toEqual({ precedence, status, reason });
  expect(parseEvent(event).type.historyName).toBe(name);
});

test.each([
  ['the higher precedence wins, even if later', [40, 2000, 'a'], [30, 1000, 'a']],
  ['a two-digit precedence wins over precedence 0', [10, 1000, 'a'], [0, 1000, 'z']],
  ['among equals the earlier wins', [40, 1000, 'a'], [40, 1001, 'z']],
  ['the earlier of a short and a long time wins', [40, 999, 'a'], [40, 1_770_000_000_000, 'a']],
  ['the earlier wins at the end of all times', [40, 9_999_999_999_989, 'a'], [40, 9_999_999_999_995, 'a']],
  ['then the greater key', [40, 1000, 'b'], [40, 1000, 'a']],
] as const)('statusOrder: %s', (_name, winner, loser) => {
  const order = ([precedence, timeMs, key]: readonly [number, number, string]) =>
    statusOrder({ precedence, status: null, reason: null }, timeMs, key);
  expect(order(winner) > order(loser)).toBe(true);
});

test.each([
  ['b', 'a', true],
  ['a', 'b', false],
  ['a', 'a', false],
  ['a', undefined, true],
  // In UTF-16 a surrogate comes before it, in the bytes that the table compares behind it.
  ['\u{1f600}', '\uffee', true],
])('isHigher: %s against %s is %s', (order, stored, higher) => {
  expect(isHigher(order, stored)).toBe(higher);
});

test.each([
  ['accepted', false],
  ['delivered', false],
  ['opened', true],
  ['clicked', true],
  ['unsubscribed', true],
  ['complained', false],
])('rarelyChangesStatus: %s is %s', (event, expected) => {
  expect(parseEvent({ event }).type.rarelyChangesStatus).toBe(expected);
});
