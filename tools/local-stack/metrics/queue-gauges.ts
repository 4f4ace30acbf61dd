import { request } from '../engines/engine.ts';
import type { SqsEngine } from '../engines/sqs.ts';
import { resourcesOfType } from '../template/resources.ts';
import type { Stack } from '../template/stack.ts';
import type { Measure } from './metric.ts';

/** SQS leaves messages that were received more often out of the age: they move to the back of the queue. */
const MAX_RECEIVES = 3;

/** Returns a function that records the current gauges of every queue in the template. */
export function createQueueGauges(
  { template }: Stack,
  sqs: SqsEngine,
  measure: Measure,
): (atMs: number) => Promise<void> {
  const queues = resourcesOfType(template, 'AWS::SQS::Queue').map(([id]) => id);
  return async (atMs) => {
    for (const id of queues) {
      const report = (name: string, value: number) =>
        measure({ namespace: 'AWS/SQS', name, dimensions: { QueueName: id } }, value, atMs);
      const { Attributes } = await request<{ Attributes: Record<string, string> }>(sqs, 'GetQueueAttributes', {
        QueueUrl: `http://queues/${id}`,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      });
      report('ApproximateNumberOfMessagesVisible', Number(Attributes.ApproximateNumberOfMessages));
      report('ApproximateNumberOfMessagesNotVisible', Number(Attributes.ApproximateNumberOfMessagesNotVisible));
      const oldestMs = await sqs.oldestSentMs(id, MAX_RECEIVES);
      report('ApproximateAgeOfOldestMessage', oldestMs === undefined ? 0 : Math.floor((atMs - oldestMs) / 1000));
    }
  };
}
