import type { AlarmState } from './alarms/evaluate.ts';
import type { StackStats } from './control.ts';
import { type Engine, request } from './engines/engine.ts';
import type { RunningFunctions } from './functions.ts';
import { outputOf, type Stack } from './stack.ts';
import type { UsageMeter } from './usage.ts';

/** Answers what a stack has done since its start, and what waits. */
export function createStats(
  stack: Stack,
  sqs: Engine,
  usage: UsageMeter,
  { processes }: RunningFunctions,
  alarms: () => Record<string, AlarmState>,
): () => Promise<StackStats> {
  const queueUrl = outputOf(stack, 'QueueUrl');
  const deadLettersUrl = outputOf(stack, 'DeadLettersUrl');
  return async () => {
    const deadLetters = await countMessages(sqs, deadLettersUrl);
    return {
      queue: await countMessages(sqs, queueUrl),
      deadLetters: deadLetters.visible + deadLetters.inFlight,
      ...usage.total(),
      processes: processes(),
      alarms: alarms(),
      byCaller: usage.byCaller(),
    };
  };
}

/** A delayed message waits like a visible one. */
async function countMessages(sqs: Engine, QueueUrl: string) {
  const { Attributes } = await request<{ Attributes: Record<string, string> }>(sqs, 'GetQueueAttributes', {
    QueueUrl,
    AttributeNames: ['All'],
  });
  const count = (name: string) => Number(Attributes[`ApproximateNumberOfMessages${name}`]);
  return { visible: count('') + count('Delayed'), inFlight: count('NotVisible') };
}
