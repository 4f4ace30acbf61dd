import { DAY_SECONDS } from '../../contract.ts';
import { utcDay } from '../keys.ts';

/** A class by which Mailgun itself sorts failures, and how many it counts in it. */
export interface BounceClass {
  /** The party that refused the mail, such as a mailbox provider or a blocklist. */
  readonly entity: string | null;
  readonly category: string | null;
  readonly severity: string | null;
  readonly failures: number;
}

/** Mailgun's classes of whole UTC days, as they were read; times in epoch seconds, `to` excluded. */
export interface ReadClasses {
  readonly at: number;
  readonly from: number;
  readonly to: number;
  /** The most frequent first. */
  readonly classes: readonly BounceClass[];
  /** True if rarer classes are left out. */
  readonly isCut: boolean;
}

/** Mailgun's classes of a domain, as last read. */
export interface KnownClasses {
  /** Epoch milliseconds of the last attempt. */
  readonly triedAt: number;
  /** Why it got none; null where it did. */
  readonly note: string | null;
  readonly read: ReadClasses | null;
}

/** The note that the key or the plan is not given them. */
export const NOT_GIVEN = 'not-given';
/** The note of an attempt that is under way, or was cut off. */
const UNFINISHED = 'unfinished';

const CLASSES_DAYS = 7;
/** Classes read longer ago than this are out of date. */
export const CLASSES_KEPT_SECONDS = (CLASSES_DAYS + 1) * DAY_SECONDS;
const MAX_CLASSES = 50;
const MAX_NAME = 200;

/** Returns true once in a UTC day. */
export function isTimeToTry(known: KnownClasses | undefined, nowMs: number): boolean {
  return known === undefined || utcDay(known.triedAt) !== utcDay(nowMs);
}

/** Returns the whole days before today, in epoch seconds. */
export function classesRange(nowMs: number): { from: number; to: number } {
  const to = Date.parse(utcDay(nowMs)) / 1000;
  return { from: to - CLASSES_DAYS * DAY_SECONDS, to };
}

/** Returns the classes after a failed attempt: those read before, if recent enough. */
export function withoutResult(known: KnownClasses | undefined, triedAt: number, note = UNFINISHED): KnownClasses {
  const read = known?.read ?? null;
  return { triedAt, note, read: read && isRecent(read, triedAt) ? read : null };
}

export function isRecent({ at }: ReadClasses, nowMs: number): boolean {
  return at + CLASSES_KEPT_SECONDS > nowMs / 1000;
}

/** Adds up rows of one class, and keeps the most frequent; names as long as they can be shown. */
export function summedClasses(rows: readonly BounceClass[]): Pick<ReadClasses, 'classes' | 'isCut'> {
  const sums = new Map<string, BounceClass>();
  for (const row of rows) {
    const [entity, category, severity] = [shortened(row.entity), shortened(row.category), shortened(row.severity)];
    const key = JSON.stringify([entity, category, severity]);
    const failures = (sums.get(key)?.failures ?? 0) + row.failures;
    if (failures > 0) sums.set(key, { entity, category, severity, failures });
  }
  const classes = [...sums.values()].toSorted((a, b) => b.failures - a.failures);
  return { classes: classes.slice(0, MAX_CLASSES), isCut: classes.length > MAX_CLASSES };
}

const shortened = (name: string | null) => name?.slice(0, MAX_NAME) ?? null;
