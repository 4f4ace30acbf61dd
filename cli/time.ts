import { UsageError } from './errors.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Returns the epoch seconds of a time as people type it: ISO 8601 with offset, a date (its first second in UTC), epoch
 * seconds, or a duration ago (`2h`). `name`: the option or argument, as errors call it.
 */
export function parseTime(name: string, text: string, nowMs: number): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago) return Math.floor(nowMs / 1000) - Number(ago[1]) * (UNIT_SECONDS[ago[2] as string] as number);
  if (/^\d{9,10}$/.test(text)) return Number(text);
  const iso = ISO.exec(text);
  if (iso && text.includes('T') && iso[4] === undefined) {
    throw new UsageError(`${name} "${text}" has no offset from UTC: write ${text}Z, or ${text}+02:00`);
  }
  const ms = Date.parse(text);
  if (!iso || Number.isNaN(ms) || !isDay(Number(iso[1]), Number(iso[2]), Number(iso[3]))) {
    throw new UsageError(
      `${name} takes a time like 2026-11-22T08:00:00Z, 2026-11-22, 1795334400 or 2h (ago), not "${text}"`,
    );
  }
  return Math.floor(ms / 1000);
}

/** Returns the same of a time at which something has happened; throws a UsageError for one that has not come yet. */
export function parsePastTime(name: string, text: string, nowMs: number): number {
  const seconds = parseTime(name, text, nowMs);
  if (seconds * 1000 > nowMs) throw new UsageError(`${name} has not come yet`);
  return seconds;
}

/** Returns the epoch milliseconds of a Mailgun time, in UTC without an offset; undefined if it is invalid. */
export function mailgunTimeMs(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const ms = Date.parse(/^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text) ? `${text}Z` : text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `2026-11-22T08:00:05.000Z` */
export const iso = (ms: number): string => new Date(ms).toISOString();

/** The same as an operator reads it. */
export function timeText(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Returns true for an existing day: JavaScript reads February 30 as March 2. */
function isDay(year: number, month: number, day: number): boolean {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}
