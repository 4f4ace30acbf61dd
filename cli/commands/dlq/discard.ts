import { createEventLookup } from '../../../lambdas/adapters/table/events/event-lookup.ts';
import {
  type CliContext,
  confirm,
  ledgerCommand,
  openTarget,
  type Run,
  repeated,
  type TargetOptions,
} from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { counted, createEmit } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import {
  countsByReason,
  type DeadLetters,
  openDeadLetters,
  receiveSelected,
  type Selected,
  type SelectionOptions,
  selectDeadLetters,
} from './dead-letters.ts';

/** The loss when a dead letter is discarded: nothing, since its event is stored; an event; or what cannot be read. */
export type Loss = 'nothing' | 'event' | 'unreadable';

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

export const discardCommand = (context: CliContext, run: Run) =>
  ledgerCommand('discard', 'delete dead letters, and show what is lost')
    .option('--plan', 'only show what would be deleted and lost')
    .option('--reason <reason>', 'those of this reason')
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
  const { selected, complete } = await selectDeadLetters(deadLetters, options);
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
  const sum = `${counted(selected.length, 'dead letter')}: ${count('event')} of them would lose an event, ${count('unreadable')} cannot be read.`;
  emit(
    {
      event: 'plan',
      count: selected.length,
      losesEvents: count('event'),
      unreadable: count('unreadable'),
      complete,
    },
    sum,
    ...(options.plan ? ['Plan: nothing was deleted.'] : []),
  );
  if (options.plan) return 0;
  const question = `Delete ${counted(selected.length, 'dead letter')} (${countsByReason(selected)}) of ${deployment.name}? This cannot be undone.`;
  await confirm(context, options.yes, question);
  const left = await removeAll(selected, deadLetters, context.signal);
  emit(
    { event: 'discarded', count: selected.length - left, left, complete },
    `${selected.length - left} deleted${left > 0 ? `, ${left} left` : ''}${complete ? '.' : '; there are more: run it again.'}`,
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
async function removeAll(selected: readonly Selected[], deadLetters: DeadLetters, signal: AbortSignal) {
  const left = new Set(selected.map(({ id }) => id));
  await receiveSelected(left, deadLetters, signal, async (letters, remove) => {
    for (const letter of letters) {
      await remove(letter);
      left.delete(letter.id);
    }
  });
  return left.size;
}
