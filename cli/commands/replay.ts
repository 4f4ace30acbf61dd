import { createRestoreNotes } from '../../lambdas/adapters/table/delivery-repository.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkStoredDomain,
  ledgerCommand,
  type TargetOptions,
  targetRefOf,
  targetRefText,
  timeOption,
} from '../command.ts';
import { UsageError } from '../errors.ts';
import { tableOf } from '../ledger.ts';
import { addEach, callUntilDone, eachDomainFrom, type StepResult } from '../resumable.ts';
import type { Deployment, TargetRef } from '../target/types.ts';
import { timeText } from '../time.ts';
import { restoreFromArchive } from './replay/from-archive.ts';
import {
  createJsonReporter,
  createTextReporter,
  NO_COUNTS,
  parseResult,
  type ReplayCounts,
  type ReplayReporter,
  type ReplayResult,
} from './replay/report.ts';

/** Reasons for which the function stopped, but may continue later. */
const WAITS: Readonly<Record<string, string>> = {
  backlog: 'the queue has a backlog, and nothing is sent into it',
  busy: 'another run of reconcile is at work',
};
/** Failures of the listing that may pass. */
const PASSING = ['rate-limited', 'unavailable', 'malformed'];

const EXAMPLES = `
The ledger begins with a domain's first webhook; a replay also brings in the time before, as far as Mailgun lists it.
Events of that time count as recovered and lost like others, but do not page. It compares settled slices too, and leaves
slices that are not due to the scheduled runs. While the queue has a backlog it sends nothing, and stops after 15
minutes without progress. Events are stored within minutes; the scheduled runs then settle their slices.
If you interrupt it, it prints the command to continue.
--from-archive restores what the archive holds and the table lacks: erasure markers, events and slices, in whole hours.
Restored events are not published and do not count in alarms. An event that is older than the table's retention restores
only its status and suppression. Run replay without it for what is not sealed yet.
--restored is for a table that was restored from a backup, which lacks corrections and lifts: what changes from now on is
published with an order behind all before. Start it before process runs again.

Examples:
  npm run ledger -- replay --local --from 90s --plan
  npm run ledger -- replay --env prod --from 2026-11-20T00:00:00Z --to 2026-11-22T00:00:00Z
  npm run ledger -- replay --env prod --from 3d --domain mg.example.com --json
  npm run ledger -- replay --env prod --from 400d --from-archive --plan
  npm run ledger -- replay --env prod --from 2026-11-20T00:00:00Z --restored

Needs on AWS: lambda:InvokeFunction on the reconcile function; with --restored also dynamodb:PutItem on the table. With
--from-archive instead: s3:GetObject and s3:ListBucket on the bucket; dynamodb:Query, BatchGetItem, GetItem and PutItem on
the table and its indexes; sqs:SendMessage and GetQueueAttributes on the queue; secretsmanager:GetSecretValue on the
erasure key.`;

export const replayCommand: CommandBuilder = (context, run) =>
  ledgerCommand('replay', 'store the events of a time range that Mailgun lists and the table lacks')
    .requiredOption(
      '--from <time>',
      'start of the range: ISO 8601 with offset, epoch seconds, or 2h ago',
      timeOption('from', context),
    )
    .option(
      '--to <time>',
      'end of the range, in the same form (now); slices that it touches are compared as a whole',
      timeOption('to', context),
    )
    .option('--domain <name>', 'only this sending domain (all of the stack)')
    .option('--from-archive', 'restore what the archive holds instead of what Mailgun lists')
    .option(
      '--restored',
      'the table was restored from a backup: publish what changes from now on as later than all before',
    )
    .option('--plan', 'only show what would be done, and what it costs; nothing is written or sent')
    .addHelpText('after', EXAMPLES)
    .action(
      run<ReplayOptions>(async (options) => {
        const args = replayArguments(options, context);
        if (options.fromArchive) return restore(args, context);
        const createReporter = args.json ? createJsonReporter : createTextReporter;
        return replayAll(args, await context.openDeployment(args.ref), createReporter(context, args.plan), context);
      }),
    );

async function restore(args: ReplayArguments, context: CliContext): Promise<number> {
  const { fromEpochSeconds: from, toEpochSeconds: to, domain, plan, json } = args;
  const deployment = await context.openDeployment(args.ref);
  const commandFrom = (reached: number, of: string) =>
    commandOf(
      { ...args, ref: deployment.ref, domain: of, isFromArchive: true },
      { from: timeText(reached), to: timeText(to) },
    );
  return restoreFromArchive(context, deployment, { from, to, domain, plan, json, commandFrom });
}

