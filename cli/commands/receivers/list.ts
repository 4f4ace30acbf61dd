import type { Command } from 'commander';
import { readDeliveries } from '../../../lambdas/adapters/table/delivery-repository.ts';
import { DAY_SECONDS } from '../../../lambdas/contract.ts';
import { type Attempt, isInState, type LoggedDelivery } from '../../../lambdas/domain/publishing/delivery.ts';
import {
  type CountedDeliveries,
  DeliveryCounter,
  type DeliveryLedger,
  type ReceiverFacts,
} from '../../../lambdas/domain/publishing/delivery-ledger.ts';
import { type ReceiverCondition, receiverCondition } from '../../../lambdas/domain/publishing/receiver-state.ts';
import { isNamed } from '../../../lambdas/domain/publishing/standard-webhook.ts';
import {
  type CliContext,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
  targetRefText,
  timeOption,
} from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { counted, createEmit, number, utc } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';
import { type DeployedReceiver, factsOf, messagesIn, queueProgress, receiverNamed, receiversOf } from './open.ts';

/** The lines of `receivers list --json`: one for each receiver, then their number. */
export type ReceiverLine =
  | {
      event: 'receiver';
      name: string;
      url: string;
      state: ReceiverCondition;
      reason: string | null;
      lastStatus: number | null;
      queued: number;
      inDlq: number;
      /** Counts of the deliveries published within the time. */
      ledger: DeliveryLedger;
      /** The same by hour, newest first. */
      hours: readonly ({ hour: string } & DeliveryLedger)[];
      /** Unaccounted deliveries by name. */
      unaccounted: readonly { id: string; publishedAt: string }[];
    }
  | { event: 'listed'; count: number };

interface ListOptions extends TimeOptions {
  readonly hourly?: boolean;
}

/** Names that people are shown; `receivers log` has the others. */
const MAX_NAMES = 5;

export const listCommand = (context: CliContext, run: Run) =>
  timed(ledgerCommand('list', 'show every receiver and what became of its deliveries'), context)
    .option('--hourly', 'show the deliveries of each hour too')
    .addHelpText(
      'after',
      `\nOf the deliveries published in that time, waiting counts those to be attempted, for the first time or again; queue\ncounts the messages in the receiver's queue now, whenever they were published.\n\nExamples:\n  npm run ledger -- receivers list --env prod\n  npm run ledger -- receivers list --local --from 2h --hourly`,
    )
    .action(run<ListOptions>((options) => list(context, options)));

async function list(context: CliContext, options: ListOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<ReceiverLine>(context, options.json);
  const receivers = receiversOf(deployment);
  let isHealthy = true;
  for (const receiver of receivers) {
    const { name, url, deadLettersUrl } = receiver;
    const [facts, inDlq] = await Promise.all([
      factsOf(deployment, receiver, context.now()),
      messagesIn(deployment, deadLettersUrl),
    ]);
    const deliveries = await countDeliveries(deployment, receiver, facts, rangeOf(options, context));
    const { ledger, unaccounted } = deliveries;
    const { disabledReason: reason = null, lastStatus = null } = facts.state;
    const state = receiverCondition(facts.state);
    isHealthy &&= state !== 'disabled' && inDlq === 0 && ledger.unaccounted === 0;
    emit(
      {
        event: 'receiver',
        name,
        url,
        state,
        reason,
        lastStatus,
        queued: facts.queued,
        inDlq,
        ledger,
        hours: deliveries.hours.map(({ hour, ...counts }) => ({ hour: iso(hour * 1000), ...counts })),
        unaccounted: unaccounted.map(({ id, publishedAt }) => ({ id, publishedAt: iso(publishedAt * 1000) })),
      },
      `${name}  ${state}${reason === null ? '' : ` (${reason}, last status ${lastStatus})`}  ${url}`,
      `  ${countsText(ledger)}`,
      `  queue ${number(facts.queued)} · DLQ ${number(inDlq)}`,
      ...(options.hourly
        ? deliveries.hours.map((counts) => `  ${utc(counts.hour * 1000)}  ${countsText(counts)}`)
        : []),
      ...namesText(deliveries, receiver, targetRefText(deployment.ref)),
      ...stepsText(receiver, { isDisabled: state === 'disabled', lastStatus, inDlq }, targetRefText(deployment.ref)),
    );
  }
  const count = receivers.length;
  emit(
    { event: 'listed', count },
    count === 0 ? `${deployment.name} has no receivers.` : `${counted(count, 'receiver')}.`,
  );
  return isHealthy ? 0 : 1;
}

