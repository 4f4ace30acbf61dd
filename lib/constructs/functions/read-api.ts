import { ArnFormat, Stack } from 'aws-cdk-lib';
import { HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { INDEXES, ROUTES } from '../../../lambdas/contract.ts';
import { EVENTS_PREFIX } from '../../../lambdas/domain/archive/object-keys.ts';
import type { ReadApiEnv, ReadReceiverSetting } from '../../../lambdas/read-api/env.ts';
import type { Config } from '../../config/config.ts';
import { dayShards } from '../../config/day-shards.ts';
import { eventDays } from '../../config/derived-defaults.ts';
import { domainList } from '../../config/environment-size.ts';
import type { EventQueue } from '../event-queue.ts';
import { HttpEndpoint } from '../http-endpoint.ts';
import type { Deliver } from './deliver.ts';
import { LedgerFunction } from './ledger-function.ts';

interface ReadApiProps {
  readonly config: Config;
  readonly table: Table;
  readonly queue: EventQueue;
  readonly apiToken: Secret;
}

/** Serves the read API. The function checks the token and handles CORS, preflights included. */
export class ReadApi extends Construct {
  readonly function: LedgerFunction;
  readonly endpoint: HttpEndpoint;
  readonly #origins: string[];

  constructor(scope: Construct, id: string, { config, table, queue, apiToken }: ReadApiProps) {
    super(scope, id);
    const { jwt } = config.readApi;
    this.#origins = [...config.origins];
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'read-api',
      timeoutSeconds: 15,
      reservedExecutions: config.executions.read,
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        ...dayShards(config),
        QUEUE_URL: queue.queue.queueUrl,
        DEAD_LETTERS_URL: queue.deadLetters.queueUrl,
        API_TOKEN_SECRET_ARN: jwt ? '' : apiToken.secretArn,
        JWT_ISSUER: jwt?.issuer ?? '',
        JWT_AUDIENCE: jwt?.audience ?? '',
        ALLOWED_ORIGINS: this.#origins.join(','),
        ALLOW_CREDENTIALS: String(config.readApi.credentials),
        ALARMS: '',
        DOMAINS: domainList(config.domains, false),
        SLICE_SECONDS: String(config.reconcile.sliceSeconds),
        SETTLE_SECONDS: String(config.reconcile.settleSeconds),
        RETENTION_DAYS: String(eventDays(config)),
      } satisfies ReadApiEnv,
    });
    this.function.allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem'], table.tableArn);
    const indexArns = Object.values(INDEXES).map(({ name }) => `${table.tableArn}/index/${name}`);
    this.function.allow(['dynamodb:Query'], table.tableArn, ...indexArns);
    this.function.allow(['sqs:GetQueueAttributes'], queue.queue.queueArn, queue.deadLetters.queueArn);
    if (!jwt) this.function.allow(['secretsmanager:GetSecretValue'], apiToken.secretArn);

    this.endpoint = new HttpEndpoint(this, 'Http', {
      name: 'read',
      handler: this.function,
      method: HttpMethod.ANY,
      path: `${ROUTES.read}/{proxy+}`,
      throttle: config.throttle.read,
      logRetentionDays: config.retentionDays.logs,
      customDomain: config.customDomain.read,
    });
  }

  /** Lets health show these alarms, and no others; they watch this API, so they are named and not referred to. */
  showAlarms(names: readonly string[]): void {
    // A long stack name, once for each of them, would exceed the 4,096 bytes of an environment.
    const prefix = `${Stack.of(this).stackName}-`;
    const short = names.map((name) => name.slice(prefix.length));
    this.function.addEnvironment('ALARMS' satisfies keyof ReadApiEnv, short.join(','));
    const arnOf = (resourceName: string) =>
      Stack.of(this).formatArn({
        service: 'cloudwatch',
        resource: 'alarm',
        resourceName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    this.function.allow(['cloudwatch:DescribeAlarms'], ...names.map(arnOf));
  }

  /** Shows these receivers, and how much their queues hold. */
  showReceivers(receivers: Deliver['receivers']): void {
    const settings = receivers.map(({ config, queue, deadLetters }): ReadReceiverSetting => {
      return { name: config.name, queueUrl: queue.queueUrl, deadLettersUrl: deadLetters.queueUrl };
    });
    this.function.addEnvironment('RECEIVERS' satisfies keyof ReadApiEnv, Stack.of(this).toJsonString(settings));
    const queues = receivers.flatMap(({ queue, deadLetters }) => [queue.queueArn, deadLetters.queueArn]);
    this.function.allow(['sqs:GetQueueAttributes'], ...queues);
  }

  /** Lets it count events that have left the table. */
  readArchive(bucket: Bucket, erasureKey: Secret): void {
    this.function.addEnvironment('ARCHIVE_BUCKET' satisfies keyof ReadApiEnv, bucket.bucketName);
    this.function.addEnvironment('ERASURE_KEY_SECRET_ARN' satisfies keyof ReadApiEnv, erasureKey.secretArn);
    this.function.allow(['s3:GetObject'], bucket.arnForObjects(`${EVENTS_PREFIX}*`));
    this.function.allow(['s3:ListBucket'], bucket.bucketArn);
    this.function.allow(['secretsmanager:GetSecretValue'], erasureKey.secretArn);
  }

  /** Lets the page of one more origin read from a browser. */
  allowOrigin(origin: string): void {
    this.#origins.push(origin);
    this.function.addEnvironment('ALLOWED_ORIGINS' satisfies keyof ReadApiEnv, this.#origins.join(','));
  }
}
