import { Option } from 'commander';
import { createRecipientHistory, recipientKeys } from '../../lambdas/adapters/table/recipients.ts';
import { STATUSES, type Status } from '../../lambdas/domain/event-types.ts';
import { parseEvent } from '../../lambdas/domain/events/mailgun-event.ts';
import { messagePartition } from '../../lambdas/domain/keys.ts';
import { createRecipients, type RecipientQuery } from '../../lambdas/read-api/recipients/recipients.ts';
import {
  type CliContext,
  type CommandBuilder,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  timeOption,
  wholeNumber,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { tableOf } from '../ledger.ts';
import { counted, createEmit, utc } from '../output.ts';
import { iso } from '../time.ts';
import { checkAddress } from './suppressions.ts';
import { plain } from './why/explain.ts';

/** The lines of `find --json`: one for each message, then what was found. */
export type FindLine =
  | {
      event: 'message';
      /** Null for events that belong to no message. */
      messageId: string | null;
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
      /** By people, as far as the table still holds them. */
      opens: number;
    }
  | { event: 'found'; recipient: string; messages: number; hasMore: boolean };

interface FindOptions extends TargetOptions {
  readonly status?: string;
  readonly tag?: string;
  /** Epoch seconds. */
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
}

const USUAL_LIMIT = 20;
const MAX_PAGE = 100;

const EXAMPLES = `
Shows status and its time, subject, tags and opens by people of each message, those with the newest first event first.
To explain a message, run why <message-id>; to see whether you may send to the address, run suppressions show. --from
and --to compare the first event of a message, usually its acceptance.

Examples:
  npm run ledger -- find ada@example.org --env prod
  npm run ledger -- find ada@example.org --env prod --status failed --from 7d
  npm run ledger -- find ada@example.org --local --tag spring --json

Needs on AWS: dynamodb:Query on the table and its index byRecipient, dynamodb:BatchGetItem on the table.`;

export const findCommand: CommandBuilder = (context, run) =>
  ledgerCommand('find', 'list the messages to an address')
    .argument('<address>', 'the recipient, in any case')
    .addOption(
      new Option('--status <status>', 'only messages of this status').choices(
        STATUSES.map((each) => each.toLowerCase()),
      ),
    )
    .option('--tag <tag>', 'only messages under this tag, in any case')
    .option('--from <time>', 'only messages since then', timeOption('from', context))
    .option('--to <time>', 'only messages before then', timeOption('to', context))
    .option('--limit <n>', 'how many at most', wholeNumber(1), USUAL_LIMIT)
    .addHelpText('after', EXAMPLES)
    .action(run<FindOptions>((options, address = '') => find(context, options, address)));

async function find(context: CliContext, options: FindOptions, address: string): Promise<number> {
  const { status, tag, from = 0, to, limit, json } = options;
  const recipient = checkAddress(address);
  if (to !== undefined && from >= to) throw new UsageError('--from must be before --to');
  const deployment = await openTarget(context, options);
  const emit = createEmit<FindLine>(context, json);
  const query = {
    ...{ recipient, keys: recipientKeys(recipient) },
    range: { fromMs: from * 1000, toMs: to === undefined ? Number.MAX_SAFE_INTEGER : to * 1000 },
    ...{ status: status?.toUpperCase() as Status | undefined, tag: tag?.toLowerCase() },
  };
  const history = createRecipientHistory(tableOf(deployment));
  const readPage = createRecipients(history);
  let messages = 0;
  let position: RecipientQuery['position'];
  do {
    const page = await readPage({ ...query, limit: Math.min(limit - messages, MAX_PAGE), position });
    for (const message of page.body.messages) {
      const line = lineOf(message, await countOpens(history, message.messageId, query.keys));
      emit(line, ...textOf(line));
    }
    messages += page.body.messages.length;
    position = page.next;
  } while (position !== undefined && messages < limit && !context.signal.aborted);
  if (context.signal.aborted) return 1;
  if (messages === 0) throw new TargetUnavailableError(nothingFound(recipient, status ?? tag ?? options.from ?? to));
  const hasMore = position !== undefined;
  const more = hasMore ? '; there are older ones: raise --limit, or set --to' : '';
  emit(
    { event: 'found', recipient, messages, hasMore },
    `${counted(messages, 'message')} to ${recipient}, newest first${more}.`,
  );
  return 0;
}

function nothingFound(recipient: string, filter: unknown): string {
  if (filter !== undefined)
    return `no message to ${recipient} fits; without --status, --tag, --from and --to all are listed`;
  return `no message to ${recipient} is stored; where that is a message id: why ${recipient}`;
}

type FoundMessage = Awaited<ReturnType<ReturnType<typeof createRecipients>>>['body']['messages'][number];
type MessageLine = FindLine & { event: 'message' };

function lineOf({ firstAt, statusAt, ...message }: FoundMessage, opens: number): MessageLine {
  return { event: 'message', ...message, firstAt: iso(firstAt * 1000), statusAt: iso(statusAt * 1000), opens };
}

type History = ReturnType<typeof createRecipientHistory>;

async function countOpens(history: History, messageId: string | null, keys: readonly string[]): Promise<number> {
  let opens = 0;
  for (const key of messageId === null ? [] : keys) {
    let after: string | undefined;
    do {
      const page = await history.events(messagePartition(messageId ?? ''), key, 'opened', MAX_PAGE, after);
      for (const entry of page.entries) {
        after = entry.sort;
        if ('event' in entry && !parseEvent(entry.event.event).isByMachine) opens += 1;
      }
      if (!page.hasMore) break;
    } while (after !== undefined);
  }
  return opens;
}

function textOf({ messageId, subject, statusAt, status, reason, tags, ...marks }: MessageLine): string[] {
  const notes = [
    ...(marks.unconfirmed ? ["not on Mailgun's list, may be forged"] : []),
    ...(marks.testMode ? ['test mode, not sent'] : []),
    ...(marks.direction === 'inbound' ? ['inbound, routed on'] : []),
  ];
  const became = `${status ?? 'no status'}${reason === null ? '' : ` (${plain(reason)})`}`;
  return [
    `${utc(Date.parse(statusAt))}  ${became.padEnd(10)}  ${subject === null ? '(no subject)' : plain(subject)}` +
      (notes.length === 0 ? '' : `  ! ${notes.join(', ')}`),
    `  ${plain(messageId ?? 'no message id')}${tags.length === 0 ? '' : `  tags: ${tags.map(plain).join(', ')}`}` +
      (marks.opens === 0 ? '' : `  ${counted(marks.opens, 'open')}`),
  ];
}
