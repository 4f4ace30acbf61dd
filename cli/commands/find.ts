import { Option } from 'commander';
import { createDayEvents } from '../../lambdas/adapters/table/day-index-repository.ts';
import {
  createMailReader,
  createRecipientHistory,
  recipientKeys,
} from '../../lambdas/adapters/table/recipient-repository.ts';
import { UNKNOWN_DOMAIN } from '../../lambdas/contract.ts';
import { STATUS_FILTERS } from '../../lambdas/domain/event-types.ts';
import { messagePartition } from '../../lambdas/domain/keys.ts';
import { rangeOf } from '../../lambdas/read-api/http/range.ts';
import { createMails, type MailsQuery } from '../../lambdas/read-api/messages/mails.ts';
import { count, noCounts } from '../../lambdas/read-api/messages/recipient-counts.ts';
import { createEngagement } from '../../lambdas/read-api/recipients/engagement.ts';
import { createRecipients, type RecipientQuery } from '../../lambdas/read-api/recipients/recipients.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkTag,
  chosenDomains,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  timeOption,
  wholeNumber,
} from '../command.ts';
import { InterruptedError, TargetUnavailableError, UsageError, whyUnavailable } from '../errors.ts';
import { confirmedCheckOf, retentionDaysOf, tableOf } from '../ledger.ts';
import { counted, createEmit, createProgress, number, plain, utc } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { iso, timeText } from '../time.ts';
import { checkAddress } from './suppressions.ts';

/** The lines of `find --json`: one for each message, then what was found. */
export type FindLine =
  | {
      event: 'message';
      /** Null for events that belong to no message. */
      messageId: string | null;
      recipient: string | null;
      subject: string | null;
      /** When its first event happened, mostly its acceptance. */
      firstAt: string;
      status: string | null;
      reason: string | null;
      statusAt: string;
      tags: readonly string[];
      domain: string | null;
      testMode: boolean;
      direction: 'inbound' | 'outbound';
      /** True if Mailgun never listed the event that decided the status. */
      unconfirmed: boolean;
      /** True if Mailgun lists it; neither: that time was not compared with Mailgun's list yet. */
      confirmed: boolean;
      /** By people, as far as the table still holds them. */
      opens: number;
      clicks: number;
      /** By proxies and scanners, as Mailgun marks them. */
      machineOpens: number;
      machineClicks: number;
    }
  /** `recipient`: null where no address was given; `hasMore`: not all was read, so older ones may fit. */
  | { event: 'found'; recipient: string | null; messages: number; hasMore: boolean };

interface FindOptions extends TargetOptions {
  readonly status?: string;
  readonly tag?: string;
  readonly domain?: string;
  /** Epoch seconds. */
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
}

const USUAL_LIMIT = 20;
const MAX_PAGE = 100;

const EXAMPLES = `
Shows status and its time, subject, tags, opens and clicks of each message, those with the newest first event first.
To explain a message, run why <message-id>; to see whether you may send to the address, run suppressions show. --from
and --to apply to the first event of a message, usually its acceptance.
Without an address, lists the mail that Mailgun accepted in that time (the last 24 hours), by message and recipient;
pending is what is accepted or deferred.

Examples:
  npm run ledger -- find ada@example.org --env prod
  npm run ledger -- find ada@example.org --env prod --status failed --from 7d
  npm run ledger -- find ada@example.org --local --tag spring --json
  npm run ledger -- find --env prod --status pending --from 1h

Needs on AWS: dynamodb:Query on the table and its indexes byRecipient and byDay, dynamodb:GetItem and BatchGetItem on
the table.`;

