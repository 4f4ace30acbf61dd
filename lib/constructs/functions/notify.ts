import { SecretValue, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { NO_TARGETS } from '../../../lambdas/contract.ts';
import type { NotifyEnv } from '../../../lambdas/notify/env.ts';
import type { Config } from '../../config/config.ts';
import { healthDashboardUrl } from '../monitoring/health-dashboard.ts';
import type { Topics } from '../monitoring/topics.ts';
import { removalOf } from '../removal.ts';
import { LedgerFunction } from './ledger-function.ts';

interface NotifyProps {
  readonly config: Config;
  readonly table: Table;
  readonly topics: Topics;
}

/** Three attempts at a service of at most five seconds each, and the waits between them, with time to spare. */
const TIMEOUT_SECONDS = 60;

/** Brings alarms to Slack, Microsoft Teams, PagerDuty and Opsgenie, each in its own form. */
export class Notify extends Construct {
  readonly function: LedgerFunction;
  /** Secret with the services' URLs and keys: with them anyone could post, so they do not belong in a template. */
  readonly targets: Secret;

  constructor(scope: Construct, id: string, { config, table, topics }: NotifyProps) {
    super(scope, id);
    this.targets = new Secret(this, 'Targets', {
      description: 'Services that alarms are brought to: [{"url","kind"?,"key"?,"severities"?}]',
      // A placeholder; it never changes, so CloudFormation never writes over the targets put later.
      secretStringValue: SecretValue.unsafePlainText(NO_TARGETS),
      removalPolicy: removalOf(config),
    });
    const receivers = config.receivers.map(({ name }) => name);
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'notify',
      timeoutSeconds: TIMEOUT_SECONDS,
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        TARGETS_SECRET_ARN: this.targets.secretArn,
        PAGE_TOPIC_ARN: topics.page.topicArn,
        RECEIVER_NAMES: receivers.join(','),
        DASHBOARD_URL: healthDashboardUrl(this),
      } satisfies Record<keyof NotifyEnv, string>,
    });
    this.function.allow(['secretsmanager:GetSecretValue'], this.targets.secretArn);
    // To report which receiver is disabled, and since which response.
    if (receivers.length > 0) this.function.allowItems(['dynamodb:GetItem'], ['receiverStates'], table.tableArn);
    for (const topic of [topics.page, topics.ticket]) topic.addSubscription(new LambdaSubscription(this.function));
  }
}
