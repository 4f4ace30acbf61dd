import { Stack, Token } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type ConfigInput, parseInput } from './config/config.ts';
import { importEventBus } from './constructs/event-bus.ts';
import { buildLedger } from './ledger-resources.ts';

export { ConfigError } from './config/config.ts';

/** The keys of an environment of cdk.json, except what belongs to the stack: account, region and tags. */
export type MailgunLedgerProps = ConfigInput;

/** Receives Mailgun's webhooks, stores each event once and accounts for all of them, as a construct in any stack. */
export class MailgunLedger extends Construct {
  /** Register this at Mailgun. */
  readonly webhookUrl: string;
  /** Base of the read API. */
  readonly apiUrl: string;
  /** Bearer token of the read API. */
  readonly apiToken: Secret;
  /** Undefined unless `dashboard.enabled`. */
  readonly dashboardUrl: string | undefined;
  /** Events, statuses, claims, suppressions and the ledger. */
  readonly table: Table;
  /** Events that could not be stored. */
  readonly deadLetters: Queue;
  /** The bus that changes are published to; undefined unless `publish.enabled`. */
  readonly eventBus: IEventBus | undefined;
  /** The topics that alarms notify: `page` wakes the on-call engineer, `ticket` can wait. */
  readonly topics: { readonly page: Topic; readonly ticket: Topic };
  readonly alarms: readonly Alarm[];

  /** Throws a ConfigError with every mistake in `props`, one line each. */
  constructor(scope: Construct, id: string, props: MailgunLedgerProps) {
    super(scope, id);
    const { stackName } = Stack.of(this);
    // Alarms, metrics and the health dashboard are named after the stack when it is synthesized.
    if (Token.isUnresolved(stackName)) throw new Error(`${this.node.path}: must not be in a nested stack`);
    const config = parseInput(this.node.path, props);
    const resources = buildLedger(this, config, { program: 'npx mailgun-ledger', target: `--stack ${stackName}` });
    this.webhookUrl = resources.webhookApi.url;
    this.apiUrl = resources.readApi.endpoint.baseUrl;
    this.apiToken = resources.secrets.apiToken;
    this.dashboardUrl = resources.dashboard?.url;
    this.table = resources.table;
    this.deadLetters = resources.queue.deadLetters;
    this.eventBus = config.publish.enabled ? importEventBus(this, config.publish.bus) : undefined;
    this.topics = resources.topics;
    this.alarms = resources.alarms;
  }
}
