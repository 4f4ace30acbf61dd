import { Duration, Stack } from 'aws-cdk-lib';
import { type EventPattern, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ReceiverSetting } from '../../lambdas/deliver/env.ts';
import { filterOf } from '../../lambdas/domain/publishing/receiver-filter.ts';
import { MAX_RECEIVES } from '../config/processing-times.ts';
import type { ReceiverConfig } from '../config/receivers.ts';
import { removalOf } from './removal.ts';

interface ReceiverProps {
  readonly visibilitySeconds: number;
  readonly protectData: boolean;
}

const MAX_BATCH = 10;

/** Returns the concurrency for a receiver, and the pace of each invocation, so that its rate is never exceeded. */
export function paceOf({ ratePerSecond }: Pick<ReceiverConfig, 'ratePerSecond'>) {
  const maxConcurrency = Math.max(2, Math.ceil(ratePerSecond / MAX_BATCH));
  return {
    maxConcurrency,
    batchSize: Math.min(MAX_BATCH, Math.max(1, Math.floor(ratePerSecond / maxConcurrency))),
    paceMs: Math.ceil((1000 * maxConcurrency) / ratePerSecond),
  };
}

/** The queue of one receiver: filled by a rule on the bus, emptied by `deliver` at the receiver's own rate. */
export class ReceiverResources extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly secret: Secret;
  readonly #config: ReceiverConfig;

  constructor(scope: Construct, receiver: ReceiverConfig, { visibilitySeconds, protectData }: ReceiverProps) {
    super(scope, receiver.name);
    this.#config = receiver;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    this.queue = new Queue(this, 'Queue', {
      visibilityTimeout: Duration.seconds(visibilitySeconds),
      retentionPeriod: Duration.days(14),
      // Half-day delays and disabled receivers use up receives; `deliver` itself decides when a delivery is dead.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVES },
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    this.secret = new Secret(this, 'Secret', {
      description: `Signs deliveries to the receiver ${receiver.name}: {"current","previous"?,"previousUntil"?}`,
      // 44 letters and digits are base64 of 33 bytes: no library of the receivers misses a padding.
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'current',
        passwordLength: 44,
        excludePunctuation: true,
      },
      removalPolicy: removalOf({ protectData }),
    });
  }

  listen(eventBus: IEventBus | undefined): void {
    const { 'detail-type': detailType, detail } = filterOf(this.#config.events);
    const eventPattern = {
      source: ['mailgun-ledger'],
      ...(detailType !== undefined && { detailType }),
      // Other ledgers may publish to the same bus.
      detail: { ledger: [Stack.of(this).stackName], ...(detail as object | undefined) },
    } as EventPattern;
    new Rule(this, 'Rule', {
      ...(eventBus && { eventBus }),
      description: `What the receiver ${this.#config.name} is sent`,
      eventPattern,
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetters })],
    });
  }

  get setting(): ReceiverSetting {
    const { name, url, recipients, ratePerSecond } = this.#config;
    return {
      name,
      url,
      recipients,
      ratePerSecond,
      paceMs: paceOf(this.#config).paceMs,
      secretArn: this.secret.secretArn,
      queueUrl: this.queue.queueUrl,
      deadLettersUrl: this.deadLetters.queueUrl,
    };
  }
}
