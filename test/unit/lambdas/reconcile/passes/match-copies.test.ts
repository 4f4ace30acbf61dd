import { identify } from '../../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../../../lambdas/domain/json.ts';
import { createMatch } from '../../../../../lambdas/reconcile/passes/match-copies.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const listed = deliveredEvent();
const under = (recipient: string | undefined, over: JsonObject = {}) => ({
  ...identify(deliveredEvent({ recipient, ...over }), DOMAIN),
  atMs: 0,
});
const sorts = (copies: { eventSort: string }[]) => copies.map(({ eventSort }) => eventSort.split('#')[1]);

function matched(event: JsonObject, ...keys: ReturnType<typeof under>[]) {
  const { place, copies, isRedacted } = createMatch(keys)(parseEvent(event), identify(event, DOMAIN));
  return { recipient: place.eventSort.split('#')[1], copies: sorts(copies), isRedacted };
}

test.each([
  ['absent', undefined, '-'],
  ['masked', '***', '***'],
  ['a masked address', 'A**@Example.org', 'a**@example.org'],
  ['a word', 'redacted', 'redacted'],
])('a copy whose recipient is %s belongs to the listed event', (_name, recipient, key) => {
  expect(matched(listed, under(recipient))).toEqual({
    recipient: 'ada@example.org',
    copies: [key],
    isRedacted: false,
  });
});

describe('a stored event is not a copy', () => {
  test.each([
    ['of another recipient', under('bob@example.org')],
    ['with a number sign in its address', under('bob#1@example.org')],
    ['of another id', under('***', { id: 'other' })],
    ['of another name', under('***', { event: 'opened' })],
    ['of another message', under('***', { message: { headers: { 'message-id': 'other@example.com' } } })],
  ])('%s', (_name, key) => {
    expect(matched(listed, key).copies).toEqual([]);
  });

  test('if the listed event has no id, since two of one second could not be distinguished', () => {
    const event = deliveredEvent({ id: undefined });
    expect(matched(event, under('***', { id: undefined as never })).copies).toEqual([]);
  });
});

describe('a redacted listing', () => {
  const redacted = deliveredEvent({ recipient: '***' });

  test('matches the event stored under the recipient', () => {
    const found = matched(redacted, under('ada@example.org'));
    expect(found).toEqual({ recipient: 'ada@example.org', copies: [], isRedacted: true });
  });

  test('is its own event if no better one is stored, and other masks are its copies', () => {
    const found = matched(redacted, under('***'), under(undefined));
    expect(found).toEqual({ recipient: '***', copies: ['-'], isRedacted: false });
  });
});
