import { createEventLookup } from '../../lambdas/adapters/table/stored-event-repository.ts';
import {
  type CliContext,
  type CommandBuilder,
  commandGroup,
  confirm,
  ledgerCommand,
  openTarget,
  type Run,
  repeated,
  type TargetOptions,
} from '../command.ts';
import { InterruptedError, TargetUnavailableError, UsageError } from '../errors.ts';
import { tableOf } from '../ledger.ts';
import { ago, counted, createEmit, groupBy } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { iso } from '../time.ts';
import {
  adviceOf,
  countsByReason,
  type DeadLetter,
  type DeadLetters,
  messageIdIn,
  openDeadLetters,
  RECEIVES_EXHAUSTED,
  receiveSelected,
  type Selected,
  type SelectionOptions,
  scanDeadLetters,
  selectDeadLetters,
  unscanned,
} from './dlq/dead-letters.ts';
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
type DlqShowLine = {
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

const NEEDS = `sqs:ReceiveMessage, sqs:ChangeMessageVisibility, sqs:DeleteMessage and sqs:GetQueueAttributes on the DLQ,
sqs:SendMessage on the queue, dynamodb:GetItem and dynamodb:BatchGetItem on the table`;

export const dlqCommand: CommandBuilder = (context, run) =>
  commandGroup('dlq', 'list, explain, redrive and discard dead letters: events that process could not store', NEEDS)
    .addCommand(listCommand(context, run))
    .addCommand(showCommand(context, run))
    .addCommand(redriveCommand(context, run))
    .addCommand(discardCommand(context, run));

const SAMPLE = 5;

const LIST_EXAMPLES = `
Changes nothing, but hides the messages from other readers while it runs. The reason is why this version of the code
cannot read a message, or else the one that process noted: not-json, malformed-message, unknown-version, unstorable, the
name of an error, or ${RECEIVES_EXHAUSTED} if SQS gave up.

Examples:
  npm run ledger -- dlq list --env prod
  npm run ledger -- dlq list --local --json`;

const listCommand = (context: CliContext, run: Run) =>
  ledgerCommand('list', 'count the dead letters by reason')
    .addHelpText('after', LIST_EXAMPLES)
    .action(run<TargetOptions>((options) => list(context, options)));

async function list(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<DlqListLine>(context, options.json);
  const letters: Pick<DeadLetter, 'id' | 'reason' | 'sentMs'>[] = [];
  const deadLetters = openDeadLetters(deployment);
  for await (const { id, reason, sentMs } of scanDeadLetters(deadLetters, context))
    letters.push({ id, reason, sentMs });
  if (context.signal.aborted) throw new InterruptedError();
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
  const more = await unscanned(deadLetters, letters.length, context);
  const complete = more.length === 0;
  const none = complete ? 'There are no dead letters.' : 'No dead letter could be read.';
  const all = letters.length === 0 ? none : `${counted(letters.length, 'dead letter')}.`;
  emit({ event: 'dead-letters', count: letters.length, complete }, all, ...more);
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

const showCommand = (context: CliContext, run: Run) =>
  ledgerCommand('show', 'explain one dead letter')
    .argument('<id>', "SQS's message id, as dlq list shows it")
    .option('--show-body', 'print the whole message too, which names people')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(run<ShowOptions>((options, id = '') => show(context, options, id)));

async function show(context: CliContext, options: ShowOptions, id: string): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<DlqShowLine>(context, options.json);
  const letter = await find(openDeadLetters(deployment), id, context);
  if (letter === undefined)
    throw new TargetUnavailableError(`there is no dead letter ${id}; another reader may be holding it`);
  const { reason, detail, sentMs, receiveCount, body, diagnosis } = letter;
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
  const advice = adviceOf(letter, stored, deployment);
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
      id,
      reason,
      detail: detail ?? null,
      sentAt: iso(sentMs),
      receiveCount,
      error,
      message,
      advice,
      ...(options.showBody && { body }),
    },
    ...rows.flatMap(([name, text]) => (text === null ? [] : [`${name.padEnd(9)}  ${text}`])),
  );
  return 0;
}

async function find(deadLetters: DeadLetters, id: string, context: CliContext): Promise<DeadLetter | undefined> {
  for await (const letter of scanDeadLetters(deadLetters, context)) if (letter.id === id) return letter;
  if (context.signal.aborted) throw new InterruptedError();
  return undefined;
}

/** The loss when a dead letter is discarded: nothing, since its event is stored; an event; or what cannot be read. */
type Loss = 'nothing' | 'event' | 'unreadable';

