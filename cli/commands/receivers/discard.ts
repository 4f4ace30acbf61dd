import { type CliContext, confirm, ledgerCommand, openTarget, type Run } from '../../command.ts';
import { InterruptedError, UsageError } from '../../errors.ts';
import { createEmit, number } from '../../output.ts';
import {
  type ChoiceOptions,
  choosing,
  chosenBy,
  type DeadCounts,
  isWanted,
  readDead,
  stayText,
  unseenText,
} from './dead-deliveries.ts';
import { receiverNamed } from './open.ts';

/** The lines of `receivers discard --json`; the plan comes first. */
export type DiscardDeadLine =
  | ({ event: 'plan'; dead: number } & Omit<DeadCounts, 'chosen'>)
  | ({ event: 'discarded'; deleted: number } & Omit<DeadCounts, 'chosen'>);

interface DiscardOptions extends ChoiceOptions {
  readonly unreadable?: boolean;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

export const discardCommand = (context: CliContext, run: Run) =>
  choosing(ledgerCommand('discard', "delete a receiver's dead deliveries, which it then never gets"), context)
    .option('--unreadable', 'only messages that hold no event, which no redelivery clears')
    .option('--plan', 'only show how many that would be')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `\nFor what the receiver will never accept, so that the alarm deliveries-dead ends. The log keeps each as dead. It deletes\nno other messages than it has counted before it asks.\n\nExamples:\n  npm run ledger -- receivers discard crm --env prod --unreadable --plan\n  npm run ledger -- receivers discard crm --env prod --message 20261122.1@mg.example.com`,
    )
    .action(run<DiscardOptions>((options, name = '') => discard(context, options, name)));

async function discard(context: CliContext, options: DiscardOptions, name: string): Promise<number> {
  const { unreadable: onlyUnreadable = false, plan, yes, json } = options;
  const selecting = (['id', 'type', 'status', 'kind', 'message', 'from', 'to'] as const).filter(
    (key) => options[key] !== undefined,
  );
  if (!onlyUnreadable && selecting.length === 0) {
    throw new UsageError(
      'name what to delete: --unreadable, --id, --type, --status, --kind, --message, --from or --to',
    );
  }
  if (onlyUnreadable && selecting.length > 0) {
    throw new UsageError(
      `--unreadable and --${selecting[0]} cannot be combined: nothing can be read of those messages`,
    );
  }
  const choice = chosenBy(options, context);
  const deployment = await openTarget(context, options);
  const receiver = receiverNamed(deployment, name);
  const emit = createEmit<DiscardDeadLine>(context, json);
  const planned = new Set<string>();
  const { chosen: dead, ...others } = await readDead(
    deployment,
    receiver,
    {
      isChosen(event, messageId) {
        const isChosen = event === undefined ? onlyUnreadable : !onlyUnreadable && isWanted(event, choice);
        if (isChosen) planned.add(messageId);
        return isChosen;
      },
    },
    context,
  );
  if (context.signal.aborted) throw new InterruptedError();
  if (dead === 0 && others.unseen === 0) {
    const hint = others.unreadable > 0 ? '; what holds no event is for --unreadable' : '';
    throw new UsageError(`nothing in the DLQ of ${name} matches${hint}`);
  }
  const what = `${number(dead)} ${onlyUnreadable ? 'unreadable messages' : 'dead deliveries'} of ${name}`;
  emit({ event: 'plan', dead, ...others }, `${what}; ${stayText(others)}`, ...unseenText(others));
  if (plan) return 0;
  // Another reader holds the rest.
  if (dead === 0) return 1;
  await confirm(context, yes, `Delete ${what} of ${deployment.name}? This cannot be undone.`);
  const { chosen: deleted, ...rest } = await readDead(
    deployment,
    receiver,
    { isChosen: (_, messageId) => planned.has(messageId), take: async (_, remove) => void (await remove()) },
    context,
  );
  emit({ event: 'discarded', deleted, ...rest }, `${number(deleted)} deleted; ${stayText(rest)}`, ...unseenText(rest));
  return context.signal.aborted || deleted < dead || rest.unseen > 0 ? 1 : 0;
}
