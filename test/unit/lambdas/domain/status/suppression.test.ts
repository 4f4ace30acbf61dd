import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import { suppressionOf } from '../../../../../lambdas/domain/status/suppression.ts';

const to = (event: object) => ({ recipient: 'a@b.example', ...event });
const permanent = (over: object) => to({ event: 'failed', severity: 'permanent', ...over });
const unsubscribed = (over: object) => to({ event: 'unsubscribed', ...over });
const code = (value: unknown) => ({ 'delivery-status': { code: value } });
const suppression = (kind: string, reason: string | null = null, source = 'event') => ({
  kind,
  scope: '*',
  reason,
  source,
});
const BOUNCE = suppression('bounce', 'bounce');

test.each([
  ['bounce', permanent({ reason: 'bounce' }), BOUNCE],
  ['hard by type', permanent({ reason: 'generic', 'delivery-status': { 'bounce-type': 'hard' } }), 'generic'],
  ['hard by type, without reason', permanent({ 'delivery-status': { 'bounce-type': 'HARD', code: 550 } }), null],
  ['complaint', to({ event: 'complained' }), suppression('complaint')],
])('%s suppresses the address', (_name, event, expected) => {
  const whole = typeof expected === 'object' && expected !== null ? expected : suppression('bounce', expected);
  expect(suppressionOf(parseEvent(event as never))).toEqual(whole);
});

test.each([
  ['generic', permanent({ reason: 'generic' })],
  [
    'a soft bounce, such as a full mailbox',
    permanent({ reason: 'bounce', 'delivery-status': { 'bounce-type': 'soft' } }),
  ],
  ['given up as old', permanent({ reason: 'old', 'delivery-status': { 'bounce-type': 'hard' } })],
  ['given up as old, though called temporary', to({ event: 'failed', severity: 'temporary', reason: 'old' })],
  ['no MX', permanent({ reason: 'bounce', ...code(498) })],
  ['no connection', permanent({ reason: 'bounce', ...code(499) })],
  ['too old by code', permanent({ reason: 'bounce', ...code('602') })],
  ['temporary', to({ event: 'failed', severity: 'temporary', reason: 'bounce' })],
  ['unknown severity', to({ event: 'failed', reason: 'bounce' })],
  ['permanent without a reason', permanent({})],
  ['an unknown list of Mailgun', permanent({ reason: 'suppress-else' })],
  ['rejected', to({ event: 'rejected', reason: 'bounce' })],
  ['delivered', to({ event: 'delivered' })],
  ['no recipient', { event: 'complained' }],
  ['routed mail, whose recipient is ours', permanent({ reason: 'bounce', flags: { 'is-routed': true } })],
])('%s suppresses nothing', (_name, event) => {
  expect(suppressionOf(parseEvent(event as never))).toBeUndefined();
});

test.each([
  ['605', permanent(code(605)), 'bounce', null],
  ['606 as text', permanent({ reason: 'hardfail', ...code('606') }), 'unsubscribe', 'hardfail'],
  ['607', permanent({ reason: 'suppress-complaint', ...code(607) }), 'complaint', 'suppress-complaint'],
  ['suppress-bounce without a code', permanent({ reason: 'suppress-bounce' }), 'bounce', 'suppress-bounce'],
  ['suppress-unsubscribe', permanent({ reason: 'Suppress-Unsubscribe' }), 'unsubscribe', 'suppress-unsubscribe'],
  [
    'suppress-complaint with the code of bounces',
    permanent({ reason: 'suppress-complaint', ...code(605) }),
    'complaint',
    'suppress-complaint',
  ],
  [
    'a list without a name here, by its code',
    permanent({ reason: 'suppress-else', ...code(606) }),
    'unsubscribe',
    'suppress-else',
  ],
  ['605 of unknown severity', to({ event: 'failed', ...code(605) }), 'bounce', null],
  ['605 that is called soft', permanent({ 'delivery-status': { code: 605, 'bounce-type': 'soft' } }), 'bounce', null],
])("%s shows that the address is on one of Mailgun's lists", (_name, event, kind, reason) => {
  expect(suppressionOf(parseEvent(event as never))).toEqual(suppression(kind, reason, 'mailgun'));
});

test.each([
  ['with "*"', { tags: ['*'] }, null],
  ['that carries the tags of the message', { tags: ['news', 'offers'] }, null],
  ['without tags', {}, null],
  ['of a mailing list, which it names', { 'mailing-list': { address: 'news@mg.example.com' } }, 'news@mg.example.com'],
])('an unsubscribe %s applies to all mail of the domain', (_name, over, reason) => {
  expect(suppressionOf(parseEvent(unsubscribed(over) as never))).toEqual(suppression('unsubscribe', reason));
});