export const findCommand: CommandBuilder = (context, run) =>
  ledgerCommand('find', 'list the messages to an address, or the mail of a time range')
    .argument('[address]', 'the recipient, in any case (any, with --status or --tag)')
    .addOption(
      new Option('--status <status>', 'only messages with this status; pending is accepted or deferred').choices(
        STATUS_FILTERS,
      ),
    )
    .option('--tag <tag>', 'only messages under this tag, in any case', checkTag)
    .option('--domain <name>', 'without an address: only mail of this sending domain (all)')
    .option('--from <time>', 'only messages since then', timeOption('from', context))
    .option('--to <time>', 'only messages before then', timeOption('to', context))
    .option('--limit <n>', 'maximum number of messages', wholeNumber(1), USUAL_LIMIT)
    .addHelpText('after', EXAMPLES)
    .action(
      run<FindOptions>((options, address) =>
        address === undefined ? findMail(context, options) : find(context, options, address),
      ),
    );

async function find(context: CliContext, options: FindOptions, address: string): Promise<number> {
  const { status, tag, from = 0, to, limit, json } = options;
  const recipient = checkAddress(address);
  if (to !== undefined && from >= to) throw new UsageError('--from must be before --to');
  if (options.domain !== undefined) throw new UsageError('--domain cannot be combined with an address');
  const deployment = await openTarget(context, options);
  const emit = createEmit<FindLine>(context, json);
  const query = {
    recipient,
    keys: recipientKeys(recipient),
    range: { fromMs: from * 1000, toMs: to === undefined ? Number.MAX_SAFE_INTEGER : to * 1000 },
    status,
    tag,
  };
  const history = createRecipientHistory(tableOf(deployment));
  const readPage = createRecipients(history, confirmedCheckOf(deployment, context.now));
  const reportSearched = searchReporter(context, recipient);
  const isCompared = new Set<boolean>();
  let messages = 0;
  let newestMs = 0;
  let position: RecipientQuery['position'];
  do {
    const page = await readPage({ ...query, limit: Math.min(limit - messages, MAX_PAGE), position });
    for (const message of page.body.messages) {
      const line = lineOf({ ...message, recipient }, await countActions(history, message.messageId, query.keys));
      emit(line, ...textOf(line));
      isCompared.add(line.confirmed || line.unconfirmed);
      newestMs = Math.max(newestMs, message.firstAt * 1000);
    }
    messages += page.body.messages.length;
    position = page.next;
    reportSearched(page.body.searched);
  } while (position !== undefined && messages < limit && !context.signal.aborted);
  if (context.signal.aborted) throw new InterruptedError();
  if (messages === 0) throw new TargetUnavailableError(nothingFound(recipient, status ?? tag ?? options.from ?? to));
  if (isCompared.has(false)) warnOfRetention(context, deployment);
  emit(
    { event: 'found', recipient, messages, hasMore: position !== undefined },
    `${counted(messages, 'message')} to ${recipient}, newest first${endText(newestMs, position?.atMs)}.`,
  );
  return 0;
}

