import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import { mailboxProviderOf } from '../../../../../lambdas/domain/recipients/mailbox-provider.ts';

test.each([
  ['gmail', { 'recipient-provider': 'Gmail', recipient: 'ada@north.example' }],
  ['gmail', { 'recipient-provider': 'Google' }],
  ['comcast', { 'recipient-provider': 'Comcast' }],
  ['constructor', { 'recipient-provider': 'constructor' }],
  ['outlook', { 'recipient-provider': 'Other', 'delivery-status': { 'mx-host': 'north.mail.protection.outlook.com' } }],
  ['gmail', { 'recipient-provider': '', 'delivery-status': { 'mx-host': 'ASPMX.L.GOOGLE.COM' } }],
  ['yahoo', { 'delivery-status': { 'mx-host': 'mta5.am0.yahoodns.net' } }],
  ['gmail', { recipient: 'Ada@GMail.com' }],
  ['icloud', { recipient: 'Ada <ada@me.com>', 'delivery-status': null }],
  ['other', { recipient: 'ada@notgmail.com', 'delivery-status': { 'mx-host': 'mx.evilgoogle.com' } }],
  ['other', { recipient: 7, 'recipient-provider': null }],
  ['gmail', { event: 'rejected', message: { headers: { to: 'Ada <ada@gmail.com>' } } }],
  ['other', {}],
])('the mailbox provider is %s for %j', (expected, event) => {
  expect(mailboxProviderOf(parseEvent(event as never))).toBe(expected);
});
