import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { INDEXES, TABLE } from '../../../lambdas/contract.ts';
import { SUPPRESSION_PREFIX } from '../../../lambdas/domain/keys.ts';
import { filterOf } from '../../../lambdas/domain/publishing/receiver-filter.ts';
import type { PublishEnv } from '../../../lambdas/publish/env.ts';
import type { Config } from '../../config/config.ts';
import { dayShards } from '../../config/day-shards.ts';
import { domainList } from '../../config/environment-size.ts';
import { LedgerFunction } from './ledger-function.ts';

interface PublishProps {
  readonly config: Config;
  readonly table: Table;
  readonly erasureKey: Secret;
  readonly subjectKey: Secret;
}

/** An hour before the stream forgets it, a record that crashed the function is sent to the failure queue. */
const MAX_AGE_HOURS = 23;

/** Publishes every change of a status or suppression to an event bus, from the table's stream. */
export class Publish extends Construct {
  readonly function: LedgerFunction;
  /** The failure queue: events that could not be published, with their payload. */
  readonly failures: Queue;

  constructor(scope: Construct, id: string, { config, table, erasureKey, subjectKey }: PublishProps) {
    super(scope, id);
    const { publish } = config;
    this.failures = new Queue(this, 'Failures', {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'publish',
      timeoutSeconds: 60,
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        ...dayShards(config),
        BUS_NAME: publish.bus,
        FAILURES_URL: this.failures.queueUrl,
        SUBJECT_KEY_SECRET_ARN: subjectKey.secretArn,
        ERASURE_KEY_SECRET_ARN: erasureKey.secretArn,
        RECIPIENTS: publish.recipients ? 'yes' : 'no',
        RETRY_SECONDS: String(publish.retrySeconds),
        DOMAINS: domainList(config.domains, false),
        RECEIVERS: JSON.stringify(config.receivers.map(({ name, events }) => ({ name, filter: filterOf(events) }))),
        DELIVERY_DAYS: String(config.retentionDays.deliveries),
      } satisfies PublishEnv,
    });
    const streamArn = table.tableStreamArn as string;
    this.function.allow(
      ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
      streamArn,
    );
    this.function.allow(['dynamodb:BatchGetItem', 'dynamodb:GetItem'], table.tableArn);
    this.function.allow(['dynamodb:Query'], table.tableArn, `${table.tableArn}/index/${INDEXES.byDay.name}`);
    if (config.receivers.length > 0) this.function.allowItems(['dynamodb:PutItem'], ['deliveries'], table.tableArn);
    this.function.allow(['events:PutEvents'], this.#busArn(publish.bus));
    this.function.allow(['sqs:SendMessage'], this.failures.queueArn);
    // A stack that names no address need not know who is erased.
    const secretArns = publish.recipients ? [subjectKey.secretArn, erasureKey.secretArn] : [subjectKey.secretArn];
    this.function.allow(['secretsmanager:GetSecretValue'], ...secretArns);

    new EventSourceMapping(this, 'Stream', {
      target: this.function,
      eventSourceArn: streamArn,
      enabled: true,
      // Publishes changes made while the event source mapping was being created, too.
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 500,
      maxBatchingWindow: Duration.seconds(1),
      filters: FILTERS,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      // The function gives up by itself, with the payload; these only keep a crashing one from losing records in silence.
      retryAttempts: 10_000,
      maxRecordAge: Duration.hours(MAX_AGE_HOURS),
      // Sending is allowed above; SqsDlq would allow more.
      onFailure: { bind: () => ({ destination: this.failures.queueArn }) },
    });
  }

  #busArn(bus: string): string {
    if (bus.startsWith('arn:')) return bus;
    return Stack.of(this).formatArn({
      service: 'events',
      resource: 'event-bus',
      resourceName: bus,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  }
}

/** Statuses are the items with an order. */
const FILTERS = [
  FilterCriteria.filter({
    eventName: FilterRule.or('INSERT', 'MODIFY'),
    dynamodb: { NewImage: { order: { S: FilterRule.exists() } } },
  }),
  FilterCriteria.filter({
    eventName: FilterRule.or('INSERT', 'MODIFY'),
    dynamodb: { Keys: { [TABLE.partitionKey]: { S: FilterRule.beginsWith(SUPPRESSION_PREFIX) } } },
  }),
];
