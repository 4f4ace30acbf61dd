import { z } from 'zod';
import { createQueueDepth } from '../../../lambdas/adapters/aws/event-queue.ts';
import { createReceiverStates } from '../../../lambdas/adapters/table/delivery-repository.ts';
import type { ReceiverState } from '../../../lambdas/domain/publishing/receiver-state.ts';
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

/** `failing`: no attempt since that time was acknowledged. */
export function stateWord({ disabledAt, failingSince }: ReceiverState): 'enabled' | 'failing' | 'disabled' {
  if (disabledAt !== undefined) return 'disabled';
  return failingSince === undefined ? 'enabled' : 'failing';
}

/** Returns how many messages a queue holds, as it reports it. */
export function messagesIn({ clients }: Deployment, queueUrl: string): Promise<number> {
  return createQueueDepth(clients.queues, queueUrl).messages();
}
