import { counted } from '../../output.ts';
import {
  type CostLine,
  type MonthlyUsage,
  monthlyCosts,
  type Saving,
  STORAGE,
  savings,
  sumOf,
} from '../../planning/break-even.ts';
import { dollarsPerRefusal } from '../../planning/capacity.ts';
import type { StackUsage } from '../../target/types.ts';

/** The line of `doctor --costs --json`; dollars are those of a month. */
export interface CostsLine {
  readonly event: 'costs';
  /** The figures that the sums rest on. */
  readonly seconds: number;
  readonly costs: readonly CostLine[];
  readonly cheaper: readonly Saving[];
  /** 1,000 forged posts a second, for a month. */
  readonly floodDollars: number;
}

const MONTH_SECONDS = 730 * 3600;
const FLOOD_PER_SECOND = 1000;

/** Returns what a month costs at the pace of what was measured, and what would be cheaper. */
export function costsOf({ seconds, table, ...measured }: StackUsage): CostsLine {
  const months = MONTH_SECONDS / seconds;
  const usage: MonthlyUsage = {
    ...measured,
    writeUnits: measured.writeUnits * months,
    readUnits: measured.readUnits * months,
    logBytes: measured.logBytes * months,
    refused: measured.refused * months,
  };
  return {
    event: 'costs',
    seconds,
    costs: monthlyCosts(usage, table),
    cheaper: savings(usage, table),
    floodDollars: FLOOD_PER_SECOND * MONTH_SECONDS * dollarsPerRefusal,
  };
}

const WIDTH = 34;
const UNITS = [
  ['day', 86_400],
  ['minute', 60],
] as const;

/** Returns the costs as a person reads them. */
export function costsText({ seconds, costs, cheaper, floodDollars }: CostsLine): string[] {
  const isWhole = costs.some(({ what }) => what === STORAGE);
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? (['second', 1] as const);
  const over = counted(Math.round(seconds / length), unit);
  const line = (what: string, dollars: number) => `  ${what.padEnd(WIDTH)} ${amount(dollars).padStart(10)}`;
  return [
    `At the pace of the last ${over}, a month costs in dollars:`,
    ...costs.map(({ what, dollars }) => line(what, dollars)),
    line('together', sumOf(costs)),
    ...(isWhole
      ? []
      : ['Storage and backups of the table are not known here: neither they nor what would save them is counted.']),
    cheaper.length === 0
      ? `Nothing ${isWhole ? '' : 'else '}of cdk.json would be cheaper by a dollar.`
      : 'Each of these alone would be cheaper by:',
    ...cheaper.map(({ setting, dollars }) => `  ${amount(dollars).padStart(10)}  ${setting}`),
    `1,000 forged posts a second cost ${amount(floodDollars)} in a month; throttle.webhook is the limit.`,
  ];
}

const amount = (dollars: number) =>
  dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
