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
import { AWS_LIMITS, dollarsPerRefusal, type LoadPlan } from '../../planning/capacity.ts';
import type { StackUsage } from '../../target/types.ts';

/** The line of `doctor --plan-for --json`. */
export interface PlanLine extends LoadPlan {
  readonly event: 'plan';
}

const LABEL_WIDTH = 10;

/** Returns a plan as a person reads it, with the commands that carry it out. */
export function planText({ perSecond, settings, quotas, beyond, ...plan }: LoadPlan): string[] {
  const settingLines = [
    `throttle.webhook: {"ratePerSecond": ${settings.throttlePerSecond}, "burst": ${settings.throttleBurst}}`,
    `processing.maxConcurrency: ${settings.maxConcurrency}`,
    `reconcile.parallel: ${settings.parallel}`,
    ...(settings.shards > 1 ? [`shards: [{"from": "<a day to come>", "count": ${settings.shards}}]`] : []),
  ];
  const quotaLines = [
    'aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 ' +
      `--desired-value ${quotas.executions}`,
    ...(quotas.gatewayPerSecond > AWS_LIMITS.gatewayPerSecond
      ? [`API Gateway: a throttle rate of ${quotas.gatewayPerSecond} requests a second, account and region`]
      : []),
  ];
  const { warmWritesPerSecond: warm } = plan;
  const warmth = `--warm-throughput ReadUnitsPerSecond=12000,WriteUnitsPerSecond=${warm}`;
  return [
    `For ${perSecond} webhooks a second, all on one domain, and a quarter above it:`,
    ...under('cdk.json', settingLines),
    ...under('quotas', quotaLines),
    ...under('table', warm === null ? [] : [`aws dynamodb update-table --table-name <TableName> ${warmth}`]),
    ...under('dollars', [
      `${dollars(plan.dollarsPerMonth)} a month, and ${dollars(plan.dollarsKeptPerMonth)} for each month that it is kept`,
    ]),
    ...under(
      'BEYOND',
      beyond.map((each) => `${each}, which is more than there can be: use more domains or environments`),
    ),
  ];
}

const dollars = (amount: number) => amount.toLocaleString('en-US', { maximumFractionDigits: 0 });

const under = (label: string, lines: readonly string[]) =>
  lines.map((line, nth) => `${(nth === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}`);

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
