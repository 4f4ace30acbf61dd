import type { CountsByType } from '../../api/responses/schema.ts';

const FORMAT = new Intl.NumberFormat('en');
const PERCENT = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

export const numberText = (value: number): string => FORMAT.format(value);

/** Returns `98.2 %` of a whole, or a dash if the whole is 0 or smaller than the part, and so the wrong base. */
export const shareText = (part: number, whole: number): string =>
  whole === 0 || part > whole ? '–' : PERCENT.format(part / whole);

const FINE_PERCENT = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 });

/** Returns `0.08 %`, for shares that are judged by tenths of a percent. */
export const fineShareText = (part: number, whole: number): string =>
  whole === 0 || part > whole ? '–' : FINE_PERCENT.format(part / whole);

export const total = (counts: CountsByType = {}): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Returns the count of a type, whose name may be anything, even `constructor`. */
export const countOf = (counts: CountsByType, type: string): number =>
  Object.hasOwn(counts, type) ? (counts[type] as number) : 0;

/** A spike above this multiple of the 90th percentile is cut off. */
const MAX_SPIKE = 4;

/**
 * Returns the value at a chart's full height. A spike would flatten all other bars, so it may be below the highest
 * value, and higher bars are cut off.
 */
export function scaleOf(values: readonly number[]): number {
  const sorted = values.filter((value) => value > 0).toSorted((a, b) => a - b);
  const highest = sorted.at(-1) ?? 1;
  const usual = sorted[Math.ceil(sorted.length * 0.9) - 1] ?? 1;
  return highest > MAX_SPIKE * usual ? 2 * usual : highest;
}
