import { partOf, shareOf } from '../support/share.ts';

const CASES = Array.from({ length: 60 }, (_, n) => n);

test('consecutive shifts select different cases, and together all, whatever the share', () => {
  const share = partOf(CASES, 0).length;
  const shifts = Math.round(CASES.length / share);
  const tried = Array.from({ length: shifts }, (_, shift) => partOf(CASES, shift)).flat();

  expect(share).toBe(Math.min(shareOf(CASES.length), CASES.length));
  expect(tried.toSorted((a, b) => a - b)).toEqual(CASES);
});
