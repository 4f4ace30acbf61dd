import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import {
  findingOfListed,
  findingOfStored,
  isAltered,
} from '../../../../../lambdas/domain/ledger/missing-or-unconfirmed.ts';

test.each([
  ['stored as it is', true, false, false, 'stored'],
  ['stored as it is, in a slice that is accepted', true, false, true, 'stored'],
  ['not stored', false, false, false, 'missing'],
  ['not stored, and accepted', false, false, true, 'accepted'],
  ['stored with other facts', true, true, false, 'altered'],
  ['stored with other facts, and accepted', true, true, true, 'accepted'],
])('a listed event that is %s', (_, isStored, differs, isAccepted, finding) => {
  expect(findingOfListed({ isStored, isAltered: differs }, isAccepted)).toBe(finding);
});

test.each([
  ['never was', false, false, true, false, 'unconfirmed'],
  ['never was, and is accepted', false, false, true, true, 'accepted'],
  ['was before', true, false, true, false, 'short'],
  ['was before, and is accepted', true, false, true, true, 'accepted'],
  ['was before its time was over', true, false, false, true, 'stored'],
  ['was doubted before its time was over', false, true, false, false, 'unconfirmed'],
  ['no pass could find listed', false, false, false, true, 'unknown'],
])('a stored event is not listed, and %s', (_, wasListed, isDoubted, isKept, isAccepted, finding) => {
  expect(findingOfStored({ wasListed, isDoubted }, isKept, isAccepted)).toBe(finding);
});

const event = (changes: object = {}) =>
  parseEvent({ event: 'failed', severity: 'permanent', reason: 'bounce', recipient: 'ada@north.example', ...changes });

test.each([
  ['the same facts, rounded otherwise', event(), 1999, false, false],
  ['another time', event(), 2000, false, true],
  ['another reason', event({ reason: 'generic' }), 0, false, true],
  ['the same facts, and distrusted', event(), 0, true, true],
  ['no recipient, as a tombstone has', event({ recipient: undefined, reason: 'generic' }), 9999, true, false],
])('a stored event with %s', (_, stored, atMs, isDistrusted, differs) => {
  expect(isAltered({ event: stored, atMs, isDistrusted }, { event: event(), atMs: 0 })).toBe(differs);
});
