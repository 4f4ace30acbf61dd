import type { Ledger, LedgerRow } from '../ledger.ts';

const COLUMNS = ['sent', 'webhooks', 'recovered', 'unaccounted', 'listed', 'ledger', 'statistics'] as const;

/** The ledger of a run: a table by type of event, and the sum. */
export function createLedgerLines(ledger: Ledger): string[] {
  const width = Math.max(...ledger.types.map(({ type }) => type.length), 'event'.length);
  const row = (name: string, cells: readonly (string | number)[]) =>
    `     ${name.padEnd(width)}${cells.map((cell, nth) => String(cell).padStart((COLUMNS[nth]?.length ?? 0) + 3)).join('')}`;
  return [
    '',
    row('event', COLUMNS),
    ...ledger.types.map((each) => row(each.type, cellsOf(each)) + (isExact(each) ? '' : '   ✘ differs')),
    ...unconfirmedWords(ledger),
    ...(ledger.exact ? [] : ['', '✘ The stack counts other events than Mailgun lists.']),
    '',
    `sent ${ledger.sent} · webhooks alone ${ledger.webhooksAlone} · recovered ${ledger.recovered} · unaccounted ${ledger.unaccounted}`,
  ];
}

const cellsOf = (row: LedgerRow) => [
  row.sent,
  row.webhooksAlone,
  row.recovered,
  row.unaccounted,
  row.listed,
  row.ledger,
  row.stats,
];

const isExact = ({ listed, ledger, stats }: LedgerRow) => ledger === listed && stats === listed;

function unconfirmedWords({ sent, listed, unconfirmed }: Ledger): string[] {
  if (sent === listed) return [];
  return [
    '',
    `Mailgun's API does not list ${sent - listed} of them: presses of the test button, or webhooks of the old format.`,
    ...(unconfirmed === 0
      ? []
      : [`Of these, ${unconfirmed} are unconfirmed in the ledger, as a forged event would be; expect that alarm.`]),
  ];
}
