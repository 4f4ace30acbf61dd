import { Argument, InvalidArgumentError } from 'commander';
import {
  type CliContext,
  type CommandBuilder,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  timeOption,
  wholeNumber,
} from '../command.ts';
import { UsageError } from '../errors.ts';
import { counted, createEmit, type Emit } from '../output.ts';
import {
  type Deployment,
  hasOutput,
  isAccessLog,
  LOG_GROUPS,
  type LogEntry,
  type LogFilter,
  type LogSource,
  type StatusRange,
} from '../target/types.ts';
import { iso } from '../time.ts';

/** The line of `logs --json`; `facts` is the line as it was logged. */
export type LogsLine =
  | LogLine
  /** `statuses`: how many lines of an access log have each; null for other logs. */
  | { readonly event: 'count'; readonly count: number; readonly statuses: Readonly<Record<string, number>> | null };

interface LogLine {
  readonly event: 'log';
  readonly at: string;
  readonly facts: LogEntry['facts'];
}

/** Fields that CloudWatch needs, and people do not. */
const NOT_FOR_PEOPLE = ['_aws', 'message', 'Ledger', 'Reason', 'time'];

/** Returns a log line as text: time, message, fields. */
export function logText({ atMs, facts }: LogEntry): string {
  const rest = Object.entries(facts)
    .filter(([name, value]) => !NOT_FOR_PEOPLE.includes(name) && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const message = typeof facts.message === 'string' ? [facts.message] : [];
  return [iso(atMs), ...message, ...rest].join('  ');
}

interface LogsOptions extends TargetOptions {
  /** Epoch seconds. */
  readonly since?: number;
  readonly message?: string;
  readonly status?: StatusRange;
  readonly follow?: boolean;
  /** Only the newest, this many. */
  readonly limit?: number;
  readonly count?: boolean;
}

const DEFAULT_SINCE_SECONDS = 900;
const POLL_INTERVAL_MS = 3000;

const EXAMPLES = `
Without --json each line shows time, message and fields. The content of mail is never logged.

Examples:
  npm run ledger -- logs ingest --env prod --since 30m --message "webhook refused"
  npm run ledger -- logs webhook-access --env prod --since 5m --status 5xx --follow
  npm run ledger -- logs reconcile --local --json

Needs on AWS: logs:FilterLogEvents on the log group.`;

export const logsCommand: CommandBuilder = (context, run) =>
  ledgerCommand('logs', 'show what a function or an API of the stack has logged')
    .addArgument(new Argument('<source>', 'who logged').choices(Object.keys(LOG_GROUPS)))
    .option('--since <time>', 'from this time on (15m)', timeOption('since', context))
    .option('--message <text>', 'only lines whose message, or in access logs any value, contains this text')
    .option('--status <code>', 'only lines of an access log with this status: 503, or 5xx', parseStatus)
    .option('--limit <n>', 'only this many lines, the newest', wholeNumber(1))
    .option('--count', 'print the number of lines only, of access logs by status')
    .option('--follow', 'continue until interrupted')
    .addHelpText('after', EXAMPLES)
    .action(run<LogsOptions>((options, source) => logs(context, options, source as LogSource)));

async function logs(context: CliContext, options: LogsOptions, source: LogSource): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<LogsLine>(context, options.json);
  const sinceMs = (options.since ?? Math.floor(context.now() / 1000) - DEFAULT_SINCE_SECONDS) * 1000;
  if (options.follow && options.count) throw new UsageError('--count and --follow cannot be combined');
  const filter = filterOf(options, source);
  const entries = await deployment.logs(source, sinceMs, filter).catch((error: unknown) => {
    if (hasOutput(deployment, LOG_GROUPS[source])) throw error;
    throw new UsageError(`${deployment.name} has no ${source}: it is off in the configuration, or not deployed yet`);
  });
  if (options.count) {
    const statuses = isAccessLog(source) ? countStatuses(entries) : null;
    const byStatus = Object.entries(statuses ?? {}).map(([status, count]) => `${count} with ${status}`);
    emit(
      { event: 'count', count: entries.length, statuses },
      `${counted(entries.length, 'line')} since ${iso(sinceMs)}${byStatus.map((each) => `, ${each}`).join('')}`,
    );
    return 0;
  }
  const shown = await show(entries.slice(-(options.limit ?? entries.length)), emit);
  if (options.follow) await follow(context, deployment, source, filter, emit, shown ?? { atMs: sinceMs, count: 0 });
  else if (shown === undefined) context.printError(`no matching line since ${iso(sinceMs)}`);
  return 0;
}

function countStatuses(entries: readonly LogEntry[]): Record<string, number> {
  const statuses: Record<string, number> = {};
  for (const { facts } of entries) statuses[String(facts.status)] = (statuses[String(facts.status)] ?? 0) + 1;
  return statuses;
}

function filterOf({ message, status }: LogsOptions, source: LogSource): LogFilter {
  if (status !== undefined && !isAccessLog(source)) {
    throw new UsageError(`--status is for access logs (webhook-access, read-access); ${source} does not log a status`);
  }
  return { message, status };
}

/** Parses `503` or `5xx`. */
function parseStatus(text: string): StatusRange {
  if (!/^[1-5](\d\d|xx)$/i.test(text)) throw new InvalidArgumentError('Give a status code such as 503, or 5xx.');
  return { from: Number(text.replaceAll(/x/gi, '0')), to: Number(text.replaceAll(/x/gi, '9')) };
}

/** The time of the last line, and how many were of that time. */
interface Shown {
  readonly atMs: number;
  readonly count: number;
}

async function show(entries: readonly LogEntry[], emit: Emit<LogsLine>): Promise<Shown | undefined> {
  for (const entry of entries) {
    emit({ event: 'log', at: iso(entry.atMs), facts: entry.facts }, logText(entry));
  }
  const last = entries.at(-1);
  return last && { atMs: last.atMs, count: entries.filter(({ atMs }) => atMs === last.atMs).length };
}

async function follow(
  context: CliContext,
  deployment: Deployment,
  source: LogSource,
  filter: LogFilter,
  emit: Emit<LogsLine>,
  from: Shown,
): Promise<void> {
  for (let last = from; !context.signal.aborted; ) {
    await context.sleep(POLL_INTERVAL_MS);
    if (context.signal.aborted) return;
    const entries = await deployment.logs(source, last.atMs, filter);
    const shown = await show(entries.slice(last.count), emit);
    if (shown) last = { ...shown, count: shown.count + (shown.atMs === last.atMs ? last.count : 0) };
  }
}
