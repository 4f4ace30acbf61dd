import { AWS_LIMITS, type LoadPlan } from '../../planning/capacity.ts';

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
