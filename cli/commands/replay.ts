import {
  type CliContext,
  type CommandBuilder,
  checkSendingDomain,
  ledgerCommand,
  type TargetOptions,
  targetRefOf,
  targetRefText,
  timeOption,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { addEach, endOf, resultOrError } from '../resumable.ts';
import type { Deployment, TargetRef } from '../target/types.ts';
import { timeText } from '../time.ts';
import { restoreFromArchive } from './replay/from-archive.ts';
import {
  createJsonReporter,
  createTextReporter,
  NO_COUNTS,
  parseResult,
  type ReplayCounts,
  type ReplayResult,
  type Reporter,
} from './replay/report.ts';

const WAIT_MS = 5000;
/** Maximum wait without progress. */
const MAX_STALL_MS = 15 * 60_000;

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

Examples:
  npm run ledger -- replay --local --from 2h --plan
  npm run ledger -- replay --env prod --from 2026-11-20T00:00:00Z --to 2026-11-22T00:00:00Z
  npm run ledger -- replay --env prod --from 3d --domain mg.example.com --json
  npm run ledger -- replay --env prod --from 400d --from-archive --plan

Needs on AWS: lambda:InvokeFunction on the reconcile function. With --from-archive instead: s3:GetObject and s3:ListBucket
on the bucket; dynamodb:Query, BatchGetItem, GetItem and PutItem on the table and its indexes; sqs:SendMessage and
GetQueueAttributes on the queue; secretsmanager:GetSecretValue on the erasure key.`;

export const replayCommand: CommandBuilder = (context, run) =>
  ledgerCommand('replay', 'store the events of a time range that Mailgun lists and the table lacks')
    .requiredOption(
      '--from <time>',
      'begin: ISO 8601 with offset, epoch seconds, or 2h ago',
      timeOption('from', context),
    )
    .option(
      '--to <time>',
      'end, the same way (now); slices that the time touches are compared as a whole',
      timeOption('to', context),
    )
    .option('--domain <name>', 'only this sending domain (all of the stack)')
    .option('--from-archive', 'bring back what the archive holds, in place of what Mailgun lists')
    .option('--plan', 'only show what would be done, and what it costs; nothing is written or sent')
    .addHelpText('after', EXAMPLES)
    .action(
      run<ReplayOptions>(async (options) => {
        const args = replayArguments(options, context);
        if (options.fromArchive) return restore(args, context);
        const createReporter = args.json ? createJsonReporter : createTextReporter;
        return replayAll(
          args,
          await context.openDeployment(args.ref),
          createReporter(context.print, args.plan),
          context,
        );
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
  reporter: Reporter,
  deps: CliContext,
): Promise<number> {
  const { domain: only, fromEpochSeconds, toEpochSeconds } = args;
  if (only !== undefined) checkSendingDomain(deployment, only);
  const rest = new Map((only === undefined ? deployment.domains : [only]).map((name) => [name, fromEpochSeconds]));
  let sums = NO_COUNTS;
  let isAll = true;
  for (const domain of [...rest.keys()]) {
    if (deps.signal.aborted) break;
    const ended = await replayDomain(domain, args, deployment, reporter, deps);
    sums = addEach(sums, ended.sums);
    isAll &&= ended.isAll;
    if (ended.reached === undefined) rest.delete(domain);
    else rest.set(domain, ended.reached);
  }
  reporter.end(sums, isAll && rest.size === 0);
  const to = timeText(toEpochSeconds);
  if (rest.size > 0) {
    reporter.resume(
      [...rest].map(([domain, from]) =>
        commandOf({ ...args, ref: deployment.ref, domain }, { from: timeText(from), to }),
      ),
    );
  }
  return isAll && rest.size === 0 ? 0 : 1;
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
  reporter: Reporter,
  { now, sleep, signal }: CliContext,
): Promise<DomainEnd> {
  let sums = NO_COUNTS;
  let reached = fromEpochSeconds;
  let progress: unknown;
  let movedAt = now();
  let toldWhy: string | undefined;
  const stopped = endOf(signal);

  while (!signal.aborted) {
    const request = { domain, fromEpochSeconds: reached, toEpochSeconds, plan, ...(progress ? { progress } : {}) };
    // A call in flight when the operator stops is repeated later, which changes nothing.
    const answer = await Promise.race([resultOrError(() => call(deployment, request)), stopped]);
    if (answer === undefined) break;
    if (answer instanceof TargetUnavailableError) {
      reporter.left(domain, `stopped: ${answer.message}`);
      break;
    }
    sums = addEach(sums, answer);
    if (answer.nextFromEpochSeconds > reached || answer.done || answer.state === 'ran') movedAt = now();
    reached = Math.max(reached, answer.nextFromEpochSeconds);
    progress = answer.progress;
    if (answer.slices > 0) reporter.progress(domain, reached, sums);
    if (answer.done) return finish(answer);

    const why = reasonToWait(answer);
    if (why === undefined) {
      toldWhy = undefined;
      continue;
    }
    if (!why.passes || now() - movedAt >= MAX_STALL_MS) {
      reporter.left(domain, `stopped: ${why.text}`);
      break;
    }
    if (why.text !== toldWhy) reporter.waiting(domain, why.text);
    toldWhy = why.text;
    await Promise.race([sleep(WAIT_MS), stopped]);
  }
  return { sums, isAll: false, reached };

  function finish({ nextFromEpochSeconds: end }: ReplayResult): DomainEnd {
    if (end < toEpochSeconds) {
      reporter.left(domain, `from ${timeText(end)} on Mailgun may still list late; the scheduled runs take that`);
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

function reasonToWait({ state, reason }: ReplayResult): { text: string; passes: boolean } | undefined {
  if (state === 'ran') return undefined;
  const wait = WAITS[state];
  if (wait !== undefined) return { text: wait, passes: true };
  if (state === 'off') return { text: 'the stack has no Mailgun API key', passes: false };
  if (state !== 'failed') return { text: `reconcile answered ${state}`, passes: false };
  return { text: `Mailgun's listing is ${reason}`, passes: PASSING.includes(reason ?? '') };
}

/** The options as commander read them. */
export interface ReplayOptions extends TargetOptions {
  /** Epoch seconds. */
  readonly from: number;
  readonly to?: number;
  readonly domain?: string;
  readonly plan?: boolean;
  readonly fromArchive?: boolean;
}

/** The time range to replay, and the target. */
export interface ReplayArguments {
  readonly ref: TargetRef;
  readonly fromEpochSeconds: number;
  readonly toEpochSeconds: number;
  readonly domain: string | undefined;
  readonly plan: boolean;
  readonly json: boolean;
}

/** Throws UsageError with a sentence for the person who typed it. */
export function replayArguments(options: ReplayOptions, context: CliContext): ReplayArguments {
  const { from, domain, plan = false, json = false } = options;
  const nowSeconds = Math.ceil(context.now() / 1000);
  if (from >= nowSeconds) throw new UsageError('--from has not come yet');
  const to = options.to ?? nowSeconds;
  if (from >= to) throw new UsageError('--from is not before --to; without --to it goes up to now');
  const ref = targetRefOf(options, context.environment);
  return { ref, fromEpochSeconds: from, toEpochSeconds: to, domain, plan, json };
}

/** Returns the command that continues later. */
export function commandOf(
  args: Omit<ReplayArguments, 'json'> & { readonly isFromArchive?: boolean },
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
