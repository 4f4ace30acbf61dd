import { z } from 'zod';
import { createQueueDepth } from '../../../lambdas/adapters/aws/messaging.ts';
import { createReceiverStateRepository, readDeliveries } from '../../../lambdas/adapters/table/delivery-repository.ts';
import { QueueProgress, type ReceiverFacts } from '../../../lambdas/domain/publishing/delivery-ledger.ts';
import { TargetUnavailableError, UsageError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { utc } from '../../output.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';

const settings = z.array(
  z.looseObject({
    name: z.string(),
    url: z.string(),
    // By default where the stack was deployed before it had this output.
    ratePerSecond: z.number().default(10),
    secretArn: z.string(),
    queueUrl: z.string(),
    deadLettersUrl: z.string(),
  }),
);

/** A receiver as the stack's output describes it. */
export type DeployedReceiver = z.output<typeof settings>[number];

/** Returns the receivers of a stack, none where it is configured without. */
export function receiversOf(deployment: Deployment): DeployedReceiver[] {
  if (!hasOutput(deployment, 'Receivers')) return [];
  return settings.parse(JSON.parse(deployment.output('Receivers')));
}

/** Returns one receiver by its name. */
export function receiverNamed(deployment: Deployment, name: string): DeployedReceiver {
  const all = receiversOf(deployment);
  const found = all.find((receiver) => receiver.name === name);
  if (found) return found;
  if (all.length === 0)
    throw new TargetUnavailableError(`${deployment.name} has no receivers; add some to its configuration`);
  throw new UsageError(`there is no receiver ${name}; the stack has ${all.map((each) => each.name).join(', ')}`);
}

export const statesOf = (deployment: Deployment) => createReceiverStateRepository(tableOf(deployment));

/** Returns how many messages a queue holds, as it reports it. */
export function messagesIn({ clients }: Deployment, queueUrl: string): Promise<number> {
  return createQueueDepth(clients.queues, queueUrl).messages();
}

/** Returns the current facts about a receiver, by which its deliveries are judged. */
export async function factsOf(
  deployment: Deployment,
  { name, queueUrl }: DeployedReceiver,
  nowMs: number,
): Promise<ReceiverFacts & { queued: number }> {
  const [state, queued] = await Promise.all([statesOf(deployment).read(name), messagesIn(deployment, queueUrl)]);
  return { state, queued, isQueueEmpty: queued === 0, nowMs };
}

/** Returns how far the queue of a receiver has come, by what was published since a time. */
export async function queueProgress(
  deployment: Deployment,
  receiver: DeployedReceiver,
  from: number,
  nowMs: number,
): Promise<QueueProgress> {
  const facts = await factsOf(deployment, receiver, nowMs);
  const progress = new QueueProgress(facts);
  // With an empty queue, no further facts are needed.
  if (facts.isQueueEmpty) return progress;
  const until = Math.floor(nowMs / 1000) + 1;
  for await (const delivery of readDeliveries(tableOf(deployment), receiver.name, from, until)) {
    progress.observe(delivery, delivery.name);
  }
  return progress;
}

/** The alarm receiver-disabled adds up an hour, and is evaluated some minutes late. */
export const ALARM_ENDS_MS = 65 * 60_000;

/** Returns since when all receivers are enabled again, and by when their alarm ends; undefined where one is disabled. */
export async function enabledAgain(deployment: Deployment): Promise<string | undefined> {
  const receivers = receiversOf(deployment);
  const states = await Promise.all(receivers.map(({ name }) => statesOf(deployment).read(name)));
  const enabledAt = Math.max(0, ...states.map((state) => state.enabledAt ?? 0));
  if (enabledAt === 0 || states.some(({ disabledAt }) => disabledAt !== undefined)) return undefined;
  const names = receivers.filter((_, nth) => states[nth]?.enabledAt === enabledAt).map(({ name }) => name);
  return `${names.join(', ')} enabled since ${utc(enabledAt)}, OK by ${utc(enabledAt + ALARM_ENDS_MS)}`;
}
