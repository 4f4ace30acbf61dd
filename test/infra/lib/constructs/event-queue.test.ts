import { Synthesized } from '../../../support/stacks/synthesized.ts';

const prod = new Synthesized('prod');

describe('the queues', () => {
  const queue = prod.named('AWS::SQS::Queue', 'EventsQueue').Properties;
  const deadLetters = prod.named('AWS::SQS::Queue', 'EventsDeadLetters').Properties;

  test('keep a healthy event through 9 hours without the table', () => {
    expect(queue.RedrivePolicy.maxReceiveCount * queue.VisibilityTimeout).toBeGreaterThanOrEqual(9 * 3600);
  });

  test('hand no batch out twice while a function may still be at it', () => {
    const { Timeout } = prod.named('AWS::Lambda::Function', 'Process').Properties;
    const { MaximumBatchingWindowInSeconds } = prod.ofType('AWS::Lambda::EventSourceMapping')[0]!.Properties;

    expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout + MaximumBatchingWindowInSeconds);
  });

  test('keep dead letters longer than the queue, since a dead letter keeps its age', () => {
    expect(deadLetters.MessageRetentionPeriod).toBe(14 * 86_400);
    expect(deadLetters.MessageRetentionPeriod).toBeGreaterThan(queue.MessageRetentionPeriod);
  });

  test('are encrypted and refuse plain HTTP', () => {
    expect(queue.SqsManagedSseEnabled).toBe(true);
    expect(deadLetters.SqsManagedSseEnabled).toBe(true);
    const policies = prod.ofType('AWS::SQS::QueuePolicy').map(({ Properties }) => Properties.PolicyDocument.Statement);
    expect(policies).toHaveLength(2);
    for (const [statement] of policies) {
      expect(statement).toMatchObject({
        Effect: 'Deny',
        Action: 'sqs:*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      });
    }
  });
});
