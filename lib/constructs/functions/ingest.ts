import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { IngestEnv } from '../../../lambdas/ingest/env.ts';
import type { Config } from '../../config/config.ts';
import { domainList } from '../../config/environment-size.ts';
import { LedgerFunction } from './ledger-function.ts';

interface IngestProps {
  readonly config: Config;
  readonly table: Table;
  readonly queue: IQueue;
  readonly signingKeys: Secret;
}

/** Verifies a webhook, claims its token and sends the event to the queue before it responds. */
export class Ingest extends Construct {
  readonly function: LedgerFunction;

  constructor(scope: Construct, id: string, { config, table, queue, signingKeys }: IngestProps) {
    super(scope, id);
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'ingest',
      // The handler returns 503 half a second before this, so Mailgun waits at most 5 s.
      timeoutSeconds: 5,
      reservedExecutions: config.executions.ingest,
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        QUEUE_URL: queue.queueUrl,
        SIGNING_KEYS_SECRET_ARN: signingKeys.secretArn,
        DOMAINS: domainList(config.domains, false),
      } satisfies Record<keyof IngestEnv, string>,
    });
    const { tableArn } = table;
    this.function.allowItems(['dynamodb:PutItem'], ['claims'], tableArn);
    this.function.allowItems(['dynamodb:UpdateItem'], ['messages'], tableArn);
    this.function.allowItems(['dynamodb:GetItem'], ['messages', 'ledger'], tableArn);
    this.function.allow(['sqs:SendMessage'], queue.queueArn);
    this.function.allow(['secretsmanager:GetSecretValue'], signingKeys.secretArn);
  }
}
