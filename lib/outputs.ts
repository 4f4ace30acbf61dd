import { CfnOutput } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { ROUTES } from '../lambdas/contract.ts';
import type { Config } from './config/config.ts';
import { dayShards } from './config/day-shards.ts';
import { eventDays } from './config/derived-defaults.ts';
import type { Dashboard } from './constructs/dashboard.ts';
import type { EventQueue } from './constructs/event-queue.ts';
import type { Deliver } from './constructs/functions/deliver.ts';
import type { Ingest } from './constructs/functions/ingest.ts';
import type { Notify } from './constructs/functions/notify.ts';
import type { Process } from './constructs/functions/process.ts';
import type { Publish } from './constructs/functions/publish.ts';
import type { ReadApi } from './constructs/functions/read-api.ts';
import type { Reconcile } from './constructs/functions/reconcile.ts';
import type { Seal } from './constructs/functions/seal.ts';
import { healthDashboardUrl } from './constructs/monitoring/health-dashboard.ts';
import type { Topics } from './constructs/monitoring/topics.ts';
import type { Secrets } from './constructs/secrets.ts';
import type { WebhookApi } from './constructs/webhook-api.ts';

export interface OutputSources {
  readonly table: Table;
  readonly secrets: Secrets;
  readonly queue: EventQueue;
  readonly ingest: Ingest;
  readonly process: Process;
  readonly reconcile: Reconcile;
  /** Undefined where nothing is published. */
  readonly publish: Publish | undefined;
  /** Undefined without receivers. */
  readonly deliver: Deliver | undefined;
  /** Undefined without an archive. */
  readonly seal: Seal | undefined;
  readonly readApi: ReadApi;
  /** Undefined where no service is notified. */
  readonly notify: Notify | undefined;
  readonly webhookApi: WebhookApi;
  readonly dashboard: Dashboard | undefined;
  readonly topics: Topics;
  /** Undefined where AWS's own keys encrypt. */
  readonly customerKey: IKey | undefined;
}

/** Returns the settings from which the ledger's lag is computed. */
function timesOf({ everySeconds, settleSeconds, sliceSeconds, retentionSeconds }: Config['reconcile']) {
  return { everySeconds, settleSeconds, sliceSeconds, retentionSeconds };
}

