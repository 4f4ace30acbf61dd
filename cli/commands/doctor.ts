import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import {
  type CliContext,
  type CommandBuilder,
  interruptible,
  ledgerCommand,
  type TargetOptions,
  targetRefOf,
  wholeNumber,
} from '../command.ts';
import {
  SecretOutOfReachError,
  StackNotFoundError,
  TargetUnavailableError,
  TokenRefusedError,
  UnreadableSecretError,
  UsageError,
  whyUnavailable,
} from '../errors.ts';
import { counted, createEmit } from '../output.ts';
import {
  AWS_LIMITS,
  type CostLine,
  dollarsPerRefusal,
  type LoadPlan,
  MONTH_SECONDS,
  type MonthlyUsage,
  monthlyCosts,
  planFor,
  type Saving,
  STORAGE,
  savings,
  sumOf,
} from '../planning/capacity.ts';
import { environmentOf, readEnvironments } from '../target/environments.ts';
import { judgeStack } from '../target/stack-state.ts';
import type { Deployment, StackUsage, TargetRef } from '../target/types.ts';
import {
  type AccountContext,
  accountChecks,
  type Check,
  type DoctorLine,
  type Finding,
  machineChecks,
  skipped,
} from './doctor/machine-checks.ts';
import { checkOrigin, originChecks } from './doctor/origin-checks.ts';
import { stackChecks } from './doctor/stack-checks.ts';

interface DoctorOptions extends TargetOptions {
  readonly origin?: string;
  readonly planFor?: number;
  readonly costs?: boolean;
}

const EXAMPLES = `
Each check is ok, a warning, wrong, unknown (if access is denied) or skipped; the line below it shows the fix. Secrets
are never shown.
The API key is tested from this machine; an IP allowlist at Mailgun may treat the function differently. While Mailgun
redacts webhooks, statuses and suppressions of their recipients wait for reconciliation.
--origin tests the read API as a browser on a page of that origin would call it (CORS).
--costs reads what the stack used in the last thirty days, or since its table was created, and estimates a month's cost
at the list prices of us-east-1, and what would be cheaper. It does not cover the whole bill. Provisioned capacity
counts with the table's current units. For a local stack it takes the time since its start, without storage.
--plan-for does not read the stack: it prints settings, quotas and dollars for that load on one domain (docs/scale.md).

Examples:
  npm run ledger -- doctor --env prod
  npm run ledger -- doctor --local
  npm run ledger -- doctor --plan-for 10000
  npm run ledger -- doctor --env prod --costs
  npm run ledger -- doctor --env prod --origin https://mail.example.com

Needs on AWS: ssm:GetParameter on /cdk-bootstrap/<qualifier>/version (bootstrapQualifier of cdk.json, or CDK's own),
lambda:GetAccountSettings and ListEventSourceMappings, secretsmanager:GetSecretValue on the secrets of signing keys, API
key and token, sns:ListSubscriptionsByTopic, sqs:GetQueueAttributes on both queues, logs:FilterLogEvents,
dynamodb:Query, GetItem and DescribeTable on the table, dynamodb:Query on its index byDay, kms:GetPublicKey on the key of
certificates. The API key must be allowed to read events, webhooks and domains. With --costs instead:
cloudwatch:GetMetricData, and dynamodb:DescribeTable and dynamodb:DescribeContinuousBackups on the table.`;

export const doctorCommand: CommandBuilder = (context, run) =>
  ledgerCommand('doctor', 'check the setup of the stack, and print what to fix')
    .option('--origin <url>', 'check the read API as a browser at this origin would call it')
    .option(
      '--plan-for <n>',
      'print settings, quotas and costs for this many webhooks a second instead',
      wholeNumber(1),
    )
    .option('--costs', 'print what the last month cost, and what would be cheaper')
    .addHelpText('after', EXAMPLES)
    .action(run<DoctorOptions>(interruptible(context, (options) => doctor(context, options))));

async function doctor(context: CliContext, options: DoctorOptions): Promise<number> {
  if (options.planFor !== undefined) return printPlan(context, options, options.planFor);
  const ref = targetRefOf(options, context.environment);
  if (options.costs) return printCosts(context, options, ref);
  const emit = createEmit<DoctorLine>(context, options.json);
  let isSound = true;
  for await (const { name, check, unknownFix } of checksOf(context, ref, options.origin)) {
    const { state, says, fix = null } = await runCheck(check, unknownFix);
    isSound &&= state !== 'wrong' && state !== 'unknown';
    emit({ event: 'check', check: name, state, says, fix }, ...lineText(name, state, says, fix));
  }
  return isSound ? 0 : 1;
}

/** Prints settings, quotas and dollars; needs no stack. */
function printPlan(context: CliContext, options: DoctorOptions, perSecond: number): number {
  const plan = planFor(perSecond);
  createEmit<PlanLine>(context, options.json)({ event: 'plan', ...plan }, ...planText(plan));
  return plan.beyond.length === 0 ? 0 : 1;
}

