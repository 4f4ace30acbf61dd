import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ProcessingTimes } from '../config/processing-times.ts';

/** Verified events on their way to the table, and those that no retry can bring there. */
export class EventQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, times: ProcessingTimes) {
    super(scope, id);
    this.deadLetters = new Queue(this, 'DeadLetters', {
      retentionPeriod: Duration.seconds(times.deadLetterRetentionSeconds),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    this.queue = new Queue(this, 'Queue', {
      // For a crashed or hanging process; after an error it sets its own delay (`lambdas/process/retry-delay.ts`).
      visibilityTimeout: Duration.seconds(times.visibilitySeconds),
      retentionPeriod: Duration.seconds(times.queueRetentionSeconds),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: times.maxReceiveCount },
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
  }
}
