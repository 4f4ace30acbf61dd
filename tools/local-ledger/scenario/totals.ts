import type { TwinEvent } from '../../mailgun-twin/twin.ts';
import { statusesOf } from '../../mailgun-twin/webhooks/delivery.ts';
import { type AccountedEvent, isExcused, isLost, isRecovered, type MessageOutcome } from './message-outcome.ts';
import { addUp, type LedgerSlice, type Leftovers } from './read-stack.ts';

/** Progress of the deliveries, in numbers for a person. */
export interface DeliveryTotals {
  /** Events posted at least once. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Further copies of events. */
  readonly repeats: number;
  readonly retries: number;
  readonly rejected: number;
  /** Deliveries given up after all retries, or lost at the only attempt. */
  readonly unacknowledged: number;
}

export function tally(events: readonly TwinEvent[]): DeliveryTotals {
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

/** Returns the number of listed events by type of which no copy got a 200. */
export function missedByType(events: readonly TwinEvent[]): Record<string, number> {
  const missed = events.filter(({ listed, record }) => listed && !statusesOf(record).includes(200));
  const types = Map.groupBy(missed, ({ data }) => data.event);
  return Object.fromEntries([...types].map(([type, those]) => [type, those.length]));
}

/** The whole run in numbers; lists name what needs attention. */
export interface Summary extends Leftovers {
  readonly ok: boolean;
  readonly messages: number;
  /** Distinct events, however often sent. */
  readonly events: number;
  readonly acknowledged: number;
  readonly storedOnce: number;
  /** Acknowledged, or listed at the time of reconciliation, and not stored; messages still queued included. */
  readonly lost: number;
  readonly storedTwice: number;
  /** Stored although Mailgun never sent it. */
  readonly unknown: number;
  /** Refused with 406 without reason. */
  readonly refused: number;
  /** Stored by reconciliation, without a webhook. */
  readonly recovered: number;
  /** Neither acknowledged nor listed. */
  readonly neverAcknowledged: number;
  /** Recipients whose record differs from their timeline without an excuse. */
  readonly wrong: number;
}

export function summarize(outcomes: readonly MessageOutcome[], leftovers: Leftovers): Summary {
  const events = outcomes.flatMap(({ account }) => account.events);
  const count = (isCounted: (event: AccountedEvent) => boolean) => events.filter(isCounted).length;
  const numbers = {
    ...leftovers,
    messages: outcomes.length,
    events: events.length,
    acknowledged: count(({ acknowledged }) => acknowledged),
    storedOnce: count(({ stored }) => stored === 1),
    lost: count(isLost),
    storedTwice: count(({ stored }) => stored > 1),
    unknown: outcomes.reduce((sum, { account }) => sum + account.unknown.length, 0),
    refused: count(({ refused }) => refused),
    recovered: count(isRecovered),
    neverAcknowledged: count(isExcused),
    wrong: outcomes.flatMap(({ recipients }) => recipients).filter(({ judgement }) => judgement === 'wrong').length,
  };
  const { acknowledged, lost, storedTwice, unknown, refused, wrong } = numbers;
  // Without any acknowledgement the run proves nothing.
  return { ok: acknowledged > 0 && lost + storedTwice + unknown + refused + wrong === 0, ...numbers };
}

/** Outcomes of the events of one type. */
export interface LedgerRow {
  readonly type: string;
  readonly sent: number;
  readonly webhooksAlone: number;
  readonly recovered: number;
  readonly unaccounted: number;
  /** Count in the twin's listing, beside the stack's own ledger and statistics. */
  readonly listed: number;
  readonly ledger: number;
  readonly stats: number;
  /** Stored, and not listed by Mailgun. */
  readonly unconfirmed: number;
}

/** Events that Mailgun sent, compared with stored events and the stack's own counts. */
export interface Ledger extends Omit<LedgerRow, 'type'> {
  readonly types: readonly LedgerRow[];
  /** True if the stack's ledger and statistics equal the twin's listing. */
  readonly exact: boolean;
}

export function keepLedger(
  events: readonly AccountedEvent[],
  slices: readonly LedgerSlice[],
  stats: Readonly<Record<string, number>>,
): Ledger {
  const expected = addUp(slices.map((slice) => slice.expected));
  const unconfirmed = addUp(slices.flatMap((slice) => [slice.unconfirmed, slice.undecided]));
  const byType = Map.groupBy(events, ({ event }) => event);
  const names = new Set([...byType.keys(), ...Object.keys(expected), ...Object.keys(stats)]);
  const types = [...names].sort().map((type): LedgerRow => {
    const own = byType.get(type) ?? [];
    const count = (isCounted: (event: AccountedEvent) => boolean) => own.filter(isCounted).length;
    return {
      type,
      sent: own.length,
      webhooksAlone: count(({ acknowledged }) => acknowledged),
      recovered: count(isRecovered),
      unaccounted: count(isLost),
      listed: count(({ listed }) => listed),
      ledger: (expected[type] ?? 0) - (unconfirmed[type] ?? 0),
      stats: stats[type] ?? 0,
      unconfirmed: unconfirmed[type] ?? 0,
    };
  });
  const sum = (name: Exclude<keyof LedgerRow, 'type'>) => types.reduce((total, row) => total + row[name], 0);
  return {
    sent: sum('sent'),
    webhooksAlone: sum('webhooksAlone'),
    recovered: sum('recovered'),
    unaccounted: sum('unaccounted'),
    listed: sum('listed'),
    ledger: sum('ledger'),
    stats: sum('stats'),
    unconfirmed: sum('unconfirmed'),
    types,
    exact: types.every(({ listed, ledger, stats: counted }) => ledger === listed && counted === listed),
  };
}
