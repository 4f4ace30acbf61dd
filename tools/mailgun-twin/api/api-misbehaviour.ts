import { FAILURES, type Failure } from './api-failures.ts';

/** How Mailgun's API misbehaves; what is not there does not. */
export interface Misbehaviour {
  /** This percentage of events is listed only this number of seconds after it happened, in pages already read too. */
  readonly late?: { readonly seconds: number; readonly percent: number };
  /** Percentage of its events that a page leaves out, others at each read. */
  readonly changing?: number;
  /** Pages hold fewer events than asked for, though more follow. */
  readonly shortPages?: boolean;
  /** This percentage of calls, or of those of one method, fails; a 429 asks to wait this number of seconds. */
  readonly fails?: {
    readonly mode: Failure;
    readonly percent: number;
    readonly seconds?: number;
    readonly method?: string;
  };
  /** Where the next page is said to be: on another host, or for ever here. */
  readonly next?: 'foreign' | 'same';
  /** Listings that begin earlier than this long ago are refused. */
  readonly retentionSeconds?: number;
  /** The Events API is gone (410). */
  readonly discontinued?: boolean;
  /** When the Events API will be gone, as its `Sunset` header says. */
  readonly sunset?: string;
  /** Ids of events that are not listed, though Mailgun counts them. */
  readonly hides?: readonly string[];
  /** The Metrics API is refused (403), as to a key or a plan without it. */
  readonly metricsRefused?: boolean;
  /** Bounce Classification is refused (403), as to a plan without it. */
  readonly classesRefused?: boolean;
  /** The Metrics API counts opens and clicks once a message and recipient. */
  readonly uniqueOpens?: boolean;
  /** Failed webhooks that the Metrics API counts in each hour with mail. */
  readonly failedWebhooks?: number;
  /** So many domains fewer than Mailgun counts are listed. */
  readonly hidesDomains?: number;
  /** Nothing is listed. */
  readonly empty?: boolean;
  readonly items?: 'without-id' | 'string-timestamps';
  /** An event is listed up to this many seconds before or after its place, across pages too. */
  readonly disorderSeconds?: number;
  /** This percentage of events is listed twice, at any distance. */
  readonly repeats?: number;
  /** Times are rounded to this unit, upwards too. */
  readonly rounding?: 'second' | 'millisecond' | 'microsecond';
}

type Check = (value: unknown) => boolean;

const isNumber = (value: unknown) => typeof value === 'number' && value >= 0;
const isPercentage = (value: unknown) => isNumber(value) && (value as number) <= 100;
const isFlag = (value: unknown) => typeof value === 'boolean';
const isOneOf =
  (...choices: readonly unknown[]): Check =>
  (value) =>
    choices.includes(value);
const isFields = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const CHECKS: Readonly<Record<keyof Misbehaviour, Check>> = {
  late: (value) => isFields(value) && isNumber(value.seconds) && isPercentage(value.percent),
  changing: isPercentage,
  shortPages: isFlag,
  fails: (value) =>
    isFields(value) &&
    isOneOf(...FAILURES)(value.mode) &&
    isPercentage(value.percent) &&
    (value.seconds === undefined || isNumber(value.seconds)) &&
    isOneOf(undefined, 'GET', 'POST', 'PUT', 'DELETE')(value.method),
  next: isOneOf('foreign', 'same'),
  retentionSeconds: isNumber,
  discontinued: isFlag,
  sunset: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  hides: (value) => Array.isArray(value) && value.every((id) => typeof id === 'string'),
  metricsRefused: isFlag,
  classesRefused: isFlag,
  uniqueOpens: isFlag,
  failedWebhooks: (value) => isNumber(value) && Number.isInteger(value),
  hidesDomains: (value) => isNumber(value) && Number.isInteger(value),
  empty: isFlag,
  items: isOneOf('without-id', 'string-timestamps'),
  disorderSeconds: isNumber,
  repeats: isPercentage,
  rounding: isOneOf('second', 'millisecond', 'microsecond'),
};

/** Returns the misbehaviour, or a sentence where the value makes no sense. */
export function parseMisbehaviour(value: unknown): Misbehaviour | string {
  if (!isFields(value)) return `a body is needed like {"late":{"seconds":2,"percent":50}}`;
  for (const [name, wish] of Object.entries(value)) {
    const check = (CHECKS as Readonly<Record<string, Check | undefined>>)[name];
    if (!check) return `${name} is none of ${Object.keys(CHECKS).join(', ')}`;
    if (!check(wish)) return `${name} cannot be ${JSON.stringify(wish)}`;
  }
  return value;
}
