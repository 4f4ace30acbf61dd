import { exponent, median, quantile, ratios } from '../../../../tools/bench/statistics.ts';

test.each([
  ['linear', 1, (x: number) => 3 * x],
  ['quadratic', 2, (x: number) => 0.1 * x * x],
  ['flat', 0, () => 7],
])('the exponent shows %s growth', (_name, expected, grow) => {
  expect(exponent([1000, 3000, 10_000, 30_000].map((x) => [x, grow(x)]))).toBeCloseTo(expected, 6);
});

test('quantiles do not depend on the order of values', () => {
  const values = [5, 1, 4, 2, 3];
  expect([median(values), quantile(values, 0.9), quantile([], 0.5)]).toEqual([3, 5, Number.NaN]);
});

test('ratios are computed round by round', () => {
  expect(ratios([2, 9, 4], [1, 3, 1])).toEqual({ median: 3, least: 2, most: 4 });
});
