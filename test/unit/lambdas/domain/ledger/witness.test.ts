import type { Counts } from '../../../../../lambdas/domain/ledger/counts.ts';
import type { SliceState } from '../../../../../lambdas/domain/ledger/slice.ts';
import { judgeHours, mergeHours } from '../../../../../lambdas/domain/ledger/witness.ts';

const HOUR = 500_000 * 3600;
const NOW = HOUR + 3 * 3600;

const slices = (expected: Counts, { state = 'settled' as SliceState, accepted = 0, parts = 4 } = {}) =>
  Array.from({ length: parts }, (_, nth) => {
    const start = HOUR + nth * 900;
    return { start, end: start + 900, state, expected: nth === 0 ? expected : {}, accepted: nth === 0 ? accepted : 0 };
  });

const witness = (counts: Counts, over: object = {}) => ({
  since: HOUR,
  until: HOUR + 3600,
  hours: [{ start: HOUR, counts, failedWebhooks: 0 }],
  ...over,
});

test.each([
  ['the same', { delivered: 2 }, { delivered: 2 }, [0, 0, []]],
  ['one more', { delivered: 3 }, { delivered: 2 }, [1, 0, ['batch-or-routed']]],
  ['failures of both severities', { permanent_fail: 1, temporary_fail: 2 }, { failed: 3 }, [0, 0, []]],
  ['fewer opens', { opened: 1 }, { opened: 4 }, [0, 3, ['opens-and-clicks']]],
  ['more of one type and fewer of another', { delivered: 3 }, { delivered: 1, opened: 1 }, [2, 1]],
  ['a type that it never counts', {}, { stored: 1, delivered: 1 }, [0, 1]],
] as [string, Counts, Counts, [number, number, string[]?]][])(
  'an hour for which Mailgun counts %s states the difference',
  (_, mailgun, expected, [lacks, exceeds, causes]) => {
    const [hour] = judgeHours(slices(expected), witness(mailgun), NOW);
    expect(hour).toMatchObject({ start: HOUR, lacks, exceeds, ...(causes && { causes }) });
  },
);

test('an hour does not lack events that an operator accepted', () => {
  expect(judgeHours(slices({}, { accepted: 1 }), witness({ delivered: 2 }), NOW)).toMatchObject([{ lacks: 1 }]);
});

test.each([
  ['was never read', slices({ delivered: 1 }), undefined, NOW],
  ['lies before what was read', slices({ delivered: 1 }), witness({}, { since: HOUR + 1 }), NOW],
  ['is not read to its end', slices({ delivered: 1 }), witness({}, { until: HOUR + 3599 }), NOW],
  ['lacks a slice', slices({ delivered: 1 }, { parts: 3 }), witness({ delivered: 1 }), NOW],
  ['has slices that are due', slices({}, { state: 'due' }), witness({ delivered: 1 }), NOW],
  ['began over 60 days ago', slices({ delivered: 1 }), witness({ delivered: 1 }), HOUR + 60 * 86_400 + 1],
  ['has no event on either side', slices({}), witness({}), NOW],
])('an hour that %s is not judged', (_, held, counted, now) => {
  expect(judgeHours(held, counted, now)).toEqual([]);
});

test('an unlisted hour in which Mailgun counts nothing agrees', () => {
  const judged = judgeHours(slices({}, { state: 'unlisted' }), witness({}, { hours: [] }), NOW);
  expect(judged).toMatchObject([{ lacks: 0, exceeds: 0 }]);
});

test('a lower count from Mailgun does not replace a higher one', () => {
  const [first, later] = [
    { start: HOUR, counts: { delivered: 3 }, failedWebhooks: 1 },
    { start: HOUR, counts: { delivered: 2, opened: 1 }, failedWebhooks: 0 },
  ];
  expect(mergeHours(first, later)).toEqual({ start: HOUR, counts: { delivered: 3, opened: 1 }, failedWebhooks: 1 });
  expect(mergeHours(undefined, later)).toEqual(later);
});
