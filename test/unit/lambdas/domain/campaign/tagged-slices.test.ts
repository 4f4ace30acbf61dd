import { taggedSlice, timeRangesWithTag } from '../../../../../lambdas/domain/campaign/tagged-slices.ts';
import { CompletenessCheck } from '../../../../../lambdas/domain/ledger/completeness.ts';
import type { Slice } from '../../../../../lambdas/domain/ledger/slice.ts';

const slice = (start: number, tags: Slice['tags'], over: Partial<Slice> = {}) =>
  taggedSlice(
    {
      start,
      end: start + 900,
      tags,
      missing: {},
      altered: {},
      short: 0,
      unlisted: false,
      unconfirmed: {},
      expected: {},
      accepted: 0,
      ...over,
    },
    'spring',
  );

const times = (slices: ReturnType<typeof slice>[], fromMs: number, toMs: number) =>
  timeRangesWithTag(slices, { fromMs, toMs }).map((timeRange) => [timeRange.fromMs, timeRange.toMs]);

describe('timeRangesWithTag', () => {
  test('omits compared time without the tag, and keeps time that was never compared', () => {
    const slices = [slice(900, { '*': { accepted: 5 } }), slice(1800, { Spring: { accepted: 1 } }), slice(3600, {})];
    expect(times(slices, 0, 5_400_000)).toEqual([
      [0, 900_000],
      [1_799_000, 3_600_000],
      [4_500_000, 5_400_000],
    ]);
  });

  test('does not take opens of earlier mail for sends', () => {
    expect(times([slice(0, { spring: { opened: 3 } })], 0, 900_000)).toEqual([]);
  });

  test('takes a slice without space for more tags as a possible match', () => {
    const full = Object.fromEntries(Array.from({ length: 1000 }, (_, nth) => [`tag-${nth}`, { accepted: 1 }]));
    expect(times([slice(0, full)], 0, 900_000)).toEqual([[0, 900_000]]);
    expect([slice(0, full).isCut, slice(0, { spring: { accepted: 1 } }).isCut]).toEqual([true, false]);
  });

  test.each([
    ['was never listed', { unlisted: true }],
    ['lists less than before', { short: 1 }],
    ['misses an event', { missing: { accepted: 1 } }],
    ['holds an unconfirmed event', { unconfirmed: { accepted: 1 } }],
    ['holds an event that an operator accepted', { accepted: 1 }],
  ])('takes a slice that %s as a possible match', (_name, over) => {
    expect(times([slice(0, {}, over)], 0, 900_000)).toEqual([[0, 900_000]]);
  });

  test('sums the spellings of a tag', () => {
    expect(slice(0, { Spring: { accepted: 2 }, SPRING: { accepted: 3, opened: 1 } }).counts).toEqual({
      accepted: 5,
      opened: 1,
    });
  });
});

describe('CompletenessCheck', () => {
  test.each<[string, Parameters<CompletenessCheck['take']>[0][], string, number | null]>([
    [
      'every slice was compared',
      [
        { start: 0, end: 900, state: 'settled' },
        { start: 900, end: 1800, state: 'settled' },
      ],
      'complete',
      1800,
    ],
    [
      'a gap lies between',
      [
        { start: 0, end: 900, state: 'settled' },
        { start: 1000, end: 1800, state: 'settled' },
      ],
      'unknown',
      900,
    ],
    ['the first is not compared', [{ start: 900, end: 1800, state: 'settled' }], 'unknown', null],
    ['the last is not compared', [{ start: 0, end: 900, state: 'settled' }], 'unknown', 900],
    ['the last goes on after the time', [{ start: -900, end: 2700, state: 'settled' }], 'complete', 1800],
    [
      'one is open',
      [
        { start: 0, end: 900, state: 'open' },
        { start: 900, end: 1800, state: 'settled' },
      ],
      'incomplete',
      1800,
    ],
    ['one is short', [{ start: 0, end: 900, state: 'short' }], 'incomplete', 900],
    ['one was never listed', [{ start: 0, end: 1800, state: 'unlisted' }], 'unknown', null],
    ['there is none', [], 'unknown', null],
  ])('judges slices where %s', (_name, slices, expected, comparedTo) => {
    const check = new CompletenessCheck(0);
    for (const each of slices) check.take(each);
    expect([check.result(1800, 1800), check.comparedTo(1800)]).toEqual([expected, comparedTo]);
  });

  test('does not call a time complete of which nothing is due', () => {
    expect(new CompletenessCheck(900).result(1800, 900)).toBe('unknown');
  });
});

test.each<[boolean, string, Slice['tags']]>([
  [true, 'the tag, of any type', { '*': { opened: 1 }, SPRING: { opened: 1 } }],
  [true, 'an event without tags, as of a delayed bounce', { '*': { failed: 1 }, '': { failed: 1 } }],
  [true, 'an unsubscribe under another tag', { '*': { unsubscribed: 1 }, weekly: { unsubscribed: 1 } }],
  [false, 'other mail alone', { '*': { delivered: 1 }, receipts: { delivered: 1 } }],
])('a campaign leaves a trace: %s, in a slice with %s', (is, _name, tags) => {
  expect(slice(0, tags).mayHoldTrace).toBe(is);
});
