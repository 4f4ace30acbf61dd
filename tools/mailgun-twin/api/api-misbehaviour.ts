import { type ApiFailure, FAILURES } from './api-failures.ts';

/** How Mailgun's API misbehaves; absent fields mean correct behaviour. */
export interface Misbehaviour {
  /** Lists this percentage of events only this many seconds after they happened, also in pages already read. */
  readonly late?: { readonly seconds: number; readonly percent: number };
  /** Percentage of events that a page leaves out, different ones at each read. */
  readonly changing?: number;
  /** Pages hold fewer events than requested, although more follow. */
  readonly shortPages?: boolean;
  /** Percentage of calls that fail, of all or of one method; a 429 asks to wait `seconds`. */
  readonly fails?: {
    readonly mode: ApiFailure;
    readonly percent: number;
    readonly seconds?: number;
    readonly method?: string;
  };
  /** Link to the next page: on another host, or always the same page. */
  readonly next?: 'foreign' | 'same';
  /** Refuses listings that begin more than this long ago. */
  readonly retentionSeconds?: number;
  /** The Events API responds 410. */
  readonly discontinued?: boolean;
  /** `Sunset` header of the Events API. */
  readonly sunset?: string;
  /** Ids of events that are counted but not listed. */
  readonly hides?: readonly string[];
  /** The Metrics API responds 403, as for a key or plan without access. */
  readonly metricsRefused?: boolean;
  /** Bounce Classification responds 403, as for a plan without access. */
  readonly classesRefused?: boolean;
  /** The Metrics API counts opens and clicks once per message and recipient. */
  readonly uniqueOpens?: boolean;
  /** Failed webhooks in the Metrics API for each hour with mail. */
  readonly failedWebhooks?: number;
  /** Lists this many domains fewer than it counts. */
  readonly hidesDomains?: number;
  /** Lists nothing. */
  readonly empty?: boolean;
  readonly items?: 'without-id' | 'string-timestamps';
  /** Lists an event up to this many seconds out of order, across pages too. */
  readonly disorderSeconds?: number;
  /** Lists this percentage of events twice, at any distance. */
  readonly repeats?: number;
  /** Rounds times to this unit, up or down. */
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

/** Returns the misbehaviour, or an error message for an invalid value. */
export function parseMisbehaviour(value: unknown): Misbehaviour | string {
  if (!isFields(value)) return `a body is needed like {"late":{"seconds":2,"percent":50}}`;
  for (const [name, wish] of Object.entries(value)) {
    const check = (CHECKS as Readonly<Record<string, Check | undefined>>)[name];
    if (!check) return `${name} is not one of ${Object.keys(CHECKS).join(', ')}`;
    if (!check(wish)) return `${name} cannot be ${JSON.stringify(wish)}`;
  }
  return value;
}
