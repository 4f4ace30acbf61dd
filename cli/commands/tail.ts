import { InvalidArgumentError } from 'commander';
import { type EventEntry, LedgerApiError, LedgerClient, type TailResponse } from '../../client/ledger-client.ts';
import { shellWord } from '../../lambdas/domain/shell-word.ts';
import { readApiToken } from '../access.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkTag,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  targetRefText,
  timeOption,
  wholeNumber,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { createEmit, plain, utc } from '../output.ts';
import type { Deployment } from '../target/types.ts';

/** The lines of `tail --json`: what was stored, and after each page the cursor behind it. */
export type TailLine = { event: 'stored'; entry: EventEntry } | { event: 'cursor'; cursor: string };

interface TailOptions extends TargetOptions {
  readonly domain?: string;
  readonly type?: string;
  readonly tag?: string;
  readonly recipient?: string;
  /** Epoch seconds. */
  readonly since?: number;
  readonly cursor?: string;
  readonly every: number;
  readonly once?: boolean;
}

const USUAL_SECONDS = 5;
const LIMIT = 500;
/** Longest wait for an API that does not respond. */
const MAX_WAIT_SECONDS = 60;
/** An event that was received this long after it happened is shown with how long. */
const LATE_SECONDS = 300;

const EXAMPLES = `
Shows each event once, within seconds after it is stored. Events that are stored long after they happened take longer:
up to 9 hours late, a quarter of an hour; up to 2 days late, an hour; up to 31 days late, a day. Events of erased
recipients are left out; an event that reconciliation corrects is shown again.
Above some ten events a second, or 120 domains (divided by the setting shards; half as many around midnight UTC), a sweep
takes several pages: events are shown 90 seconds after they are stored, and --once leaves out those that were stored in
the 90 seconds before its last sweep, or since.
With --json each page ends with a line {"event":"cursor","cursor"}. To continue after the command has ended, pass the
last cursor to --cursor with the same options: no event is skipped or repeated.
Polling every 5 s costs about $0.003 an hour, $0.001 more for each domain but the first (with --domain one is read),
plus $0.02 for each million webhooks that the stack receives a month.

Examples:
  npm run ledger -- tail --env prod
  npm run ledger -- tail --env prod --type failed --tag spring --since 1h
  npm run --silent ledger -- tail --local --json > events.ndjson

Needs on AWS: secretsmanager:GetSecretValue on the token of the read API.`;

export const tailCommand: CommandBuilder = (context, run) =>
  ledgerCommand('tail', 'show events as they are stored')
    .option('--domain <domain>', 'only events of this sending domain (all; - for events that name none)')
    .option('--type <type>', "only events of this type, by Mailgun's name")
    .option('--tag <tag>', 'only events under this tag', checkTag)
    .option('--recipient <address>', 'only events of this recipient')
    .option('--since <time>', 'start with events stored after this time (now)', timeOption('since', context))
    .option('--cursor <cursor>', 'continue after a cursor of an earlier run', parseCursor)
    .option('--every <seconds>', 'wait between polls', wholeNumber(1), USUAL_SECONDS)
    .option('--once', 'stop after showing what is stored now')
    .addHelpText('after', EXAMPLES)
    .action(run<TailOptions>((options) => tail(context, options)));

async function tail(context: CliContext, options: TailOptions): Promise<number> {
  if (options.since !== undefined && options.cursor !== undefined) {
    throw new UsageError('--since and --cursor cannot be combined');
  }
  const deployment = await openTarget(context, options);
  const emit = createEmit<TailLine>(context, options.json);
  const read = reader(context, options, deployment);
  let cursor = options.cursor;
  let count = 0;
  for (let page = await read(cursor); page !== undefined; page = await read(cursor)) {
    for (const entry of page.events) emit({ event: 'stored', entry }, storedText(entry));
    count += page.events.length;
    if (page.next !== cursor) emit({ event: 'cursor', cursor: page.next });
    cursor = page.next;
    if (page.behind) continue;
    if (options.once) break;
    await context.sleep(options.every * 1000);
    if (context.signal.aborted) break;
  }
  if (options.once && count === 0) context.printError('no event that fits was stored in that time');
  if (!options.json && cursor !== undefined) printHowToContinue(context, options, deployment, cursor);
  return 0;
}

/** Returns a function that reads one page; undefined where the operator ended the command. */
function reader(context: CliContext, options: TailOptions, deployment: Deployment) {
  const { domain, type, tag, recipient, since } = options;
  const { signal } = context;
  const client = new LedgerClient({
    url: deployment.output('ApiUrl'),
    token: () => readApiToken(deployment),
    // The response to the last poll: while nothing is new, the same cursor is read again by its ETag.
    maxCachedResponses: 1,
  });
  const query = { domain, type, tag, recipient, from: since, limit: LIMIT };

  return async (cursor: string | undefined): Promise<TailResponse | undefined> => {
    for (let waitSeconds = options.every; !signal.aborted; waitSeconds = Math.min(MAX_WAIT_SECONDS, waitSeconds * 2)) {
      try {
        return await client.tailEvents({ ...query, cursor }, { signal });
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!mayPass(error) || cursor === undefined || options.once) {
          throw asCliError(error);
        }
        context.printError(`${error.message}; trying again in ${waitSeconds} s`);
        await context.sleep(waitSeconds * 1000);
      }
    }
    return undefined;
  };
}

const PASSING = ['unreachable', 'throttled', 'unavailable'];
const mayPass = (error: unknown): error is LedgerApiError =>
  error instanceof LedgerApiError && (PASSING.includes(error.reason) || (error.status ?? 0) >= 500);

function asCliError(error: unknown): unknown {
  if (!(error instanceof LedgerApiError)) return error;
  if (error.parameter === 'cursor') {
    return new UsageError(
      '--cursor is not of a tail with the same options; repeat them as "Continue with" printed them, or leave it out ' +
        'and begin with --since, which shows events again',
    );
  }
  if (error.parameter !== undefined) {
    const option = error.parameter === 'from' ? 'since' : error.parameter;
    return new UsageError(`--${error.message.replace(error.parameter, option).replace('`from`', '--since')}`);
  }
  return new TargetUnavailableError(error.message, { cause: error });
}

/** Returns a line as text. */
function storedText(entry: EventEntry): string {
  const { event, timestamp, receivedAt, recipient, messageId, reason, testMode } = entry;
  const lateSeconds = Math.round(Date.parse(receivedAt) / 1000 - timestamp);
  const parts = [
    `${utc(timestamp * 1000)}  ${event.padEnd(12)} ${recipient ?? '-'}  ${messageId ?? '-'}`,
    typeof reason === 'string' && reason !== '' ? `  (${reason})` : '',
    testMode ? '  (test mode)' : '',
    lateSeconds >= LATE_SECONDS ? `  (received ${Math.round(lateSeconds / 60)} min late)` : '',
  ];
  return plain(parts.join(''));
}

function printHowToContinue(context: CliContext, options: TailOptions, { ref }: Deployment, cursor: string): void {
  const { domain, type, tag, recipient } = options;
  const given = Object.entries({ domain, type, tag, recipient }).filter(([, value]) => value !== undefined);
  const filters = given.map(([name, value]) => ` --${name} ${shellWord(String(value))}`).join('');
  context.printError(`Continue with: npm run ledger -- tail ${targetRefText(ref)}${filters} --cursor ${cursor}`);
}

function parseCursor(text: string): string {
  if (!/^[\w.-]+$/.test(text)) throw new InvalidArgumentError('Give the cursor of a line {"event":"cursor"}.');
  return text;
}
