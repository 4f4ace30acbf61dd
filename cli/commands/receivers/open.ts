import { z } from 'zod';
import { createQueueDepth } from '../../../lambdas/adapters/aws/event-queue.ts';
import {
  createReceiverStates,
  readDeliveries,
} from '../../../lambdas/adapters/table/publishing/delivery-repository.ts';
import { QueueProgress, type ReceiverFacts } from '../../../lambdas/domain/publishing/delivery-ledger.ts';
import { TargetUnavailableError, UsageError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';

const settings = z.array(
  z.looseObject({
    name: z.string(),
    url: z.string(),
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

export const statesOf = (deployment: Deployment) => createReceiverStates(tableOf(deployment));

/** Returns how many messages a queue holds, as it reports it. */
export function messagesIn({ clients }: Deployment, queueUrl: string): Promise<number> {
  return createQueueDepth(clients.queues, queueUrl).messages();
}

/** Returns what is known of a receiver now, by which its deliveries are judged. */
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
  // An empty queue says it all.
  if (facts.isQueueEmpty) return progress;
  const until = Math.floor(nowMs / 1000) + 1;
  for await (const delivery of readDeliveries(tableOf(deployment), receiver.name, from, until)) {
    progress.observe(delivery, delivery.name);
  }
  return progress;
}