/** Lists the mail of the chosen domains together, those accepted last first. */
async function findMail(context: CliContext, options: FindOptions): Promise<number> {
  const { status, tag, from, to, limit, json } = options;
  if (status === undefined && tag === undefined) {
    throw new UsageError('find needs an address, or --status or --tag');
  }
  const range = rangeOf(
    { from: from === undefined ? undefined : from * 1000, to: to === undefined ? undefined : to * 1000 },
    context.now(),
  );
  if ('ok' in range) throw new UsageError(range.message.replace(/\b(from|to)\b/g, '--$1'));
  const deployment = await openTarget(context, options);
  const domains = chosenDomains(deployment, options.domain);
  const emit = createEmit<FindLine>(context, json);
  const query = { range, status, tag, limit };
  const found: Awaited<ReturnType<typeof mailOf>>[] = [];
  for (const domain of domains) {
    const mail = mailOf(context, deployment, { ...query, domain });
    found.push(await mail.catch((error: unknown) => failedAt(domain, error)));
  }
  if (context.signal.aborted) throw new InterruptedError();
  const mails = found.flatMap((each) => each.mails).toSorted((a, b) => b.acceptedAt - a.acceptedAt);
  if (mails.length === 0) {
    const time = `${utc(range.fromMs)} and ${utc(range.toMs)}`;
    const names = domains.map((each) => (each === UNKNOWN_DOMAIN ? 'an unknown domain' : each));
    throw new TargetUnavailableError(`no mail of ${names.join(' or ')} that was accepted between ${time} fits`);
  }
  const history = createRecipientHistory(tableOf(deployment));
  const shown = mails.slice(0, limit);
  for (const { acceptedAt: _, ...mail } of shown) {
    const keys = mail.recipient === null ? [] : recipientKeys(mail.recipient);
    const line = lineOf(mail, await countActions(history, mail.messageId, keys));
    const [head = '', detail] = textOf(line);
    emit(line, head, `${detail}  to ${plain(mail.recipient ?? 'no recipient')}`);
  }
  if (shown.some(({ confirmed, unconfirmed }) => !confirmed && !unconfirmed)) warnOfRetention(context, deployment);
  // Behind the last one shown, not all domains were read.
  const newestMs = Math.max(...shown.map(({ acceptedAt }) => acceptedAt * 1000));
  const ends = mails.length > limit ? shown.slice(-1).map(({ acceptedAt }) => acceptedAt * 1000) : [];
  const readBackTo = Math.max(...ends, ...found.flatMap(({ readBackToMs = [] }) => readBackToMs));
  const hasMore = Number.isFinite(readBackTo);
  emit(
    { event: 'found', recipient: null, messages: shown.length, hasMore },
    `${counted(shown.length, 'mail')} accepted since ${utc(range.fromMs)}, newest first${endText(newestMs, hasMore ? readBackTo : undefined)}.`,
  );
  return 0;
}

/** Throws an error that names the domain: without its mail the newest of all are not known. */
function failedAt(domain: string, cause: unknown): never {
  const why = whyUnavailable(cause);
  if (why === undefined) throw cause;
  const how = 'nothing is listed; --domain lists the mail of one of the others';
  throw new TargetUnavailableError(`the mail of ${domain} cannot be read: ${why}; ${how}`, { cause });
}

async function mailOf(context: CliContext, deployment: Deployment, query: Omit<MailsQuery, 'position'>) {
  const table = tableOf(deployment);
  const readPage = createMails(
    createDayEvents(table),
    createMailReader(table),
    createEngagement(createRecipientHistory(table)),
    confirmedCheckOf(deployment, context.now),
  );
  return newestMails(readPage, query, context);
}

/** Returns the newest mail that fits; what Mailgun accepted several times may be on several pages, and counts once. */
export async function newestMails(
  readPage: ReturnType<typeof createMails>,
  query: Omit<MailsQuery, 'position'>,
  context: Pick<CliContext, 'signal' | 'now' | 'printError'>,
) {
  const reportSearched = searchReporter(context, query.domain);
  const mails = new Map<string, Awaited<ReturnType<typeof readPage>>['body']['mails'][number]>();
  let position: MailsQuery['position'];
  do {
    const page = await readPage({ ...query, limit: Math.min(query.limit - mails.size, MAX_PAGE), position });
    for (const mail of page.body.mails) {
      // Without an id, nothing says that two are the same.
      const name = JSON.stringify([mail.messageId ?? mails.size, mail.recipient?.toLowerCase()]);
      if (!mails.has(name)) mails.set(name, mail);
    }
    position = page.next;
    reportSearched(page.body.searched);
  } while (position !== undefined && mails.size < query.limit && !context.signal.aborted);
  return { mails: [...mails.values()], readBackToMs: position?.place.atMs };
}

/** Says of a stack of an earlier version that "not compared yet" may mean an event that has left the table. */
function warnOfRetention(context: CliContext, deployment: Deployment): void {
  if (retentionDaysOf(deployment) !== undefined) return;
  context.printError(
    'This stack does not say how long its table keeps events: what is marked "not compared yet" may have been ' +
      'compared, where its event has left the table since. Deploy this version to know.',
  );
}

/**
 * Returns how to go on where the list was not read to its end: whether anything older fits is not known. As `--to` takes
 * seconds, that of the end is listed again, so one that holds the whole list takes a greater limit.
 */
