import { Duration, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { INDEXES } from '../../lambdas/contract.ts';
import type { ReconcileEnv } from '../../lambdas/reconcile/env.ts';
import type { Config } from '../config/config.ts';
import { runLimitSeconds } from '../config/ledger-times.ts';
import { LedgerFunction } from './ledger-function.ts';

export interface ReconcileProps {
  readonly config: Config;
  readonly table: Table;
  readonly queue: IQueue;
  readonly apiKey: Secret;
  readonly erasureKey: Secret;
  /** Compared with what is registered at Mailgun. */
  readonly webhookUrl: string;
}

/** Finds what the webhooks missed, on a schedule, and writes the ledger. */
export class Reconcile extends Construct {
  readonly function: LedgerFunction;

  constructor(scope: Construct, id: string, { config, table, queue, apiKey, erasureKey, webhookUrl }: ReconcileProps) {
    super(scope, id);
    const { reconcile, processing } = config;
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'reconcile',
      timeoutSeconds: runLimitSeconds(reconcile),
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        QUEUE_URL: queue.queueUrl,
        API_KEY_SECRET_ARN: apiKey.secretArn,
        ERASURE_KEY_SECRET_ARN: erasureKey.secretArn,
        DOMAINS: config.domains.map(({ name, region }) => `${name}=${region}`).join(','),
        EVENT_TYPES: config.eventTypes.join(','),
        WEBHOOK_URL: webhookUrl,
        SOURCE: reconcile.source,
        EVERY_SECONDS: String(reconcile.everySeconds),
        SETTLE_SECONDS: String(reconcile.settleSeconds),
        SLICE_SECONDS: String(reconcile.sliceSeconds),
        RETENTION_SECONDS: String(reconcile.retentionSeconds),
        FROM_EPOCH_SECONDS: String(reconcile.fromEpochSeconds ?? ''),
        MAILGUN_URL: reconcile.mailgunUrl ?? '',
        // What process may have in hand at a time; more is waiting for it.
        BACKLOG_MESSAGES: String(processing.maxConcurrency * processing.batchSize),
        PARALLEL: String(reconcile.parallel),
      } satisfies Record<keyof ReconcileEnv, string>,
    });
    this.function.allow(
      ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
      table.tableArn,
    );
    this.function.allow(['dynamodb:Query'], table.tableArn, `${table.tableArn}/index/${INDEXES.byDay.name}`);
    this.function.allow(['sqs:SendMessage', 'sqs:GetQueueAttributes'], queue.queueArn);
    this.function.allow(['secretsmanager:GetSecretValue'], apiKey.secretArn, erasureKey.secretArn);
    // The next run does what this one left; a retry would only find the lease held.
    this.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });

    const ofThisAccount = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } };
    const role = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', { conditions: ofThisAccount }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.function.functionArn] }),
    );
    const schedule = new CfnSchedule(this, 'Schedule', {
      description: 'Runs reconcile',
      flexibleTimeWindow: { mode: 'OFF' },
      scheduleExpression: rate(reconcile.everySeconds),
      target: {
        arn: this.function.functionArn,
        roleArn: role.roleArn,
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      },
    });
    // With its policy: the reference is to the role alone, which may nothing yet, and the first run would be lost.
    schedule.node.addDependency(role);
  }
}

/** Seconds are a unit of the local stack alone, whose times are compressed. */
function rate(seconds: number): string {
  const [count, unit] = seconds % 60 === 0 ? [seconds / 60, 'minute'] : [seconds, 'second'];
  return `rate(${count} ${unit}${count === 1 ? '' : 's'})`;
}
