import { type AccountedEvent, isLost, isRecovered } from './account.ts';
import { addUp, type LedgerSlice } from './read-ledger.ts';

/** What became of the events of one type. */
export interface LedgerRow {
  readonly type: string;
  readonly sent: number;
  readonly webhooksAlone: number;
  readonly recovered: number;
  readonly unaccounted: number;
  /** Listed by the twin, and what the stack's own ledger and statistics say to that. */
  readonly listed: number;
  readonly ledger: number;
  readonly stats: number;
  /** Stored, and not listed by Mailgun. */
  readonly unconfirmed: number;
}

/** What Mailgun sent against what is stored, and against what the stack itself counts. */
export interface Ledger extends Omit<LedgerRow, 'type'> {
  readonly types: readonly LedgerRow[];
  /** Whether the stack's ledger and statistics count exactly what the twin lists. */
  readonly exact: boolean;
}

export function keepLedger(
  events: readonly AccountedEvent[],
  slices: readonly LedgerSlice[],
  stats: Readonly<Record<string, number>>,
): Ledger {
  const expected = addUp(slices.map((slice) => slice.expected));
  const unconfirmed = addUp(slices.map((slice) => slice.unconfirmed));
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