/** Returns the steps for a receiver, in their order: enabled before it is fixed, it would be disabled again. */
function stepsText(
  { name }: DeployedReceiver,
  { isDisabled, lastStatus, inDlq }: { isDisabled: boolean; lastStatus: number | null; inDlq: number },
  target: string,
): string[] {
  const command = (words: string) => `npm run ledger -- receivers ${words} ${target}`;
  const why = isDisabled ? `its last response was ${lastStatus ?? 'none'}; ` : '';
  const fixed = `have the receiver fixed, or its URL changed in cdk.json (${why}${command(`log ${name}`)})`;
  const steps = [
    ...(isDisabled || inDlq > 0 ? [fixed] : []),
    ...(isDisabled ? [command(`enable ${name}`), command(`test ${name}`)] : []),
    ...(inDlq > 0
      ? [
          command(`redeliver ${name} --plan`),
          'the same without --plan',
          `what it will never accept: ${command(`discard ${name} --plan`)}`,
        ]
      : []),
  ];
  return steps.map((step, nth) => `  ${nth + 1}. ${step}`);
}

/** Counts deliveries; reads later ones too, since they show how far the queue has come. */
async function countDeliveries(
  deployment: Deployment,
  { name }: DeployedReceiver,
  facts: ReceiverFacts,
  { from, to }: { from: number; to: number },
): Promise<CountedDeliveries> {
  const counter = new DeliveryCounter(facts);
  const until = Math.max(to, Math.floor(facts.nowMs / 1000) + 1);
  for await (const delivery of readDeliveries(tableOf(deployment), name, from, facts.isQueueEmpty ? to : until)) {
    counter.add(delivery, delivery.name, delivery.name.publishedAt < to);
  }
  return counter.result();
}

const countsText = ({ published, acknowledged, waiting, dead, unaccounted }: DeliveryLedger) =>
  `published ${number(published)} · acknowledged ${number(acknowledged)} · waiting ${number(waiting)} · dead ${number(dead)} · unaccounted ${number(unaccounted)}`;

function namesText({ unaccounted }: CountedDeliveries, { name }: DeployedReceiver, target: string): string[] {
  if (unaccounted.length === 0) return [];
  return [
    ...unaccounted.slice(0, MAX_NAMES).map(({ id, publishedAt }) => `  unaccounted  ${utc(publishedAt * 1000)}  ${id}`),
    `  All of them: npm run ledger -- receivers log ${name} --state unaccounted ${target}`,
  ];
}

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

/** What `--state` selects: `waiting` as `receivers list` counts it, `published` what has no attempt yet. */
export const STATES: Readonly<Record<string, (state: LoggedDelivery['state'], unaccounted: boolean) => boolean>> = {
  published: (state) => state === 'published',
  waiting: (state, unaccounted) => isInState('waiting', state) && !unaccounted,
  acknowledged: (state) => state === 'acknowledged',
  dead: (state) => state === 'dead',
  unaccounted: (_, unaccounted) => unaccounted,
};

export const logCommand = (context: CliContext, run: Run) =>
  timed(ledgerCommand('log', 'show the attempts of deliveries, oldest first'), context)
    .argument('<name>', 'the receiver')
    .option('--state <state>', 'only deliveries in this state')
    .option('--id <id>', 'only the delivery of this webhook-id')
    .option('--message <message-id>', 'only deliveries about this message')
    .addHelpText(
      'after',
      `\nStates: waiting: to be attempted, for the first time or again, as receivers list counts it; published: without an\nattempt so far; acknowledged; dead; unaccounted: to be attempted, but in no queue.\n\nExamples:\n  npm run ledger -- receivers log crm --env prod --state dead\n  npm run ledger -- receivers log crm --local --from 1h --json`,
    )
    .action(run<LogOptions>((options, name = '') => log(context, options, name)));

async function log(context: CliContext, options: LogOptions, receiver: string): Promise<number> {
  const { state, id, message } = options;
  const isInState = state === undefined ? () => true : new Map(Object.entries(STATES)).get(state);
  if (isInState === undefined) throw new UsageError(`--state is one of ${Object.keys(STATES).join(', ')}`);
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
      isInState(delivery.state, unaccounted) &&
      (id === undefined || isNamed(delivery.name.id, id)) &&
      (message === undefined || delivery.detail.messageId === message);
    if (!isWanted) continue;
    shown += 1;
    isHealthy &&= delivery.state !== 'dead' && !unaccounted;
    emit(deliveryLine(delivery, unaccounted), ...deliveryText(delivery, unaccounted));
  }
  // A filter that matches nothing is probably mistyped.
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

export interface TimeOptions extends TargetOptions {
  readonly from?: number;
  readonly to?: number;
}

export const timed = (command: Command, context: CliContext, without = { from: '24h', to: 'now' }) =>
  command
    .option(
      '--from <time>',
      `published since: ISO 8601 with offset, epoch seconds, or 2h ago (${without.from})`,
      timeOption('from', context),
    )
    .option('--to <time>', `published before, in the same form (${without.to})`, timeOption('to', context));

/** Returns the time that the options choose, in epoch seconds: the last day where they choose none. */
export function rangeOf({ from, to }: TimeOptions, { now }: CliContext): { from: number; to: number } {
  const end = to ?? Math.floor(now() / 1000) + 1;
  const begin = from ?? end - DAY_SECONDS;
  if (begin >= end) throw new UsageError('--from is not before --to');
  return { from: begin, to: end };
}
