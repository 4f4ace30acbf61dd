import { DAY_MS } from '../lambdas/contract.ts';
/** The latest time that fits a key of the table. */
export const LAST_MS = 9_999_999_999_999;

const ISO = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** Returns epoch milliseconds of epoch seconds, or of ISO 8601 with an offset; a date alone is its midnight in UTC. */
export function parseTime(text: string): number | undefined {
  if (/^\d{1,10}(\.\d+)?$/.test(text)) return Math.floor(Number(text) * 1000);
  // A plus sign that was not escaped arrives as a blank.
  const iso = text.replace(' ', '+');
  const [, day] = ISO.exec(iso) ?? [];
  const ms = day === undefined || parseDay(day) === undefined ? Number.NaN : Date.parse(iso);
  return ms >= 0 && ms <= LAST_MS ? ms : undefined;
}

/** Returns the midnight in UTC with which a day of the calendar begins, in epoch milliseconds. */
export function parseDay(text: string): number | undefined {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse reads 30 February as 2 March.
  return ms >= 0 && ms <= LAST_MS - DAY_MS && new Date(ms).toISOString().startsWith(text) ? ms : undefined;
}