/** Writes every name and address an operator needs; by their keys the command line finds them in any stack. */
export function writeOutputs(scope: Construct, config: Config, from: OutputSources): void {
  const outputs: Record<string, [value: string | undefined, description: string]> = {
    WebhookUrl: [from.webhookApi.url, 'Register this at Mailgun'],
    WebhookDomainTarget: [from.webhookApi.endpoint.domainTarget, 'CNAME of the webhook host name'],
    ApiUrl: [from.readApi.endpoint.baseUrl, `Base of the read API; paths begin with ${ROUTES.read}`],
    ApiDomainTarget: [from.readApi.endpoint.domainTarget, "CNAME of the read API's host name"],
    DashboardUrl: [from.dashboard?.url, 'The dashboard; it requires the token of the read API'],
    DashboardDomainTarget: [from.dashboard?.domainTarget, "CNAME of the dashboard's host name"],
    SigningKeysSecretArn: [from.secrets.signingKeys.secretArn, 'Put the Mailgun signing keys here'],
    ApiKeySecretArn: [from.secrets.apiKey.secretArn, 'Put the Mailgun API key here: {"apiKey":"…"}'],
    ApiTokenSecretArn: [from.secrets.apiToken.secretArn, 'Bearer token of the read API'],
    JwtIssuer: [config.readApi.jwt?.issuer, 'Its JWTs open the read API, and the token does not'],
    ErasureKeySecretArn: [from.secrets.erasureKey.secretArn, 'Hashes erased recipients; never change it'],
    TableName: [from.table.tableName, 'Events, statuses, claims, suppressions and the ledger'],
    CustomerKeyArn: [from.customerKey?.keyArn, 'Encrypts what the stack stores'],
    DayShards: [dayShards(config).DAY_SHARDS, 'Shards of the day index, each number from a UTC day on'],
    QueueUrl: [from.queue.queue.queueUrl, 'Events on their way to the table'],
    DeadLettersUrl: [from.queue.deadLetters.queueUrl, 'Events that could not be stored'],
    PageTopicArn: [from.topics.page.topicArn, 'Alarms that wake people'],
    TicketTopicArn: [from.topics.ticket.topicArn, 'Alarms that can wait'],
    HealthDashboardUrl: [healthDashboardUrl(scope), 'Is it healthy, since when not, what is behind'],
    WebhookEventTypes: [config.eventTypes.join(','), 'Webhook types to register at Mailgun'],
    RetentionDays: [String(eventDays(config)), 'How long the table keeps events'],
    Domains: [JSON.stringify(config.domains), 'Sending domains and the Mailgun region of each'],
    HeldElsewhere: [config.heldElsewhere || undefined, 'Marks of the domains that other environments of cdk.json hold'],
    LedgerTimes: [JSON.stringify(timesOf(config.reconcile)), 'When a slice of the ledger is due, in seconds'],
    BounceClasses: [config.reconcile.bounceClasses ? 'yes' : undefined, "Mailgun's classes of failures are read"],
    IngestFunctionName: [from.ingest.function.functionName, 'Takes webhooks'],
    IngestLogGroup: [from.ingest.function.logGroup.logGroupName, 'Logs of ingest'],
    ProcessFunctionName: [from.process.function.functionName, 'Stores events'],
    ProcessLogGroup: [from.process.function.logGroup.logGroupName, 'Logs of process'],
    ReconcileFunctionName: [from.reconcile.function.functionName, 'Finds what webhooks missed'],
    ReconcileLogGroup: [from.reconcile.function.logGroup.logGroupName, 'Logs of reconcile'],
    PublishFunctionName: [from.publish?.function.functionName, 'Publishes changes'],
    PublishLogGroup: [from.publish?.function.logGroup.logGroupName, 'Logs of publish'],
    PublishFailuresUrl: [from.publish?.failures.queueUrl, 'What could not be published'],
    DeliverFunctionName: [from.deliver?.function.functionName, 'Delivers to receivers'],
    DeliverLogGroup: [from.deliver?.function.logGroup.logGroupName, 'Logs of deliver'],
    Receivers: [from.deliver?.settings, 'Queues and secrets of the receivers'],
    SealFunctionName: [from.seal?.function.functionName, 'Archives slices'],
    SealLogGroup: [from.seal?.function.logGroup.logGroupName, 'Logs of seal'],
    ArchiveBucketName: [from.seal?.bucket.bucketName, 'Events and manifests of sealed slices'],
    ArchiveDatabase: [from.seal?.catalog.databaseName, 'Database of Athena in which the events of the archive are'],
    CertificateKeyArn: [from.seal?.key?.keyArn, 'Signs certificates'],
    ReadApiFunctionName: [from.readApi.function.functionName, 'Serves the read API'],
    ReadApiLogGroup: [from.readApi.function.logGroup.logGroupName, 'Logs of the read API'],
    NotifyFunctionName: [from.notify?.function.functionName, 'Brings alarms to Slack, Teams, PagerDuty and Opsgenie'],
    NotifyLogGroup: [from.notify?.function.logGroup.logGroupName, 'Logs of notify'],
    NotifyTargetsSecretArn: [from.notify?.targets.secretArn, 'Put the services that alarms are brought to here'],
    WebhookAccessLogGroup: [from.webhookApi.endpoint.logGroup.logGroupName, 'Access log of the webhook API'],
    ReadAccessLogGroup: [from.readApi.endpoint.logGroup.logGroupName, 'Access log of the read API'],
  };
  for (const [key, [value, description]] of Object.entries(outputs)) {
    if (value !== undefined) new CfnOutput(scope, key, { value, description }).overrideLogicalId(key);
  }
}
