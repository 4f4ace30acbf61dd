import { DAY_MS, HOUR_MS } from '../../contract.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** The events that were stored this long after they happened, and how often the tail looks for them. */
export interface LatenessTier {
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly everyMs: number;
}

/**
 * The day index knows when events happened, not when they were stored, so each pass over a tier reads its whole time
 * range again. Long ranges are read rarely, so the cost of a poll does not depend on how late an event may be. Every
 * event belongs to one tier, by facts that never change. The first tier begins before the event: its clock may be
 * ahead.
 */
export const LATENESS_TIERS: readonly [LatenessTier, ...LatenessTier[]] = [
  { fromMs: -10 * MINUTE_MS, toMs: 2 * MINUTE_MS, everyMs: 0 },
  { fromMs: 2 * MINUTE_MS, toMs: 30 * MINUTE_MS, everyMs: MINUTE_MS },
  { fromMs: 30 * MINUTE_MS, toMs: 2 * HOUR_MS, everyMs: 5 * MINUTE_MS },
  // Mailgun retries a webhook up to here.
  { fromMs: 2 * HOUR_MS, toMs: 9 * HOUR_MS, everyMs: 15 * MINUTE_MS },
  { fromMs: 9 * HOUR_MS, toMs: 2 * DAY_MS, everyMs: HOUR_MS },
  // Nothing of Mailgun's, and nothing in a dead-letter queue, is kept for longer.
  { fromMs: 2 * DAY_MS, toMs: 31 * DAY_MS, everyMs: DAY_MS },
];