export function endText(newestMs: number, readBackToMs: number | undefined): string {
  if (readBackToMs === undefined) return '';
  const second = Math.floor(readBackToMs / 1000);
  const how =
    Math.floor(newestMs / 1000) > second
      ? `raise --limit or go on with --to ${timeText(second + 1)}`
      : 'raise --limit; all of these are of one second';
  return `; read only back to ${utc(readBackToMs)}: for older ones, if any, ${how}`;
}

/** Returns a function that takes what each page has searched, and prints the sum every few seconds: a filter may fit rarely. */
function searchReporter(context: Pick<CliContext, 'now' | 'printError'>, where: string) {
  const report = createProgress(context);
  let messages = 0;
  return (searched: Searched | null) => {
    if (searched === null) return;
    messages += searched.messages;
    const back = searched.until === null ? '' : `, back to ${utc(searched.until * 1000)}`;
    report(() => context.printError(`${where}: ${number(messages)} messages searched${back}`));
  };
}

/** What a page with a filter has searched, and the time that it has come to. */
type Searched = Readonly<{ messages: number; until: number | null }>;

function nothingFound(recipient: string, filter: unknown): string {
  if (filter !== undefined)
    return `no message to ${recipient} fits; without --status, --tag, --from and --to all are listed`;
  return `no message to ${recipient} is stored; where that is a message id: why ${recipient}`;
}

type FoundMessage = Awaited<ReturnType<ReturnType<typeof createRecipients>>>['body']['messages'][number] & {
  recipient: string | null;
};
type MessageLine = FindLine & { event: 'message' };

function lineOf({ firstAt, statusAt, engagement: _, ...message }: FoundMessage, actions: Actions): MessageLine {
  return { event: 'message', ...message, firstAt: iso(firstAt * 1000), statusAt: iso(statusAt * 1000), ...actions };
}

type Actions = Awaited<ReturnType<typeof countActions>>;
type History = ReturnType<typeof createRecipientHistory>;

async function countActions(history: History, messageId: string | null, keys: readonly string[]) {
  const tally = noCounts();
  for (const key of messageId === null ? [] : keys) {
    for (let after: string | undefined, hasMore = true; hasMore; ) {
      const page = await history.events(messagePartition(messageId ?? ''), key, undefined, MAX_PAGE, after);
      for (const entry of page.entries) if ('event' in entry) count(tally, entry.event.event);
      ({ last: after, hasMore } = page);
    }
  }
  const { opens, clicks, machineOpens, machineClicks } = tally;
  return { opens, clicks, machineOpens, machineClicks };
}

const actionsText = ({ opens, clicks, machineOpens, machineClicks }: MessageLine) =>
  [
    [opens, 'open', ''],
    [clicks, 'click', ''],
    [machineOpens, 'open', ' by machines'],
    [machineClicks, 'click', ' by machines'],
  ]
    .map(([times, what, by]) => (times === 0 ? '' : `  ${counted(Number(times), String(what))}${by}`))
    .join('');

function textOf(line: MessageLine): string[] {
  const { messageId, subject, statusAt, status, reason, tags, ...marks } = line;
  const notes = [
    ...(marks.unconfirmed ? ["not on Mailgun's list, may be forged"] : []),
    ...(marks.unconfirmed || marks.confirmed ? [] : ['not compared yet']),
    ...(marks.testMode ? ['test mode, not sent'] : []),
    ...(marks.direction === 'inbound' ? ['inbound, routed on'] : []),
  ];
  const became = `${status ?? 'no status'}${reason === null ? '' : ` (${plain(reason)})`}`;
  return [
    `${utc(Date.parse(statusAt))}  ${became.padEnd(10)}  ${subject === null ? '(no subject)' : plain(subject)}` +
      (notes.length === 0 ? '' : `  ! ${notes.join(', ')}`),
    `  ${plain(messageId ?? 'no message id')}${tags.length === 0 ? '' : `  tags: ${tags.map(plain).join(', ')}`}` +
      actionsText(line),
  ];
}
