import { expect, test } from '@jest/globals';
import { providerStanding } from '../../../../../lambdas/domain/recipients/provider-limits.ts';

const standing = (counts: Record<string, number>, policy: Record<string, number> = {}) => {
  const { complaints, bounces, policy: refused } = providerStanding({ counts, policy });
  return [complaints.standing, bounces.standing, refused.standing];
};

test.each([
  { name: 'no mail', counts: {}, expected: ['few', 'few', 'few'] },
  { name: 'a mail too few', counts: { delivered: 999, complained: 9 }, expected: ['few', 'few', 'few'] },
  { name: 'failures are ended, too', counts: { delivered: 999, permanent_fail: 1 }, expected: ['few', 'good', 'good'] },
  { name: 'below every aim', counts: { delivered: 10_000, complained: 9 }, expected: ['good', 'good', 'good'] },
  {
    name: 'spam reports at the aim',
    counts: { delivered: 10_000, complained: 10 },
    expected: ['high', 'good', 'good'],
  },
  { name: 'below the limit', counts: { delivered: 10_000, complained: 29 }, expected: ['high', 'good', 'good'] },
  { name: 'at the limit', counts: { delivered: 10_000, complained: 30 }, expected: ['over', 'good', 'good'] },
  { name: 'bounces at the aim', counts: { delivered: 980, permanent_fail: 20 }, expected: ['few', 'high', 'good'] },
  {
    name: 'bounces below the limit',
    counts: { delivered: 951, permanent_fail: 49 },
    expected: ['few', 'high', 'good'],
  },
  { name: 'bounces at the limit', counts: { delivered: 950, permanent_fail: 50 }, expected: ['few', 'over', 'good'] },
])('$name', ({ counts, expected }) => {
  expect(standing(counts as Record<string, number>)).toEqual(expected);
});

test('refusals by policy add up over their codes', () => {
  const counts = { delivered: 1990, permanent_fail: 10 };
  expect(standing(counts, { '5.7.515': 1 })[2]).toBe('good');
  expect(standing(counts, { '5.7.515': 1, '5.7.1': 1 })[2]).toBe('high');
  expect(standing({ delivered: 990, permanent_fail: 10 }, { '5.7.515': 10 })[2]).toBe('over');
});
