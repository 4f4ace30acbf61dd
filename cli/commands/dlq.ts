import { createEventLookup } from '../../lambdas/adapters/table/events/event-lookup.ts';
import {
  type CliContext,
  type CommandBuilder,
  commandGroup,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
} from '../command.ts';
import { TargetUnavailableError } from '../errors.ts';
import { groupBy } from '../group-by.ts';
import { tableOf } from '../ledger.ts';
import { ago, counted, createEmit } from '../output.ts';
import { iso } from '../time.ts';
import {
  adviceOf,
  type DeadLetter,
  type DeadLetters,
  diagnose,
  MAX_SCANNED_MESSAGES,
  messageIdIn,
  openDeadLetters,
  RECEIVES_EXHAUSTED,
  scanDeadLetters,
} from './dlq/dead-letters.ts';
import { discardCommand } from './dlq/discard.ts';
import { redriveCommand } from './dlq/redrive.ts';

/** The lines of `dlq list --json`. */
export type DlqListLine =
  | {
      event: 'reason';
      /** The reason by this version, or by process; `tries-used-up` where SQS itself moved the message. */
      reason: string;
      count: number;
      oldestAt: string;
      newestAt: string;
      /** Some ids, for `dlq show`. */
      sample: readonly string[];
    }
  /** `complete`: there are no more than were read. */
  | { event: 'dead-letters'; count: number; complete: boolean };

/** The one line of `dlq show --json`. */
export type DlqShowLine = {
  event: 'dead-letter';
  id: string;
  reason: string;
  /** The detail that process added to the reason. */
  detail: string | null;
  sentAt: string;
  receiveCount: number;
  /** Why this version cannot read the body; null where it can. */
  error: { reason: string; where: string } | null;
  message: {
    source: 'webhook' | 'reconcile';
    receivedAt: string;
    domain: string;
    messageId: string | null;
    eventKey: string;
    stored: boolean;
  } | null;
  advice: string;
  body?: string;
};

const NEEDS = `sqs:ReceiveMessage, sqs:ChangeMessageVisibility and sqs:DeleteMessage on the DLQ, sqs:SendMessage on the queue,
dynamodb:GetItem and dynamodb:BatchGetItem on the table`;

export const dlqCommand: CommandBuilder = (context, run) =>
  commandGroup('dlq', 'list, explain, redrive and discard dead letters: events that process could not store', NEEDS)
    .addCommand(listCommand(context, run))
    .addCommand(showCommand(context, run))
    .addCommand(redriveCommand(context, run))
    .addCommand(discardCommand(context, run));

const SAMPLE = 5;

const LIST_EXAMPLES = `
Changes nothing, but hides the messages from other readers for a moment. The reason is what this version of the code says
of a message, or if it reads it, what process said: not-json, malformed-message, unknown-version, unstorable, the name of
an error, and ${RECEIVES_EXHAUSTED} if SQS gave up.

Examples:
  npm run ledger -- dlq list --env prod
  npm run ledger -- dlq list --local --json`;

export const listCommand = (context: CliContext, run: Run) =>
  ledgerCommand('list', 'count the dead letters by reason')
    .addHelpText('after', LIST_EXAMPLES)
    .action(run<TargetOptions>((options) => list(context, options)));

async function list(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<DlqListLine>(context, options.json);
  const letters: Pick<DeadLetter, 'id' | 'reason' | 'sentMs'>[] = [];
  for await (const { id, reason, sentMs } of scanDeadLetters(openDeadLetters(deployment)))
    letters.push({ id, reason, sentMs });
  for (const [reason, ofReason] of groupBy(letters, (letter) => letter.reason)) {
    const times = ofReason.map(({ sentMs }) => sentMs);
    const [oldestMs, newestMs] = [Math.min(...times), Math.max(...times)];
    const sample = ofReason.slice(0, SAMPLE).map(({ id }) => id);
    emit(
      { event: 'reason', reason, count: ofReason.length, oldestAt: iso(oldestMs), newestAt: iso(newestMs), sample },
      `${reason.padEnd(18)} ${String(ofReason.length).padStart(6)}  oldest ${ago(oldestMs, context.now())}  such as`,
      ...sample.map((id) => `  ${id}`),
    );
  }
  const complete = letters.length < MAX_SCANNED_MESSAGES;
  const all = letters.length === 0 ? 'There are no dead letters.' : `${counted(letters.length, 'dead letter')}.`;
  emit({ event: 'dead-letters', count: letters.length, complete }, complete ? all : `${all} There are more.`);
  return 0;
}

interface ShowOptions extends TargetOptions {
  readonly showBody?: boolean;
}

const SHOW_EXAMPLES = `
Shows how this version of the code reads the message. The body contains addresses, so it is printed only with
--show-body.

Examples:
  npm run ledger -- dlq show 7c6ff0f5-3b0e-4c0a-9d52-6a5f1f2c7a11 --env prod
  npm run ledger -- dlq show 7c6ff0f5-3b0e-4c0a-9d52-6a5f1f2c7a11 --local --show-body`;

export const showCommand = (context: CliContext, run: Run) =>
  ledgerCommand('show', 'explain one dead letter')
    .argument('<id>', "SQS's message id, as dlq list shows it")
    .option('--show-body', 'print the whole message too, which names people')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(run<ShowOptions>((options, id = '') => show(context, options, id)));

async function show(context: CliContext, options: ShowOptions, id: string): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<DlqShowLine>(context, options.json);
  const letter = await find(openDeadLetters(deployment), id);
  if (letter === undefined)
    throw new TargetUnavailableError(`there is no dead letter ${id}; another reader may be holding it`);
  const { reason, detail, sentMs, receiveCount, body } = letter;
  const diagnosis = diagnose(body);
  const { error } = diagnosis;
  const stored = error === null && (await createEventLookup(tableOf(deployment)).isStored(diagnosis.identity));
  const message =
    error === null
      ? {
          source: diagnosis.message.source,
          receivedAt: iso(diagnosis.message.receivedAt),
          domain: diagnosis.message.domain,
          messageId: messageIdIn(diagnosis.message),
          eventKey: diagnosis.identity.eventKey,
          stored,
        }
      : null;
  const advice = adviceOf(reason, diagnosis, stored);
  const rows: [string, string | null][] = [
    ['id', id],
    ['reason', detail === undefined ? reason : `${reason}: ${detail}`],
    ['sent', `${iso(sentMs)}, received ${counted(receiveCount, 'time')} since`],
    ['error now', error === null ? 'none: the code of this version reads it' : `${error.reason}, at ${error.where}`],
    ['event', message && `${message.eventKey} of ${message.domain}, by ${message.source} at ${message.receivedAt}`],
    ['message', message?.messageId ?? null],
    ['stored', message && (stored ? 'yes' : 'no')],
    ['advice', advice],
    ['body', options.showBody ? body : null],
  ];
  emit(
    {
      event: 'dead-letter',
      ...{ id, reason, detail: detail ?? null, sentAt: iso(sentMs), receiveCount, error, message, advice },
      ...(options.showBody && { body }),
    },
    ...rows.flatMap(([name, text]) => (text === null ? [] : [`${name.padEnd(9)}  ${text}`])),
  );
  return 0;
}

async function find(deadLetters: DeadLetters, id: string): Promise<DeadLetter | undefined> {
  for await (const letter of scanDeadLetters(deadLetters)) if (letter.id === id) return letter;
  return undefined;
}
