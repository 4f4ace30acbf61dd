import {
  type EventFilter,
  emptyFilter,
  eventPredicate,
} from '../../../../../lambdas/read-api/messages/event-filter.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

test('an empty filter matches all events', () => {
  expect(eventPredicate({})).toBeUndefined();
  expect(eventPredicate({ variables: {} })).toBeUndefined();
});

const subject = (text: unknown) => ({ message: { headers: { subject: text } } });

test.each<[EventFilter, Record<string, unknown>, boolean]>([
  [{ tag: 'news' }, { tags: ['a', 'News'] }, true],
  [{ tag: 'news' }, { tags: ['newsletter'] }, false],
  [{ tag: 'news' }, { tags: undefined }, false],
  [{ tag: 'news' }, { tags: [null, 7] }, false],
  [{ severity: 'permanent' }, { severity: 'Permanent' }, true],
  [{ severity: 'permanent' }, { severity: 'temporary' }, false],
  [{ severity: 'permanent' }, {}, false],
  [{ subject: 'Your receipt' }, subject('your RECEIPT'), true],
  [{ subject: 'Your' }, subject('Your receipt'), false],
  [{ subject: 'Your*' }, subject('your receipt'), true],
  [{ subject: 'receipt*' }, subject('Your receipt'), false],
  [{ subject: '*' }, subject('x'), true],
  [{ subject: '*' }, subject(undefined), false],
  [{ variables: { order: '7' } }, { 'user-variables': { order: '7' } }, true],
  [{ variables: { order: '7' } }, { 'user-variables': { order: 7 } }, true],
  [{ variables: { order: '7' } }, { 'user-variables': { order: '8' } }, false],
  [{ variables: { order: '7' } }, { 'user-variables': '{"order":"7"}' }, true],
  [{ variables: { order: '7' } }, { 'user-variables': 'Could not load user-variables' }, false],
  [{ variables: { order: '7' } }, { 'user-variables': [] }, false],
  [{ variables: { a: '1', b: '2' } }, { 'user-variables': { a: '1', b: '3' } }, false],
  [{ variables: { a: '{"b":1}' } }, { 'user-variables': { a: { b: 1 } } }, true],
  [{ variables: { toString: 'x' } }, { 'user-variables': {} }, false],
  [{ tag: 'news', severity: 'permanent' }, { tags: ['news'], severity: 'temporary' }, false],
])('the filter %j on an event with %j: %p', (filter, fields, expected) => {
  expect(eventPredicate(filter)?.(deliveredEvent(fields))).toBe(expected);
});

test.each<[EventFilter & { type?: string }, string | undefined]>([
  [{}, undefined],
  [{ severity: 'temporary' }, undefined],
  [{ type: 'failed', severity: 'temporary', subject: 'Hello' }, undefined],
  [{ type: 'delivered', subject: 'Hello' }, undefined],
  [{ type: 'opened' }, undefined],
  [
    { type: 'delivered', severity: 'temporary' },
    'severity must be given without type=delivered: only type=failed has one',
  ],
  [{ type: 'opened', subject: 'Hello' }, 'subject must be given without type=opened, whose events carry none'],
  [{ type: 'clicked', subject: '*' }, 'subject must be given without type=clicked, whose events carry none'],
  [{ type: 'unsubscribed', subject: '*' }, 'subject must be given without type=unsubscribed, whose events carry none'],
])('the filter %j, if no event can match it, is refused: %s', (filter, message) => {
  expect(emptyFilter(filter)?.message).toBe(message);
});
