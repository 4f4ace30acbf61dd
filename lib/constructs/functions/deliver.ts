import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { DeliverEnv } from '../../../lambdas/deliver/env.ts';
import type { Config } from '../../config/config.ts';
import { TIMEOUTS_PER_VISIBILITY } from '../../config/processing-times.ts';
import { hasLoopbackReceiver, type ReceiverConfig } from '../../config/receivers.ts';
import { importEventBus } from '../event-bus.ts';
import { paceOf, ReceiverResources } from '../receiver.ts';
import { LedgerFunction } from './ledger-function.ts';

interface DeliverProps {
  readonly config: Config;
  readonly table: Table;
  readonly erasureKey: Secret;
}

/** Time for the calls before and after a request. */
const MARGIN_SECONDS = 15;

/**
 * Delivers published events to receivers, each with its own queue and concurrency, so that a slow one delays no other.
 */
export class Deliver extends Construct {
  readonly function: LedgerFunction;
  readonly receivers: readonly {
    readonly config: ReceiverConfig;
    readonly queue: Queue;
    readonly deadLetters: Queue;
  }[];
  /** The receivers as commands and the read API need them, as JSON. */
  readonly settings: string;

  constructor(scope: Construct, id: string, { config, table, erasureKey }: DeliverProps) {
    super(scope, id);
    const { delivery } = config;
    const timeoutSeconds = delivery.timeoutSeconds + MARGIN_SECONDS;
    const visibilitySeconds = TIMEOUTS_PER_VISIBILITY * timeoutSeconds;
    const { bus } = config.publish;
    // A rule is on the account's default bus unless it names another.
    const eventBus = bus === 'default' ? undefined : importEventBus(this, bus);
    const receivers = config.receivers.map((receiver) => {
      const made = new ReceiverResources(this, receiver, { visibilitySeconds, protectData: config.protectData });
      made.listen(eventBus);
      return { config: receiver, made };
    });
    this.receivers = receivers.map(({ config, made }) => ({
      config,
      queue: made.queue,
      deadLetters: made.deadLetters,
    }));
    this.settings = Stack.of(this).toJsonString(receivers.map(({ made }) => made.setting));
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'deliver',
      timeoutSeconds,
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        RECEIVERS: this.settings,
        ERASURE_KEY_SECRET_ARN: erasureKey.secretArn,
        RETRY_SECONDS: delivery.retrySeconds.join(','),
        DISABLE_AFTER_HOURS: String(delivery.disableAfterHours),
        TIMEOUT_SECONDS: String(delivery.timeoutSeconds),
        DELIVERY_DAYS: String(config.retentionDays.deliveries),
        LOOPBACK: hasLoopbackReceiver(config.receivers) ? 'yes' : 'no',
      } satisfies Record<keyof DeliverEnv, string>,
    });
    const namesRecipients = config.receivers.some(({ recipients }) => recipients);
    const { tableArn } = table;
    this.function.allowItems(['dynamodb:GetItem'], ['deliveries', 'receiverStates'], tableArn);
    this.function.allowItems(['dynamodb:PutItem'], ['receiverStates'], tableArn);
    this.function.allowItems(['dynamodb:UpdateItem'], ['deliveries'], tableArn);
    if (namesRecipients) this.function.allowItems(['dynamodb:BatchGetItem'], ['erasures'], tableArn);
    this.function.allow(['sqs:ChangeMessageVisibility'], ...receivers.map(({ made }) => made.queue.queueArn));
    const queues = receivers.flatMap(({ made }) => [made.queue.queueArn, made.deadLetters.queueArn]);
    this.function.allow(['sqs:SendMessage'], ...queues);
    const secrets = receivers.map(({ made }) => made.secret.secretArn);
    const secretArns = namesRecipients ? [...secrets, erasureKey.secretArn] : secrets;
    this.function.allow(['secretsmanager:GetSecretValue'], ...secretArns);
    for (const { config: receiver, made } of receivers) {
      const { maxConcurrency, batchSize } = paceOf(receiver);
      const source = { enabled: true, batchSize, maxConcurrency, reportBatchItemFailures: true };
      this.function.addEventSource(new SqsEventSource(made.queue, source));
    }
  }
}