async function replayAll(
  args: ReplayArguments,
  deployment: Deployment,
  reporter: ReplayReporter,
  deps: CliContext,
): Promise<number> {
  const { domain: only, fromEpochSeconds, toEpochSeconds } = args;
  if (only !== undefined) checkStoredDomain(deployment, only);
  const domains = only === undefined ? deployment.domains : [only];
  // Before anything is brought in, and before the operator lets process change what receivers know as later.
  if (args.isRestored && !args.plan) {
    await createRestoreNotes(tableOf(deployment)).noteBegin(deps.now());
    reporter.noted();
  }
  let sums = NO_COUNTS;
  let isWhole = true;
  const rest = await eachDomainFrom(domains, fromEpochSeconds, deps.signal, async (domain) => {
    const ended = await replayDomain(domain, args, deployment, reporter, deps);
    sums = addEach(sums, ended.sums);
    isWhole &&= ended.isAll;
    return ended.reached;
  });
  const isAll = isWhole && rest.length === 0;
  reporter.end(sums, isAll);
  const to = timeText(toEpochSeconds);
  if (rest.length > 0) {
    reporter.resume(
      rest.map(([domain, from]) => commandOf({ ...args, ref: deployment.ref, domain }, { from: timeText(from), to })),
    );
  }
  return isAll ? 0 : 1;
}

/** `reached`: where to continue; undefined when done. */
interface DomainEnd {
  sums: ReplayCounts;
  isAll: boolean;
  reached: number | undefined;
}

/** Calls the function again and again, from where it came to. */
async function replayDomain(
  domain: string,
  { fromEpochSeconds, toEpochSeconds, plan }: ReplayArguments,
  deployment: Deployment,
  reporter: ReplayReporter,
  context: CliContext,
): Promise<DomainEnd> {
  let sums = NO_COUNTS;
  let reached = fromEpochSeconds;
  let progress: unknown;
  // A call in flight when the operator stops is repeated later, which changes nothing.
  const next = () =>
    call(deployment, {
      domain,
      fromEpochSeconds: reached,
      toEpochSeconds,
      plan,
      ...(progress ? { progress } : {}),
    });
  const isDone = await callUntilDone(domain, context, reporter, next, (result) => {
    sums = addEach(sums, result);
    const hasMoved = result.nextFromEpochSeconds > reached || result.state === 'ran';
    reached = Math.max(reached, result.nextFromEpochSeconds);
    progress = result.progress;
    if (result.slices > 0) reporter.progress(domain, reached, sums);
    return { isDone: result.done, hasMoved, wait: reasonToWait(result) };
  });
  return isDone ? finish() : { sums, isAll: false, reached };

  function finish(): DomainEnd {
    if (reached < toEpochSeconds) {
      reporter.left(domain, `from ${timeText(reached)} on Mailgun may still list late; the scheduled runs take that`);
    }
    if (sums.unreachable > 0) {
      reporter.left(domain, `${sums.unreachable} slices are older than what Mailgun keeps`);
    }
    if (sums.stuck > 0) reporter.left(domain, `${sums.stuck} events are stuck: sent five times, and not sent again`);
    return { sums, isAll: sums.unreachable + sums.stuck === 0, reached: undefined };
  }
}

async function call(deployment: Deployment, replay: object): Promise<ReplayResult> {
  return parseResult(await deployment.invoke('reconcile', { replay }));
}

function reasonToWait({ state, reason }: ReplayResult): StepResult['wait'] {
  if (state === 'ran') return undefined;
  const wait = WAITS[state];
  if (wait !== undefined) return { text: wait, passes: true };
  if (state === 'off') return { text: 'the stack has no Mailgun API key', passes: false };
  if (state !== 'failed') return { text: `reconcile returned ${state}`, passes: false };
  return { text: `Mailgun's listing is ${reason}`, passes: PASSING.includes(reason ?? '') };
}

/** The options as commander read them. */
interface ReplayOptions extends TargetOptions {
  /** Epoch seconds. */
  readonly from: number;
  readonly to?: number;
  readonly domain?: string;
  readonly plan?: boolean;
  readonly fromArchive?: boolean;
  readonly restored?: boolean;
}

/** The time range to replay, and the target. */
interface ReplayArguments {
  readonly ref: TargetRef;
  readonly fromEpochSeconds: number;
  readonly toEpochSeconds: number;
  readonly domain: string | undefined;
  readonly isRestored: boolean;
  readonly plan: boolean;
  readonly json: boolean;
}

/** Throws UsageError with a sentence for the person who typed it. */
function replayArguments(options: ReplayOptions, context: CliContext): ReplayArguments {
  const { from, domain, restored: isRestored = false, plan = false, json = false } = options;
  if (isRestored && options.fromArchive) throw new UsageError('--from-archive does what --restored does; leave it out');
  const nowSeconds = Math.ceil(context.now() / 1000);
  if (from >= nowSeconds) throw new UsageError('--from has not come yet');
  const to = options.to ?? nowSeconds;
  if (from >= to) throw new UsageError('--from is not before --to; without --to it goes up to now');
  const ref = targetRefOf(options, context.environment);
  return { ref, fromEpochSeconds: from, toEpochSeconds: to, domain, isRestored, plan, json };
}

/** Returns the command that continues later. */
function commandOf(
  args: Omit<ReplayArguments, 'json' | 'isRestored'> & { readonly isFromArchive?: boolean },
  times: { from: string; to: string },
): string {
  const { ref, domain, plan, isFromArchive } = args;
  const what = [
    ...(isFromArchive ? ['--from-archive'] : []),
    '--from',
    times.from,
    '--to',
    times.to,
    ...(domain ? ['--domain', domain] : []),
  ];
  return ['npm run ledger -- replay', targetRefText(ref), ...what, ...(plan ? ['--plan'] : [])].join(' ');
}