/** The lines of `dlq discard --json`. */
export type DlqDiscardLine =
  | {
      event: 'would-discard';
      id: string;
      reason: string;
      loses: Loss;
      eventKey: string | null;
      domain: string | null;
    }
  | { event: 'plan'; count: number; losesEvents: number; unreadable: number; complete: boolean }
  | { event: 'discarded'; count: number; left: number; complete: boolean };

interface DiscardOptions extends TargetOptions, SelectionOptions {
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const DISCARD_EXAMPLES = `
Use it for messages that no version of the code can read, since a redrive would return them to the DLQ. It first shows
what is lost: reconciliation brings back an event that Mailgun still lists; anything else is gone.

Examples:
  npm run ledger -- dlq discard --env prod --reason not-json --plan
  npm run ledger -- dlq discard --env prod --id 7c6ff0f5-3b0e-4c0a-9d52-6a5f1f2c7a11
  npm run ledger -- dlq discard --local --reason not-json --yes --json`;

const discardCommand = (context: CliContext, run: Run) =>
  ledgerCommand('discard', 'delete dead letters, and show what is lost')
    .option('--plan', 'only show what would be deleted and lost')
    .option('--reason <reason>', 'all of this reason')
    .option('--id <id>', 'this one; may be repeated', repeated)
    .option('--yes', 'do not ask')
    .addHelpText('after', DISCARD_EXAMPLES)
    .action(run<DiscardOptions>((options) => discard(context, options)));

async function discard(context: CliContext, options: DiscardOptions): Promise<number> {
  if (options.id === undefined && options.reason === undefined) {
    throw new UsageError('--id or --reason is missing; name what to delete');
  }
  const deployment = await openTarget(context, options);
  const emit = createEmit<DlqDiscardLine>(context, options.json);
  const deadLetters = openDeadLetters(deployment);
  const { selected, complete, more } = await selectDeadLetters(deadLetters, options, context);
  const losses: Loss[] = [];
  for (const letter of selected) losses.push(await lossOf(deployment, letter));
  const count = (loss: Loss) => losses.filter((each) => each === loss).length;
  for (const [index, letter] of selected.entries()) {
    const loses = losses[index] ?? 'event';
    const { id, reason, event } = letter;
    emit(
      {
        event: 'would-discard',
        id,
        reason,
        loses,
        eventKey: event?.identity.eventKey ?? null,
        domain: event?.domain ?? null,
      },
      `${id}  ${reason.padEnd(18)} ${lossText(loses, letter)}`,
    );
  }
  const sum = `${counted(selected.length, 'dead letter')}: ${count('event')} of them would lose an event, ${count('unreadable')} cannot be read, and may hold events.`;
  emit(
    {
      event: 'plan',
      count: selected.length,
      losesEvents: count('event'),
      unreadable: count('unreadable'),
      complete,
    },
    sum,
    ...more,
    ...(options.plan ? ['Plan: nothing was deleted.'] : []),
  );
  if (options.plan) return 0;
  const question = `Delete ${counted(selected.length, 'dead letter')} (${countsByReason(selected)}) of ${deployment.name}? This cannot be undone.`;
  await confirm(context, options.yes, question);
  const left = await removeAll(selected, deadLetters, context);
  emit(
    { event: 'discarded', count: selected.length - left, left, complete },
    `${selected.length - left} deleted${left > 0 ? `, ${left} left` : ''}.`,
    ...more,
  );
  return left > 0 || !complete ? 1 : 0;
}

async function lossOf(deployment: Deployment, { event }: Selected): Promise<Loss> {
  if (event === undefined) return 'unreadable';
  return (await createEventLookup(tableOf(deployment)).isStored(event.identity)) ? 'nothing' : 'event';
}

function lossText(loses: Loss, { event, error }: Selected): string {
  if (loses === 'nothing') return `nothing is lost: ${event?.identity.eventKey} is stored`;
  if (loses === 'unreadable') return `cannot be read (${error?.reason}, at ${error?.where}): its body is lost`;
  return `loses ${event?.identity.eventKey} of ${event?.domain}, unless Mailgun still lists it`;
}

/** Returns how many are left, because they were interrupted or are held by someone else. */
async function removeAll(selected: readonly Selected[], deadLetters: DeadLetters, context: CliContext) {
  const left = new Set(selected.map(({ id }) => id));
  await receiveSelected(left, deadLetters, context, async (letters, remove) => {
    for (const letter of letters) {
      await remove(letter);
      left.delete(letter.id);
    }
  });
  return left.size;
}
