import { isObject, isWholeNumber } from '../domain/json.ts';

/** `{"republish": …}` as an operator's command sends it. Times are those of the deciding events, in epoch milliseconds. */
export interface RepublishEvent {
  domain: string;
  fromMs: number;
  /** Exclusive. */
  toMs: number;
  /** Only count. */
  plan: boolean;
  /** Events a second. */
  rate: number;
  /** The date of what is published; a repetition with the same notes each delivery once. @default now */
  datedMs?: number | undefined;
}

/** `ran`: as far as `nextFromMs`; `failed`: the bus did not take them; `unknown-domain`: not of this stack. */
type RepublishState = 'ran' | 'failed' | 'unknown-domain';

/** Work done by one call, or planned; the next call continues from `nextFromMs`. */
export interface RepublishReport {
  state: RepublishState;
  /** Stored events looked at. */
  events: number;
  statuses: number;
  suppressions: number;
  /** Number of events that the bus rejected permanently. */
  refused: number;
  done: boolean;
  nextFromMs: number;
  reason?: string;
}

/** Returns the republishing request in an invocation, or undefined; throws if it is malformed. */
export function republishIn(event: unknown): RepublishEvent | undefined {
  if (!isObject(event) || event.republish === undefined) return undefined;
  const { republish } = event;
  if (!isObject(republish)) throw new TypeError('republish is not an object');
  const { domain, fromMs, toMs, plan = false, rate, datedMs } = republish;
  if (typeof domain !== 'string') throw new TypeError('republish.domain is not a string');
  if (typeof plan !== 'boolean') throw new TypeError('republish.plan is not a boolean');
  if (!isWholeNumber(fromMs)) throw new TypeError('republish.fromMs is not a time');
  if (!isWholeNumber(toMs)) throw new TypeError('republish.toMs is not a time');
  if (!isWholeNumber(rate) || rate < 1) throw new TypeError('republish.rate is not a rate');
  if (datedMs !== undefined && !isWholeNumber(datedMs)) throw new TypeError('republish.datedMs is not a time');
  return { domain, fromMs, toMs, plan, rate, datedMs };
}
