import type { CountsByType } from '../api/responses/schema.ts';

const FORMAT = new Intl.NumberFormat('en');
const PERCENT = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

export const numberText = (value: number): string => FORMAT.format(value);

/** `98.2 %` of a whole; a dash where there is none, or where it does not hold the part and so is the wrong base. */
export const shareText = (part: number, whole: number): string =>
  whole === 0 || part > whole ? '–' : PERCENT.format(part / whole);

export const total = (counts: CountsByType = {}): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** A type may be called anything, `constructor` too. */
export const countOf = (counts: CountsByType, type: string): number =>
  Object.hasOwn(counts, type) ? (counts[type] as number) : 0;

/** A spike of more than this many times what nine of ten bars stay under is cut off. */
const MAX_SPIKE = 4;

/**
 * Returns the value that the whole height of a picture stands for. One spike would press every other bar flat, so it
 * may be less than the highest value: what is above is cut off.
 */
export function scaleOf(values: readonly number[]): number {
  const sorted = values.filter((value) => value > 0).toSorted((a, b) => a - b);
  const highest = sorted.at(-1) ?? 1;
  const usual = sorted[Math.ceil(sorted.length * 0.9) - 1] ?? 1;
  return highest > MAX_SPIKE * usual ? 2 * usual : highest;
}
