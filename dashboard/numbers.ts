import type { CountsByType } from '../api/responses/schema.ts';

const FORMAT = new Intl.NumberFormat('en');
const PERCENT = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

export const numberText = (value: number): string => FORMAT.format(value);

/** `98.2 %` of a whole; a dash where there is no whole. */
export const shareText = (part: number, whole: number): string => (whole === 0 ? '–' : PERCENT.format(part / whole));

export const total = (counts: CountsByType = {}): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** A type may be called anything, `constructor` too. */
export const countOf = (counts: CountsByType, type: string): number =>
  Object.hasOwn(counts, type) ? (counts[type] as number) : 0;
