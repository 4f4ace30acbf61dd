import { identify } from '../../../../../lambdas/domain/events/identity.ts';
import { keyPart } from '../../../../../lambdas/domain/keys.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

test('an event is named by message, recipient, name and id', () => {
  expect(identify(deliveredEvent(), 'mg.example.com')).toEqual({
    partition: 'MSG#20260202023950.1.ABCDEF@mg.example.com',
    eventSort: 'R#ada@example.org#E#delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
    statusSort: 'R#ada@example.org#STATUS',
    eventKey: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
  });
});

test.each([
  ['case of the recipient', { recipient: 'ADA@EXAMPLE.ORG' }],
  ['case of the name', { event: 'DELIVERED' }],
  [
    'brackets of the message id',
    { message: { headers: { 'message-id': '<20260202023950.1.ABCDEF@mg.example.com>' } } },
  ],
  ['a display name', { recipient: 'Ada <ada@example.org>' }],
  ['the time', { timestamp: 1 }],
])('%s does not change the identity', (_name, over) => {
  expect(identify(deliveredEvent(over), 'mg.example.com')).toEqual(identify(deliveredEvent(), 'mg.example.com'));
});

test.each([
  ['recipient', { recipient: 'eve@example.org' }],
  ['name', { event: 'opened' }],
  ['id', { id: 'other' }],
  ['message id', { message: { headers: { 'message-id': '1@x' } } }],
])('another %s gives another identity', (_name, over) => {
  const [mine, other] = [identify(deliveredEvent(), 'd'), identify(deliveredEvent(over), 'd')];
  expect(`${other.partition} ${other.eventSort}`).not.toBe(`${mine.partition} ${mine.eventSort}`);
});

test('without a message the identity has the domain and the UTC day', () => {
  const event = deliveredEvent({ message: null });
  expect(identify(event, 'mg.example.com').partition).toBe('NOMSG#mg.example.com#2026-02-02');
  expect(identify({ ...event, timestamp: 'never' }, 'mg.example.com').partition).toBe('NOMSG#mg.example.com#-');
});

test('without an id the identity is derived from the content, down to the second', () => {
  const at = (timestamp: number, url = 'https://a') =>
    identify(deliveredEvent({ id: undefined, timestamp, url }), 'd').eventKey;
  expect(at(1769999990.1)).toBe(at(1769999990.9));
  expect(at(1769999990)).not.toBe(at(1769999991));
  expect(at(1769999990)).not.toBe(at(1769999990, 'https://b'));
});

test('an empty event has an identity', () => {
  expect(identify({ event: 'other' }, '-')).toEqual({
    partition: 'NOMSG#-#-',
    eventSort: 'R#-#E#other#a0863d5308f1a685df75ad07316beb26',
    statusSort: 'R#-#STATUS',
    eventKey: 'other#a0863d5308f1a685df75ad07316beb26',
  });
});

test.each([
  ['200 bytes are unchanged', 'x'.repeat(200), 'x'.repeat(200)],
  ['empty', '', '-'],
  ['unicode', 'é@b', 'é@b'],
])('keyPart: %s', (_name, text, expected) => {
  expect(keyPart(text)).toBe(expected);
});

test.each([
  ['201 bytes', 'x'.repeat(201)],
  ['101 two-byte characters', 'é'.repeat(101)],
  ['a separator', 'a#E#b'],
  ['half a surrogate pair', '\ud800'],
])('keyPart: %s becomes a hash', (_name, text) => {
  expect(keyPart(text)).toMatch(/^sha256:[0-9a-f]{64}$/);
});

test('two invalid texts with the same UTF-8 encoding stay distinct', () => {
  expect(keyPart('\ud800')).not.toBe(keyPart('\ud801'));
});
