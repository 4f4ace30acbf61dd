import { Synthesized } from '../../../support/stacks/synthesized.ts';

const prod = new Synthesized('prod');

describe('the queues', () => {
  const queue = prod.named('AWS::SQS::Queue', 'EventsQueue').Properties;
  const deadLetters = prod.named('AWS::SQS::Queue', 'EventsDeadLetters').Properties;

  test('keep a healthy event through 9 hours without the table', () => {
    expect(queue.RedrivePolicy.maxReceiveCount * queue.VisibilityTimeout).toBeGreaterThanOrEqual(9 * 3600);
  });

  test('hide a batch for longer than a function may work on it', () => {
    const { Timeout } = prod.named('AWS::Lambda::Function', 'Process').Properties;
    const { MaximumBatchingWindowInSeconds } = prod.ofType('AWS::Lambda::EventSourceMapping')[0]!.Properties;

    expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout + MaximumBatchingWindowInSeconds);
  });

  test('keep messages longer in the DLQ than in the queue, since their age carries over', () => {
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
