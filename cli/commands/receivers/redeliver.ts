import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { encodeQueuedEvent, type QueuedEvent } from '../../../lambdas/domain/publishing/delivery.ts';
import { type CliContext, ledgerCommand, openTarget, type Run, wholeNumber } from '../../command.ts';
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

/** The line of `receivers redeliver --json`. */
export type RedeliverLine =
  | ({ event: 'redelivered'; sent: number } & Omit<DeadCounts, 'chosen'>)
  | { event: 'plan'; dead: number; seconds: number };

interface RedeliverOptions extends ChoiceOptions {
  readonly rate?: number;
  readonly plan?: boolean;
}

const DEFAULT_RATE = 10;

export const redeliverCommand = (context: CliContext, run: Run) =>
  choosing(ledgerCommand('redeliver', "send a receiver's dead deliveries again"), context)
    .option('--rate <n>', `deliveries a second (${DEFAULT_RATE})`, wholeNumber(1))
    .option('--plan', 'only show how many that would be')
    .addHelpText(
      'after',
      `\nWithout an option that selects it redelivers everything in the DLQ. If you interrupt it, run the same command again to\ncontinue.\n\nExamples:\n  npm run ledger -- receivers redeliver crm --env prod --plan\n  npm run ledger -- receivers redeliver crm --env prod --rate 50\n  npm run ledger -- receivers redeliver crm --env prod --kind complaint --from 3d`,
    )
    .action(run<RedeliverOptions>((options, name = '') => redeliver(context, options, name)));

/**
 * Sends dead deliveries to the receiver's queue again. Each is sent before it is deleted, so an interruption leaves two
 * with the same id, of which the receiver keeps one; the next run continues with the rest of the DLQ.
 */
async function redeliver(context: CliContext, options: RedeliverOptions, name: string): Promise<number> {
  const deployment = await openTarget(context, options);
  const receiver = receiverNamed(deployment, name);
  const emit = createEmit<RedeliverLine>(context, options.json);
  const { rate = DEFAULT_RATE } = options;
  const choice = chosenBy(options, context);
  const isChosen = (event: QueuedEvent | undefined) => event !== undefined && isWanted(event, choice);
  if (options.plan) {
    const { chosen: dead } = await readDead(deployment, receiver, { isChosen }, context);
    const seconds = Math.ceil(dead / rate);
    emit(
      { event: 'plan', dead, seconds },
      `Plan: ${number(dead)} dead deliveries, in about ${number(seconds)} s. Nothing was sent.`,
    );
    return 0;
  }
  const { chosen: sent, ...rest } = await readDead(
    deployment,
    receiver,
    {
      isChosen,
      async take(event, remove) {
        if (event === undefined) return;
        const MessageBody = encodeQueuedEvent({ ...event, requestedAt: context.now() });
        await deployment.clients.queues.send(new SendMessageCommand({ QueueUrl: receiver.queueUrl, MessageBody }));
        await remove();
        await context.sleep(1000 / rate);
      },
    },
    context,
  );
  emit({ event: 'redelivered', sent, ...rest }, `Sent ${number(sent)} again; ${stayText(rest)}`, ...unseenText(rest));
  return context.signal.aborted || rest.unreadable + rest.unseen > 0 ? 1 : 0;
}
