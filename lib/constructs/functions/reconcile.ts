import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ACCOUNT_DOMAINS, INDEXES } from '../../../lambdas/contract.ts';
import type { PartitionContent } from '../../../lambdas/domain/keys.ts';
import type { ReconcileEnv } from '../../../lambdas/reconcile/env.ts';
import type { Config } from '../../config/config.ts';
import { dayShards } from '../../config/day-shards.ts';
import { domainList } from '../../config/environment-size.ts';
import { runLimitSeconds } from '../../config/ledger-times.ts';
import { LedgerFunction } from './ledger-function.ts';
import { runEvery } from './schedule.ts';

interface ReconcileProps {
  readonly config: Config;
  readonly table: Table;
  readonly queue: IQueue;
  readonly apiKey: Secret;
  readonly erasureKey: Secret;
  /** Compared with the webhooks registered at Mailgun. */
  readonly webhookUrl: string;
}

const BASE_MIB = 512;
/** For each part that is compared at once: its stored and listed names, and a page of the listing. */
const PART_MIB = 64;
/** What AWS gives a new account. */
const MAX_MIB = 3008;

/** Finds what the webhooks missed, on a schedule, and writes the ledger. */
export class Reconcile extends Construct {
  readonly function: LedgerFunction;

  constructor(scope: Construct, id: string, { config, table, queue, apiKey, erasureKey, webhookUrl }: ReconcileProps) {
    super(scope, id);
    const { reconcile, processing } = config;
    const { providers, limits } = config.alarms;
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'reconcile',
      timeoutSeconds: runLimitSeconds(reconcile),
      memoryMib: Math.min(MAX_MIB, BASE_MIB + reconcile.parallel * PART_MIB),
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        ...dayShards(config),
        QUEUE_URL: queue.queueUrl,
        API_KEY_SECRET_ARN: apiKey.secretArn,
        ERASURE_KEY_SECRET_ARN: erasureKey.secretArn,
        DOMAINS: domainList(config.domains),
        ...(config.heldElsewhere && { HELD_ELSEWHERE: config.heldElsewhere }),
        EVENT_TYPES: config.eventTypes.join(','),
        WEBHOOK_URL: webhookUrl,
        SOURCE: reconcile.source,
        EVERY_SECONDS: String(reconcile.everySeconds),
        SETTLE_SECONDS: String(reconcile.settleSeconds),
        SLICE_SECONDS: String(reconcile.sliceSeconds),
        RETENTION_SECONDS: String(reconcile.retentionSeconds),
        FROM_EPOCH_SECONDS: String(reconcile.fromEpochSeconds ?? ''),
        MAILGUN_URL: reconcile.mailgunUrl ?? '',
        // Maximum number of messages that process has in flight; more means a backlog.
        BACKLOG_MESSAGES: String(processing.maxConcurrency * processing.batchSize),
        PARALLEL: String(reconcile.parallel),
        ...(providers.length > 0 && {
          WATCHED_PROVIDERS: providers.join(','),
          MIN_JUDGED_MAILS: String(limits.leastSentToProvider),
        }),
        ...(reconcile.bounceClasses && { BOUNCE_CLASSES: 'yes' }),
      } satisfies ReconcileEnv,
    });
    const { tableArn } = table;
    this.function.allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem'], tableArn);
    const states: PartitionContent[] = ['ledger', 'domainStates'];
    const markers: PartitionContent[] = ['openSlices', 'doubts'];
    this.function.allowItems(
      ['dynamodb:PutItem'],
      [...states, ...markers, 'slices', 'parts', 'requeues', 'witness'],
      tableArn,
    );
    this.function.allowItems(['dynamodb:UpdateItem'], [...states, 'requeues', 'messages'], tableArn);
    const undiscovered: PartitionContent[] = config.domains === ACCOUNT_DOMAINS ? ['undiscovered'] : [];
    this.function.allowItems(['dynamodb:DeleteItem'], ['ledger', ...markers, ...undiscovered], tableArn);
    this.function.allow(['dynamodb:Query'], table.tableArn, `${table.tableArn}/index/${INDEXES.byDay.name}`);
    this.function.allow(['sqs:SendMessage', 'sqs:GetQueueAttributes'], queue.queueArn);
    this.function.allow(['secretsmanager:GetSecretValue'], apiKey.secretArn, erasureKey.secretArn);
    runEvery(this, this.function, reconcile.everySeconds, 'Runs reconcile');
  }
}