async function printCosts(context: CliContext, options: DoctorOptions, ref: TargetRef): Promise<number> {
  const deployment = await context.openDeployment(ref);
  const costs = costsOf(await deployment.usage(context.now()));
  createEmit<CostsLine>(context, options.json)(costs, ...costsText(costs));
  return 0;
}

/** Yields the checks; those without a stack come first, since they explain its absence. */
async function* checksOf(context: CliContext, ref: TargetRef, origin: string | undefined): AsyncGenerator<Check> {
  if (origin !== undefined) {
    const checked = checkOrigin(origin);
    yield* originChecks(await context.openDeployment(ref), checked);
    return;
  }
  const account = await accountOf(context, ref);
  const machine = { nodeVersion: process.versions.node, readJavaVersion, hasDynoxide: hasDynoxide() };
  yield* machineChecks(machine, ref.kind === 'local');
  yield* accountChecks(account);
  const found = await findStack(context, ref);
  yield { name: 'stack', check: async () => found.finding };
  if (found.deployment)
    yield* stackChecks({ deployment: found.deployment, account: account?.account, now: context.now });
}

async function accountOf(context: CliContext, ref: TargetRef): Promise<AccountContext | undefined> {
  if (ref.kind === 'local') return undefined;
  if (ref.kind === 'stack') {
    return { name: ref.stackName, environment: undefined, account: await context.openAccount(ref.region) };
  }
  const { environment: name } = ref;
  const environment = environmentOf(readEnvironments(), name);
  const account = await context.openAccount(environment.region, environment.bootstrapQualifier);
  return { name, environment, account };
}

async function findStack(context: CliContext, ref: TargetRef): Promise<{ finding: Finding; deployment?: Deployment }> {
  try {
    const deployment = await context.openDeployment(ref);
    return { finding: stackFinding(deployment), deployment };
  } catch (error) {
    if (!(error instanceof TargetUnavailableError)) throw error;
    const fix = stackFix(ref, error);
    return { finding: { state: 'wrong', says: error.message, fix } };
  }
}

function stackFinding({ stackName, state }: Deployment): Finding {
  const { level, fix } = judgeStack(state);
  if (level === 'ok' || fix === undefined) return { state: 'ok', says: stackName };
  return { state: level, says: `${stackName} is ${state}`, fix };
}

function stackFix(ref: TargetRef, error: TargetUnavailableError): string {
  if (ref.kind === 'local') return ref.port === undefined ? 'npm start' : `npm start -- --port ${ref.port}`;
  if (!(error instanceof StackNotFoundError)) return ANY_FIX;
  return ref.kind === 'stack' ? `npx cdk deploy ${ref.stackName}` : `npx cdk deploy -c env=${ref.environment}`;
}

/** Something unreadable is either denied or unreachable. */
const ANY_FIX = 'fix what the lines above name, or take credentials with the rights in doctor --help';
const SECRET_FIX =
  'the key in it need not be wrong, so leave it: if access is denied, take credentials with the rights in doctor --help, or else wait for Secrets Manager (AWS Health Dashboard)';

/** Returns what a check found; unknown, and how it can be known, where it cannot check. */
export async function runCheck(check: Check['check'], unknownFix = ANY_FIX): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof TokenRefusedError) return skipped(`not checked: ${error.message}`);
    if (error instanceof UnreadableSecretError) return { state: 'wrong', says: error.problem, fix: error.fix };
    const says = whyUnavailable(error);
    if (says === undefined) throw error;
    return { state: 'unknown', says, fix: error instanceof SecretOutOfReachError ? SECRET_FIX : unknownFix };
  }
}

/** Fits `last slice of mg.example.com`. */
const NAME_WIDTH = 30;
const MARKS = { ok: 'ok', warning: 'warning', wrong: 'WRONG', unknown: 'unknown', skipped: '-' };

function lineText(name: string, state: Finding['state'], says: string, fix: string | null): string[] {
  const line = `${MARKS[state].padEnd(9)}${name.padEnd(NAME_WIDTH)}  ${says}`;
  return fix === null ? [line] : [line, `${' '.repeat(9 + NAME_WIDTH)}  fix: ${fix}`];
}

async function readJavaVersion(): Promise<string | undefined> {
  try {
    // It prints to standard error.
    const { stdout, stderr } = await promisify(execFile)('java', ['-version']);
    return stderr + stdout;
  } catch {
    return undefined;
  }
}

function hasDynoxide(): boolean {
  try {
    createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`);
    return true;
  } catch {
    return false;
  }
}

/** The line of `doctor --plan-for --json`. */
export interface PlanLine extends LoadPlan {
  readonly event: 'plan';
}

const LABEL_WIDTH = 10;

/** Returns a plan as a person reads it, with the commands that carry it out. */
function planText({ perSecond, settings, quotas, beyond, ...plan }: LoadPlan): string[] {
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

const FLOOD_PER_SECOND = 1000;

/** Returns what a month costs at the pace of what was measured, and what would be cheaper. */
function costsOf({ seconds, table, ...measured }: StackUsage): CostsLine {
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
function costsText({ seconds, costs, cheaper, floodDollars }: CostsLine): string[] {
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
