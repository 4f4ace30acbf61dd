import { isObject } from '../domain/json.ts';

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
}

/** `ran`: as far as `nextFromMs`; `failed`: the bus did not take them; `unknown-domain`: not of this stack. */
export type RepublishState = 'ran' | 'failed' | 'unknown-domain';

/** The work of one call, or in a plan the work that it would do; the next call goes on from `nextFromMs`. */
export interface RepublishReport {
  state: RepublishState;
  /** Stored events looked at. */
  events: number;
  statuses: number;
  suppressions: number;
  /** How many of these the bus refuses permanently. */
  refused: number;
  done: boolean;
  nextFromMs: number;
  reason?: string;
}

/** The request to publish once more in an invocation, if it is one; throws where it is malformed. */
export function republishIn(event: unknown): RepublishEvent | undefined {
  if (!isObject(event) || event.republish === undefined) return undefined;
  const { republish } = event;
  if (!isObject(republish)) throw new TypeError('republish is no object');
  const { domain, fromMs, toMs, plan = false, rate } = republish;
  if (typeof domain !== 'string') throw new TypeError('republish.domain is no string');
  if (typeof plan !== 'boolean') throw new TypeError('republish.plan is no boolean');
  if (!isWhole(fromMs)) throw new TypeError('republish.fromMs is no time');
  if (!isWhole(toMs)) throw new TypeError('republish.toMs is no time');
  if (!isWhole(rate) || rate < 1) throw new TypeError('republish.rate is no rate');
  return { domain, fromMs, toMs, plan, rate };
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
