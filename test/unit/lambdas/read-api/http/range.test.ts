import { isToCome, openRangeOf, type RangeQuery, rangeOf } from '../../../../../lambdas/read-api/http/range.ts';

const NOW_MS = Date.parse('2026-02-02T23:55:00Z');
const at = (text: string) => Date.parse(text);

test.each<[string, RangeQuery, string]>([
  ['the day after tomorrow', { day: at('2026-02-04') }, 'day must not be in the future'],
  ['a start to come', { from: NOW_MS + 600_001, to: NOW_MS + 700_000 }, 'from must not be in the future'],
  ['a year to come', { from: at('2027-01-01'), to: at('2027-01-02') }, 'from must not be in the future'],
])('a range that no event can be in is refused: %s', (_, query, message) => {
  const parameter = message.split(' ')[0];
  expect(rangeOf(query, NOW_MS)).toEqual({ ok: false, parameter, message });
  expect(openRangeOf(query, NOW_MS)).toEqual({ ok: false, parameter, message });
});

test('an end to come without a start, whose day before is to come too, is refused', () => {
  const message = 'to is in the future: give from, too';
  expect(rangeOf({ to: at('2026-02-05') }, NOW_MS)).toEqual({ ok: false, parameter: 'to', message });
  expect(openRangeOf({ to: at('2026-02-05') }, NOW_MS)).toEqual({ fromMs: 0, toMs: at('2026-02-05') });
});

test.each<[string, RangeQuery]>([
  ['the day that begins within the skew of clocks', { day: at('2026-02-03') }],
  ['a start within it', { from: NOW_MS + 600_000, to: NOW_MS + 700_000 }],
  ['an end to come', { from: at('2026-02-02'), to: at('2026-02-20') }],
])('%s is asked for', (_, query) => {
  expect(rangeOf(query, NOW_MS)).not.toHaveProperty('ok');
  expect(openRangeOf(query, NOW_MS)).not.toHaveProperty('ok');
});

test('a time is to come once no event can carry it', () => {
  expect([600_000, 600_001].map((ahead) => isToCome(NOW_MS + ahead, NOW_MS))).toEqual([false, true]);
});
