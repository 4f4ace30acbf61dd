import { readDeliveries } from '../../../lambdas/adapters/table/publishing/delivery-repository.ts';
import {
  type CountedDeliveries,
  DeliveryCounter,
  type DeliveryLedger,
  type ReceiverFacts,
} from '../../../lambdas/domain/publishing/delivery-ledger.ts';
import { type ReceiverCondition, receiverCondition } from '../../../lambdas/domain/publishing/receiver-state.ts';
import { type CliContext, ledgerCommand, openTarget, type Run, targetRefText } from '../../command.ts';
import { tableOf } from '../../ledger.ts';
import { createEmit, number, utc } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';
import { type DeployedReceiver, factsOf, messagesIn, receiversOf } from './open.ts';
import { rangeOf, type TimeOptions, timed } from './time-range.ts';

/** The lines of `receivers list --json`. */
export type ReceiverLine = {
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
  /** The names of what is unaccounted for. */
  unaccounted: readonly { id: string; publishedAt: string }[];
};

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
      `\nExamples:\n  npm run ledger -- receivers list --env prod\n  npm run ledger -- receivers list --local --from 2h --hourly`,
    )
    .action(run<ListOptions>((options) => list(context, options)));

async function list(context: CliContext, options: ListOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<ReceiverLine>(context, options.json);
  const receivers = receiversOf(deployment);
  if (receivers.length === 0 && !options.json) context.print(`${deployment.name} has no receivers.`);
  let isHealthy = true;
  for (const receiver of receivers) {
    const { name, url, deadLettersUrl } = receiver;
    const [facts, inDlq] = await Promise.all([
      factsOf(deployment, receiver, context.now()),
      messagesIn(deployment, deadLettersUrl),
    ]);
    const counted = await countDeliveries(deployment, receiver, facts, rangeOf(options, context));
    const { ledger, unaccounted } = counted;
    const { disabledReason: reason = null, lastStatus = null } = facts.state;
    const state = receiverCondition(facts.state);
    isHealthy &&= state !== 'disabled' && inDlq === 0 && ledger.unaccounted === 0;
    emit(
      {
        ...{ event: 'receiver', name, url, state, reason, lastStatus, queued: facts.queued, inDlq, ledger },
        hours: counted.hours.map(({ hour, ...counts }) => ({ hour: iso(hour * 1000), ...counts })),
        unaccounted: unaccounted.map(({ id, publishedAt }) => ({ id, publishedAt: iso(publishedAt * 1000) })),
      },
      `${name}  ${state}${reason === null ? '' : ` (${reason}, last status ${lastStatus})`}  ${url}`,
      `  ${countsText(ledger)}`,
      `  queue ${number(facts.queued)} · DLQ ${number(inDlq)}`,
      ...(options.hourly ? counted.hours.map((counts) => `  ${utc(counts.hour * 1000)}  ${countsText(counts)}`) : []),
      ...namesText(counted, receiver, targetRefText(deployment.ref)),
      ...stepsText(receiver, { isDisabled: state === 'disabled', lastStatus, inDlq }, targetRefText(deployment.ref)),
    );
  }
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
    ...(inDlq > 0 ? [command(`redeliver ${name} --plan`), 'the same without --plan'] : []),
  ];
  return steps.map((step, nth) => `  ${nth + 1}. ${step}`);
}

/** Later deliveries are read too: they show how far the queue has come. */
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
