import { readDeliveries } from '../../../lambdas/adapters/table/publishing.ts';
import type { Attempt, LoggedDelivery } from '../../../lambdas/domain/publishing/delivery.ts';
import { isNamed } from '../../../lambdas/domain/publishing/standard-webhook.ts';
import { type CliContext, ledgerCommand, openTarget, type Run } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { createEmit, utc } from '../../output.ts';
import { iso } from '../../time.ts';
import { queueProgress, receiverNamed } from './open.ts';
import { rangeOf, type TimeOptions, timed } from './time-range.ts';

/** The lines of `receivers log --json`. */
export type DeliveryLine = {
  event: 'delivery';
  id: string;
  publishedAt: string;
  type: string;
  messageId: string | null;
  state: string;
  unaccounted: boolean;
  attempts: readonly Attempt[];
  response: string | null;
};

interface LogOptions extends TimeOptions {
  readonly state?: string;
  readonly id?: string;
  readonly message?: string;
}

const STATES = ['published', 'waiting', 'acknowledged', 'dead', 'unaccounted'];

export const logCommand = (context: CliContext, run: Run) =>
  timed(ledgerCommand('log', 'show the attempts of deliveries, oldest first'), context)
    .argument('<name>', 'the receiver')
    .option('--state <state>', `only deliveries that are ${STATES.join(', ')}`)
    .option('--id <id>', 'only the delivery of this webhook-id')
    .option('--message <message-id>', 'only deliveries about this message')
    .addHelpText(
      'after',
      `\nExamples:\n  npm run ledger -- receivers log crm --env prod --state dead\n  npm run ledger -- receivers log crm --local --from 1h --json`,
    )
    .action(run<LogOptions>((options, name = '') => log(context, options, name)));

async function log(context: CliContext, options: LogOptions, receiver: string): Promise<number> {
  const { state, id, message } = options;
  if (state !== undefined && !STATES.includes(state)) throw new UsageError(`--state is one of ${STATES.join(', ')}`);
  const deployment = await openTarget(context, options);
  const deployed = receiverNamed(deployment, receiver);
  const emit = createEmit<DeliveryLine>(context, options.json);
  const { from, to } = rangeOf(options, context);
  const progress = await queueProgress(deployment, deployed, from, context.now());
  let shown = 0;
  let isHealthy = true;
  for await (const delivery of readDeliveries(tableOf(deployment), receiver, from, to)) {
    const unaccounted = progress.isUnaccounted(delivery, delivery.name);
    const isWanted =
      (state === undefined || (state === 'unaccounted' ? unaccounted : delivery.state === state)) &&
      (id === undefined || isNamed(delivery.name.id, id)) &&
      (message === undefined || delivery.detail.messageId === message);
    if (!isWanted) continue;
    shown += 1;
    isHealthy &&= delivery.state !== 'dead' && !unaccounted;
    emit(deliveryLine(delivery, unaccounted), ...deliveryText(delivery, unaccounted));
  }
  // What narrows and finds nothing is likely mistyped.
  if (shown === 0 && (id ?? message) !== undefined) throw new UsageError('no delivery of that time matches');
  return isHealthy ? 0 : 1;
}

function deliveryLine(
  { name, detailType, detail, state, attempts, response }: LoggedDelivery,
  unaccounted: boolean,
): DeliveryLine {
  const { messageId = null } = detail;
  return {
    event: 'delivery',
    id: name.id,
    publishedAt: iso(name.publishedAt * 1000),
    type: detailType,
    messageId: messageId as string | null,
    state,
    unaccounted,
    attempts,
    response: response ?? null,
  };
}

function deliveryText({ name, state, attempts, response }: LoggedDelivery, unaccounted: boolean): string[] {
  return [
    `${utc(name.publishedAt * 1000)}  ${unaccounted ? 'unaccounted' : state}  ${name.id}`,
    ...attempts.map((attempt) => `  ${attemptText(attempt)}`),
    ...(response ? [`  ${response.slice(0, 200)}`] : []),
  ];
}

export const attemptText = ({ at, ms, status, error }: Attempt) =>
  `${utc(at)}  ${status ?? error ?? 'no response'}  ${ms} ms`;
