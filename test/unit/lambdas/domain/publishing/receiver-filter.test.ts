import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FILTERED_FIELDS,
  filterMistake,
  filterOf,
  matchesFilter,
} from '../../../../../lambdas/domain/publishing/receiver-filter.ts';

const status = {
  detailType: 'MessageStatusChanged',
  detail: { status: 'FAILED', reason: null, domain: 'mg.example.com' },
};

test("a receiver's filter may use exactly the fields of the published schemas", () => {
  const fields = ['message-status-changed', 'suppression-changed'].flatMap((name) => {
    const path = join(import.meta.dirname, `../../../../../docs/schemas/${name}.v1.json`);
    return Object.keys(JSON.parse(readFileSync(path, 'utf8')).properties);
  });
  expect([...FILTERED_FIELDS].toSorted()).toEqual([...new Set(fields)].toSorted());
});

test.each([
  { name: 'a list of types', events: ['message.status.changed', 'suppression.changed'], mistake: undefined },
  {
    name: 'a pattern',
    events: { 'detail-type': ['SuppressionChanged'], detail: { kind: ['bounce'] } },
    mistake: undefined,
  },
  {
    name: 'every condition',
    events: {
      detail: {
        domain: [{ prefix: 'mg.' }, { suffix: '.com' }, null, 1],
        reason: [{ exists: true }],
        status: [{ 'anything-but': ['FAILED'] }],
      },
    },
    mistake: undefined,
  },
  { name: 'an empty list', events: [], mistake: /at least one of message\.status\.changed/ },
  { name: 'an unknown type', events: ['message.sent'], mistake: /at least one of/ },
  { name: 'no pattern', events: 7, mistake: /must be a list of types or an EventBridge pattern/ },
  {
    name: 'a field that is not published',
    events: { detail: { email: ['a'] } },
    mistake: /detail\.email is not published/,
  },
  { name: 'an unknown key', events: { account: ['1'] }, mistake: /"account" must be/ },
  { name: 'an unknown detail type', events: { 'detail-type': ['Other'] }, mistake: /detail-type must list/ },
  { name: 'a value outside a list', events: { detail: { status: 'FAILED' } }, mistake: /status must be a list/ },
  {
    name: 'a condition that only EventBridge knows',
    events: { detail: { domain: [{ wildcard: '*' }] } },
    mistake: /must be a value or one of the conditions/,
  },
  {
    name: 'two conditions in one object',
    events: { detail: { domain: [{ prefix: 'a', suffix: 'b' }] } },
    mistake: /must be a value/,
  },
  {
    name: 'a condition without a sensible argument',
    events: { detail: { domain: [{ exists: 'yes' }] } },
    mistake: /must be a value/,
  },
  {
    name: 'a domain in upper case, which would match nothing',
    events: { detail: { domain: ['mg.example.com', 'MG.Example.com'] } },
    mistake: /^detail\.domain "MG\.Example\.com" is published in lower case$/,
  },
])('filterMistake: $name', ({ events, mistake }) => {
  const found = filterMistake(events);
  if (mistake === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(mistake);
});

describe('matchesFilter', () => {
  const matches = (detail: Record<string, never> | object) => matchesFilter({ detail } as never, status);

  test('requires every field and accepts any of its alternatives', () => {
    expect(matches({ status: ['DELIVERED', 'FAILED'], reason: [null] })).toBe(true);
    expect(matches({ status: ['FAILED'], reason: ['generic'] })).toBe(false);
  });

  test('handles exists, prefix, suffix and anything-but as EventBridge does', () => {
    expect(matches({ recipient: [{ exists: false }], reason: [{ exists: true }] })).toBe(true);
    expect(matches({ domain: [{ prefix: 'mg.' }] })).toBe(true);
    expect(matches({ domain: [{ suffix: '.org' }] })).toBe(false);
    expect(matches({ status: [{ 'anything-but': ['DELIVERED'] }] })).toBe(true);
    expect(matches({ recipient: [{ 'anything-but': ['a'] }] })).toBe(false);
    expect(matches({ recipient: [null] })).toBe(false);
  });

  test('maps a list of types to their detail types', () => {
    expect(matchesFilter(filterOf(['suppression.changed']), status)).toBe(false);
    expect(matchesFilter(filterOf(['message.status.changed']), status)).toBe(true);
    expect(matchesFilter({ source: ['other'] }, status)).toBe(false);
  });
});
