import {
  judgedFrom,
  providerStanding,
  standingText,
} from '../../../../../lambdas/domain/recipients/provider-limits.ts';

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
])('providerStanding: $name', ({ counts, expected }) => {
  expect(standing(counts as Record<string, number>)).toEqual(expected);
});

test('refusals by policy are summed over their codes', () => {
  const counts = { delivered: 1990, permanent_fail: 10 };
  expect(standing(counts, { '5.7.515': 1 })[2]).toBe('good');
  expect(standing(counts, { '5.7.515': 1, '5.7.1': 1 })[2]).toBe('high');
  expect(standing({ delivered: 990, permanent_fail: 10 }, { '5.7.515': 10 })[2]).toBe('over');
});

test.each([
  { now: '2026-11-29T00:00:00.000Z', from: '2026-11-22T00:00:00.000Z' },
  { now: '2026-11-29T23:59:59.999Z', from: '2026-11-22T00:00:00.000Z' },
])('the judged days begin at $from if it is $now', ({ now, from }) => {
  expect(new Date(judgedFrom(Date.parse(now)) * 1000).toISOString()).toBe(from);
});

test.each([
  ['over', 'complaints', 'gmail', 'over the limit of Gmail, 0.3 %'],
  ['high', 'complaints', 'yahoo', 'above the aim of Yahoo, 0.1 %'],
  ['over', 'complaints', 'outlook', 'over the limit of Gmail and Yahoo, 0.3 %'],
  ['over', 'complaints', 'other', 'over the limit of Gmail and Yahoo, 0.3 %'],
  ['over', 'bounces', 'gmail', 'over our limit, 5 %'],
  ['high', 'policy', 'gmail', 'above our aim, 0.1 %'],
  ['good', 'policy', 'gmail', 'good'],
  ['few', 'policy', 'gmail', 'too few to judge'],
] as const)('the alarm on %s by %s at %s is named "%s"', (found, share, provider, words) => {
  expect(standingText(found, share, provider)).toBe(words);
});
