import {
  deliveryCode,
  eventDomain,
  eventName,
  eventTimeMs,
  messageIdOf,
} from '../../../../../lambdas/domain/events/event.ts';
import { recipientOf } from '../../../../../lambdas/domain/events/mailgun-event.ts';

test.each([
  ['microseconds are cut', 1769999990.123999, 1769999990123],
  ['milliseconds that a float cannot hold', 1770146431.658, 1770146431658],
  ['a whole second', 1769999990, 1769999990000],
  ['text', '1769999990.5', 1769999990500],
  ['the static test event of 2018', 1521472262.908181, 1521472262908],
  ['one decimal', 1.5, 1500],
  ['negative', -1, undefined],
  ['too large', 1e12, undefined],
  ['infinite', Number.POSITIVE_INFINITY, undefined],
  ['no number', 'soon', undefined],
  ['an array', [1769999990], undefined],
  ['absent', undefined, undefined],
])('eventTimeMs: %s', (_name, timestamp, expected) => {
  expect(eventTimeMs(timestamp === undefined ? {} : { timestamp })).toBe(expected);
});

test.each([
  ['plain', 'a@b', 'a@b'],
  ['one pair of brackets', '<a@b>', 'a@b'],
  ['only one pair', '<<a@b>>', '<a@b>'],
  ['blanks around', ' <a@b> ', 'a@b'],
  ['only the opening bracket', '<a@b', '<a@b'],
  ['only the closing bracket', 'a@b>', 'a@b>'],
  ['empty brackets', '<>', undefined],
  ['empty', '', undefined],
  ['not a text', 7, undefined],
])('messageIdOf: %s', (_name, id, expected) => {
  expect(messageIdOf({ message: { headers: { 'message-id': id } } })).toBe(expected);
});

test.each([
  ['as sent', { recipient: 'Ada@Example.org' }, 'Ada@Example.org'],
  ['without the blanks around', { recipient: ' ada@example.org ' }, 'ada@example.org'],
  ['absent', {}, undefined],
  ['an object', { recipient: {} }, undefined],
  [
    'rejected, display name',
    { event: 'rejected', message: { headers: { to: 'Ada <ada@example.org>' } } },
    'ada@example.org',
  ],
  ['rejected, without To', { event: 'rejected' }, undefined],
  [
    'rejected, blanks after',
    { event: 'rejected', message: { headers: { to: '<ada@example.org> ' } } },
    'ada@example.org',
  ],
  [
    'rejected, words around',
    { event: 'rejected', message: { headers: { to: 'to ada@example.org please' } } },
    undefined,
  ],
  ['rejected, words behind', { event: 'rejected', message: { headers: { to: '<ada@example.org> Ada' } } }, undefined],
  ['rejected, no address', { event: 'rejected', message: { headers: { to: 'Ada' } } }, undefined],
  ['rejected, bare', { event: 'rejected', message: { headers: { to: 'ada@example.org' } } }, 'ada@example.org'],
  ['rejected, several', { event: 'rejected', message: { headers: { to: 'a@b, c@d' } } }, undefined],
  ['another event never takes it from the header', { event: 'stored', message: { headers: { to: 'a@b' } } }, undefined],
])('recipientOf: %s', (_name, event, expected) => {
  expect(recipientOf(event)).toBe(expected);
});

const OURS = ['mg.example.com', 'news.example.com'];
test.each([
  ['domain.name', { domain: { name: 'MG.example.com' } }, OURS, 'mg.example.com'],
  ['legacy domain', { domain: 'news.example.com' }, OURS, 'news.example.com'],
  ['a foreign one as it is', { domain: { name: 'other.example.net' } }, OURS, 'other.example.net'],
  ['sender', { envelope: { sender: 'x@news.example.com' } }, OURS, 'news.example.com'],
  ['from', { message: { headers: { from: 'Us <x@news.example.com>' } } }, OURS, 'news.example.com'],
  ['message id', { message: { headers: { 'message-id': '<1@news.example.com>' } } }, OURS, 'news.example.com'],
  ['a bracket and blanks', { message: { headers: { from: 'x@news.example.com> ' } } }, OURS, 'news.example.com'],
  [
    'a name that is empty',
    { domain: { name: '' }, envelope: { sender: 'x@news.example.com' } },
    OURS,
    'news.example.com',
  ],
  ['a foreign sender says nothing', { envelope: { sender: 'x@other.example.net' } }, OURS, '-'],
  ['the only one', {}, ['mg.example.com'], 'mg.example.com'],
  ['none of several', {}, OURS, '-'],
])('eventDomain: %s', (_name, event, ours, expected) => {
  expect(eventDomain(event, ours)).toBe(expected);
});

test('event names are compared in lower case, and codes are parsed from text', () => {
  expect(eventName({ event: 'CLICKED' })).toBe('clicked');
  expect(deliveryCode({ 'delivery-status': { code: '605' } })).toBe(605);
  expect(deliveryCode({ 'delivery-status': { code: '5.1.1' } })).toBeUndefined();
  for (const code of ['1605', '6051', ['605'], null]) {
    expect(deliveryCode({ 'delivery-status': { code } })).toBeUndefined();
  }
  expect(deliveryCode({ 'delivery-status': null })).toBeUndefined();
  expect(eventName({})).toBe('');
});
