import { Duration, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { ACCOUNT_DOMAINS, secondPassSeconds } from '../../../lambdas/contract.ts';
import type { PartitionContent } from '../../../lambdas/domain/keys.ts';
import type { ProcessEnv } from '../../../lambdas/process/env.ts';
import type { Config } from '../../config/config.ts';
import { dayShards } from '../../config/day-shards.ts';
import { eventDays } from '../../config/derived-defaults.ts';
import type { ProcessingTimes } from '../../config/processing-times.ts';
import type { EventQueue } from '../event-queue.ts';
import { LedgerFunction } from './ledger-function.ts';

interface ProcessProps {
  readonly config: Config;
  readonly table: Table;
  readonly queue: EventQueue;
  readonly erasureKey: Secret;
  readonly times: ProcessingTimes;
}

/** Takes events from the queue and stores them; what fails stays in the queue. */
export class Process extends Construct {
  readonly function: LedgerFunction;

  constructor(
    scope: Construct,
    id: string,
    { config, table, queue: { queue, deadLetters }, erasureKey, times }: ProcessProps,
  ) {
    super(scope, id);
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'process',
      timeoutSeconds: config.processing.timeoutSeconds,
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        ...dayShards(config),
        QUEUE_URL: queue.queueUrl,
        DEAD_LETTERS_URL: deadLetters.queueUrl,
        ERASURE_KEY_SECRET_ARN: erasureKey.secretArn,
        VISIBILITY_SECONDS: String(times.visibilitySeconds),
        RETENTION_DAYS: String(eventDays(config)),
        STATUS_DAYS: String(config.retentionDays.statuses),
        ...(config.domains === ACCOUNT_DOMAINS && { OF_ACCOUNT: 'yes' }),
        SECOND_PASS_SECONDS: String(secondPassSeconds(config.reconcile.retentionSeconds)),
      } satisfies ProcessEnv,
    });
    const { tableArn } = table;
    this.function.allow(['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'], tableArn);
    const notes: PartitionContent[] = ['openSlices', 'ledger'];
    if (config.domains === ACCOUNT_DOMAINS) notes.push('undiscovered');
    this.function.allowItems(['dynamodb:PutItem'], ['messages', ...notes], tableArn);
    this.function.allowItems(['dynamodb:UpdateItem'], ['messages', 'suppressions'], tableArn);
    this.function.allowItems(['dynamodb:DeleteItem'], ['messages'], tableArn);
    this.function.allow(['sqs:ChangeMessageVisibility'], queue.queueArn);
    this.function.allow(['sqs:SendMessage'], deadLetters.queueArn);
    this.function.allow(['secretsmanager:GetSecretValue'], erasureKey.secretArn);
    this.function.addEventSource(
      new SqsEventSource(queue, {
        // `enabled` is left to the operator: while a table is restored it is off, and no deploy may switch it on.
        batchSize: config.processing.batchSize,
        maxBatchingWindow: Duration.seconds(config.processing.batchingWindowSeconds),
        // A cap here and not by reserved concurrency, whose throttled receives would use up the receive count.
        maxConcurrency: config.processing.maxConcurrency,
        reportBatchItemFailures: true,
      }),
    );
  }
}
