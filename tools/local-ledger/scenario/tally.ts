import type { TwinEvent } from '../../mailgun-twin/twin.ts';
import { answersOf } from '../../mailgun-twin/webhooks/delivery.ts';

/** How far the deliveries have come, in numbers for a person to watch. */
export interface Tally {
  /** Events posted at least once. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Further copies of events. */
  readonly repeats: number;
  readonly retries: number;
  readonly rejected: number;
  /** Given up after all retries, or lost at the only attempt. */
  readonly unacknowledged: number;
}

export function tally(events: readonly TwinEvent[]): Tally {
  const count = (isCounted: (event: TwinEvent) => boolean) => events.filter(isCounted).length;
  const add = (number: (event: TwinEvent) => number) => events.reduce((sum, event) => sum + number(event), 0);
  return {
    sent: count(({ record }) => record.attempts.length > 0),
    acknowledged: count(({ record }) => record.outcome === 'acknowledged'),
    repeats: add(({ record }) => record.repeats.length),
    retries: add(({ record }) => Math.max(0, record.attempts.length - 1)),
    rejected: count(({ record }) => record.outcome === 'rejected'),
    unacknowledged: count(({ record }) => record.outcome === 'gave-up' || record.outcome === 'lost'),
  };
}

/** Listed events of which no copy was answered 200. */
export function missedByType(events: readonly TwinEvent[]): Record<string, number> {
  const missed = events.filter(({ listed, record }) => listed && !answersOf(record).includes(200));
  const types = Map.groupBy(missed, ({ data }) => data.event);
  return Object.fromEntries([...types].map(([type, those]) => [type, those.length]));
}
