import { DAY_MS, HOUR_MS } from '../../lambdas/contract.ts';
import { retainedFromOf } from '../../lambdas/domain/campaign/retained-events.ts';
import {
  type CliContext,
  type CommandBuilder,
  chosenDomains,
  ledgerCommand,
  type TargetOptions,
  targetRefOf,
  targetRefText,
  timeOption,
  wholeNumber,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { retentionDaysOf } from '../ledger.ts';
import { number, type Output } from '../output.ts';
import { PRICES } from '../planning/prices.ts';
import {
  addEach,
  callUntilDone,
  eachDomainFrom,
  type PartLine,
  type PartsReporter,
  partsAsJson,
  partsAsText,
  type StepResult,
} from '../resumable.ts';
import type { Deployment, TargetRef } from '../target/types.ts';
import { timeText } from '../time.ts';

const HELP = `
Publishes the current statuses and suppressions that events of that time decided. Subscribers drop repeats by their id,
so starting too early only costs more. Start 8 hours before the outage, since Mailgun retries webhooks that long.
If you interrupt it, it prints the command to continue.

Examples:
  npm run ledger -- publish --local --from 2h --plan
  npm run ledger -- publish --env prod --from 2026-11-20T00:00:00Z --to 2026-11-22T00:00:00Z --rate 200

Needs on AWS: lambda:InvokeFunction on the publish function.`;

export const publishCommand: CommandBuilder = (context, run) =>
  ledgerCommand('publish', 'publish the changes of a time range again')
    .requiredOption(
      '--from <time>',
      'start of the range: ISO 8601 with offset, epoch seconds, or 2h ago',
      timeOption('from', context),
    )
    .option('--to <time>', 'end of the range, in the same form (now)', timeOption('to', context))
    .option('--domain <name>', 'only this sending domain (all of the stack)')
    .option('--rate <n>', `events a second (default: ${DEFAULT_RATE})`, wholeNumber(1))
    .option('--plan', 'only show what would be published, and what it costs')
    .option(
      '--begun <begin:end:date>',
      'begin with this stretch, as it was dated; only as this command prints it',
      begunStretch,
    )
    .addHelpText('after', HELP)
    .action(
      run<PublishOptions>(async (options) => {
        const args = publishArguments(options, context);
        return publishAll(args, await context.openDeployment(args.ref), createReporter(context, args), context);
      }),
    );

async function publishAll(
  args: PublishArguments,
  deployment: Deployment,
  reporter: Reporter,
  context: CliContext,
): Promise<number> {
  requirePublishing(deployment);
  const { domain: only, fromEpochSeconds } = args;
  reportExpired(fromEpochSeconds, deployment, reporter, context.now());
  const domains = chosenDomains(deployment, only);
  let sums = NO_SUMS;
  const begunOf = new Map<string, Stretch>();
  const rest = await eachDomainFrom(domains, fromEpochSeconds * 1000, context.signal, async (domain) => {
    const ended = await publishDomain(domain, args, deployment, reporter, context);
    sums = addEach(sums, ended.sums);
    if (ended.begun !== undefined) begunOf.set(domain, ended.begun);
    return ended.reachedMs;
  });
  const isAll = rest.length === 0 && sums.refused === 0;
  reporter.end(sums, isAll);
  if (rest.length > 0)
    reporter.resume(
      rest.map(([domain, fromMs]) => commandOf({ ...args, ref: deployment.ref }, domain, fromMs, begunOf.get(domain))),
    );
  return isAll ? 0 : 1;
}

function requirePublishing(deployment: Deployment): void {
  try {
    deployment.output('PublishFunctionName');
  } catch (cause) {
    throw new TargetUnavailableError(`${deployment.name} does not publish; set publish.enabled`, { cause });
  }
}

/** Warns of statuses that cannot be found, because their deciding events left the table first. */
function reportExpired(fromEpochSeconds: number, deployment: Deployment, reporter: Reporter, nowMs: number): void {
  const days = retentionDaysOf(deployment);
  if (days === undefined) return;
  const retainedFrom = retainedFromOf(nowMs, days);
  if (fromEpochSeconds < retainedFrom) reporter.partial(days, retainedFrom);
}

/** `reachedMs`: where to continue; undefined when done. `begun`: the stretch there, if a call may have published of it. */
interface DomainEnd {
  sums: PublishSums;
  reachedMs: number | undefined;
  begun?: Stretch | undefined;
}

/** The longest stretch of one call: after a call without a reply, all of it keeps that call's date. */
const STRETCH_MS = DAY_MS;

/**
 * Calls the function again and again, from where it came to. Each call has a date. One that failed, or whose reply is
 * lost, may have noted deliveries up to its end, so everything up to there is published under its date, by whatever run.
 */
async function publishDomain(
  domain: string,
  { fromEpochSeconds, toEpochSeconds, plan, rate, begun: given }: PublishArguments,
  deployment: Deployment,
  reporter: Reporter,
  context: CliContext,
): Promise<DomainEnd> {
  const toMs = toEpochSeconds * 1000;
  let sums = NO_SUMS;
  let reachedMs = given?.fromMs ?? fromEpochSeconds * 1000;
  let begun = given;
  let isRepeated = false;
  const stretch = () =>
    begun ?? { fromMs: reachedMs, toMs: Math.min(reachedMs + STRETCH_MS, toMs), datedMs: context.now() };
  const next = () => {
    isRepeated = begun !== undefined;
    begun = stretch();
    return call(deployment, { domain, plan, rate, ...begun });
  };
  const isDone = await callUntilDone(domain, context, reporter, next, (result) => {
    sums = addEach(sums, result);
    const current = stretch();
    const hasMoved = result.done || result.nextFromMs > reachedMs;
    reachedMs = result.done ? current.toMs : Math.max(reachedMs, result.nextFromMs);
    const isKept = !result.done && (isRepeated || result.state !== 'ran');
    begun = isKept ? { ...current, fromMs: reachedMs } : undefined;
    if (result.events > 0) reporter.progress(domain, reachedMs, sums);
    return { isDone: result.done && reachedMs >= toMs, hasMoved, wait: reasonToWait(result) };
  });
  if (!isDone) return { sums, reachedMs, begun };
  if (sums.refused > 0) reporter.left(domain, `${sums.refused} events were refused by the bus for what they hold`);
  return { sums, reachedMs: undefined };
}

function reasonToWait({ state, reason }: PublishResult): StepResult['wait'] {
  if (state === 'ran') return undefined;
  return state === 'failed'
    ? { text: `the bus does not take events (${reason})`, passes: true }
    : { text: state, passes: false };
}

async function call(deployment: Deployment, republish: object): Promise<PublishResult> {
  return parseResult(await deployment.invoke('publish', { republish }));
}

/** Returns the command that continues later. */
function commandOf(
  { ref, toEpochSeconds, plan, rate }: PublishArguments,
  domain: string,
  fromMs: number,
  begun: Stretch | undefined,
): string {
  const times = ['--from', timeText(Math.floor(fromMs / 1000)), '--to', timeText(toEpochSeconds)];
  const how = ['--domain', domain, '--rate', String(rate), ...(plan ? ['--plan'] : [])];
  if (begun !== undefined && !plan) how.push('--begun', `${begun.fromMs}:${begun.toMs}:${begun.datedMs}`);
  return ['npm run ledger -- publish', targetRefText(ref), ...times, ...how].join(' ');
}

/** Slow enough that rules and targets of any account take it beside the events of the day. */
const DEFAULT_RATE = 50;

/** The options as commander read them. */
interface PublishOptions extends TargetOptions {
  /** Epoch seconds. */
  readonly from: number;
  readonly to?: number;
  readonly domain?: string;
  readonly rate?: number;
  readonly plan?: boolean;
  readonly begun?: Stretch;
}

/** What one call is for, and the date of what it publishes. Epoch milliseconds, `toMs` exclusive. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly datedMs: number;
}

function begunStretch(text: string): Stretch {
  const [fromMs, toMs, datedMs] = text.split(':').map((part) => (/^\d{1,13}$/.test(part) ? Number(part) : undefined));
  if (fromMs === undefined || toMs === undefined || datedMs === undefined)
    throw new UsageError('--begun takes what the interrupted command printed');
  return { fromMs, toMs, datedMs };
}

/** The changes to publish again, and the target. */
interface PublishArguments {
  readonly ref: TargetRef;
  readonly fromEpochSeconds: number;
  readonly toEpochSeconds: number;
  readonly domain: string | undefined;
  /** Events a second. */
  readonly rate: number;
  readonly plan: boolean;
  readonly json: boolean;
  readonly begun: Stretch | undefined;
}

/** Throws UsageError with a sentence for the person who typed it. */
function publishArguments(options: PublishOptions, context: CliContext): PublishArguments {
  const nowSeconds = Math.ceil(context.now() / 1000);
  const { from, to = nowSeconds, domain, rate = DEFAULT_RATE, plan = false, json = false, begun } = options;
  if (from >= to) throw new UsageError('--from is not before --to');
  if (begun !== undefined) {
    const { fromMs, toMs, datedMs } = begun;
    if (domain === undefined) throw new UsageError('--begun needs the --domain of that stretch');
    const isInside = fromMs >= from * 1000 && fromMs < toMs && toMs <= to * 1000;
    if (!isInside) throw new UsageError('--begun is not of this time');
    // The date may be by the clock of another machine.
    const isPossible = datedMs >= from * 1000 && datedMs < context.now() + HOUR_MS;
    if (!isPossible) throw new UsageError('--begun has an impossible date');
  }
  const ref = targetRefOf(options, context.environment);
  return { ref, fromEpochSeconds: from, toEpochSeconds: to, domain, rate, plan, json, begun };
}

/** The lines of `publish --json`. */
export type PublishLine =
  /** Not all changes before `completeFrom` can be published. */
  | { event: 'partial'; completeFrom: string; retentionDays: number }
  | ({ event: 'progress'; domain: string; reached: string } & PublishSums)
  | PartLine
  | ({ event: 'published'; complete: boolean } & PublishSums)
  /** `cost`: at most. */
  | ({ event: 'plan'; complete: boolean; cost: ReturnType<typeof costOf> } & PublishSums);

/** The result of one call of the publish function. */
interface PublishResult extends PublishSums {
  readonly state: string;
  readonly done: boolean;
  readonly nextFromMs: number;
  readonly reason?: string;
}

interface PublishSums {
  /** Stored events looked at. */
  readonly events: number;
  readonly statuses: number;
  readonly suppressions: number;
  readonly refused: number;
}

const NO_SUMS: PublishSums = { events: 0, statuses: 0, suppressions: 0, refused: 0 };

const SUMS = Object.keys(NO_SUMS) as (keyof PublishSums)[];

/** Checks the result: the stack may be of another version than this command. */
function parseResult(value: unknown): PublishResult {
  const result = value as PublishResult | null;
  const isNumber = (name: keyof PublishResult) => typeof result?.[name] === 'number';
  if (typeof result?.state === 'string' && [...SUMS, 'nextFromMs' as const].every(isNumber)) return result;
  throw new TargetUnavailableError('the stack runs another version; deploy this version first');
}

/** Format of the report; `rate` in events a second. */
interface ReportOptions {
  readonly plan: boolean;
  readonly json: boolean;
  readonly rate: number;
}

/** Reports a republication as it goes. */
interface Reporter extends PartsReporter {
  /** The table no longer holds all events of the time; it does from `retainedFrom` (epoch seconds) on. */
  partial(retentionDays: number, retainedFrom: number): void;
  progress(domain: string, reachedMs: number, sums: PublishSums): void;
  end(sums: PublishSums, complete: boolean): void;
}

/** For each event looked at: its entry in the index, and at most its status and its suppressions. */
const READS_PER_EVENT = 2;

/** Returns the maximum cost. */
function costOf({ events, statuses, suppressions }: PublishSums, rate: number) {
  const published = statuses + suppressions;
  const reads = events * READS_PER_EVENT;
  const dollars = published * PRICES.perPublishedEvent + reads * PRICES.perReadUnit;
  return { published, reads, dollars, seconds: Math.ceil(published / rate) };
}

function createReporter(output: Output, args: ReportOptions): Reporter {
  return args.json ? jsonReporter(output, args) : textReporter(output, args);
}

const reachedText = (ms: number) => timeText(Math.floor(ms / 1000));

function textReporter({ print, printError }: Output, { plan, rate }: ReportOptions): Reporter {
  return {
    partial: (days, retainedFrom) =>
      print(
        `The table keeps events for ${number(days)} days: of what was decided before ${timeText(retainedFrom)}, not all can be published.`,
      ),
    progress(domain, reachedMs, { events, statuses, suppressions }) {
      const counts = `${number(statuses)} statuses · ${number(suppressions)} suppressions`;
      printError(`${domain}  until ${reachedText(reachedMs)}  ${number(events)} events · ${counts}`);
    },
    ...partsAsText({ print, printError }),
    end(sums, complete) {
      const what = `${number(sums.statuses)} statuses and ${number(sums.suppressions)} suppressions`;
      if (plan) {
        const { dollars, reads, seconds } = costOf(sums, rate);
        print('Plan: nothing was published.');
        print(`  would publish  ${what} (of ${number(sums.events)} events read), in about ${number(seconds)} s`);
        print(
          `  would cost     at most $${dollars.toFixed(4)}, reads (${number(reads)}) included ` +
            `(prices of ${PRICES.region}, ${PRICES.date})`,
        );
      } else print(`Published: ${what}.`);
      if (!complete) print('Not everything was published.');
    },
  };
}

function jsonReporter({ print }: Output, { plan, rate }: ReportOptions): Reporter {
  const emit = (line: PublishLine) => print(JSON.stringify(line));
  return {
    partial: (retentionDays, retainedFrom) =>
      emit({ event: 'partial', completeFrom: timeText(retainedFrom), retentionDays }),
    progress: (domain, reachedMs, sums) =>
      emit({ event: 'progress', domain, reached: reachedText(reachedMs), ...sums }),
    ...partsAsJson(emit),
    end: (sums, complete) =>
      emit(
        plan
          ? { event: 'plan', complete, ...sums, cost: costOf(sums, rate) }
          : { event: 'published', complete, ...sums },
      ),
  };
}
