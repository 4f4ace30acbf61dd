import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, Stack } from 'aws-cdk-lib';
import { enforceStackRules } from './checks/stack-rules.ts';
import type { Config } from './config/config.ts';
import { processingTimes } from './config/processing-times.ts';
import { Alarms } from './constructs/alarms.ts';
import { Budget } from './constructs/budget.ts';
import { Dashboard } from './constructs/dashboard.ts';
import { EventQueue } from './constructs/event-queue.ts';
import { HealthDashboard } from './constructs/health-dashboard.ts';
import { Ingest } from './constructs/ingest.ts';
import { LedgerTable } from './constructs/ledger-table.ts';
import { Process } from './constructs/process.ts';
import { Publish } from './constructs/publish.ts';
import { ReadApi } from './constructs/read-api.ts';
import { Reconcile } from './constructs/reconcile.ts';
import { Secrets } from './constructs/secrets.ts';
import { Topics } from './constructs/topics.ts';
import { WebhookApi } from './constructs/webhook-api.ts';
import { writeOutputs } from './outputs.ts';

const VERSION: string = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')).version;

/** Mailgun's webhooks, stored once and accounted for: the boxes of the picture and what joins them. */
export class MailgunLedgerStack extends Stack {
  constructor(app: App, config: Config) {
    super(app, `mailgun-ledger-${config.name}`, {
      env: { region: config.region, ...(config.account && { account: config.account }) },
      description: "Mailgun's events, stored once and accounted for",
      terminationProtection: config.protectData,
      tags: { ...config.tags, app: 'mailgun-ledger', env: config.name, version: VERSION },
    });
    const times = processingTimes(config.processing);

    const { table } = new LedgerTable(this, 'Table', config);
    const secrets = new Secrets(this, 'Secrets', config);
    const queue = new EventQueue(this, 'Events', times);

    const ingest = new Ingest(this, 'Ingest', { config, table, queue: queue.queue, signingKeys: secrets.signingKeys });
    const { erasureKey } = secrets;
    const process = new Process(this, 'Process', { config, table, queue, erasureKey, times });
    const webhookApi = new WebhookApi(this, 'WebhookApi', { config, ingest: ingest.function });
    const reconcile = new Reconcile(this, 'Reconcile', {
      config,
      table,
      queue: queue.queue,
      apiKey: secrets.apiKey,
      erasureKey,
      webhookUrl: webhookApi.url,
    });
    const publish = config.publish.enabled ? new Publish(this, 'Publish', { config, table, erasureKey }) : undefined;
    const readApi = new ReadApi(this, 'ReadApi', { config, table, queue, apiToken: secrets.apiToken });

    const dashboard = config.dashboard.enabled
      ? new Dashboard(this, 'Dashboard', {
          apiUrl: readApi.endpoint.baseUrl,
          target: `--env ${config.name}`,
          logRetentionDays: config.retentionDays.logs,
          protectData: config.protectData,
        })
      : undefined;
    if (dashboard) readApi.allowOrigin(dashboard.url);

    const topics = new Topics(this, 'Topics', config.alarms);
    const watched = { table, queue, process, publishing: publish, webhookApi, times: config.reconcile };
    const { runbookUrl, limits, monthlyDollars } = config.alarms;
    if (monthlyDollars) new Budget(this, 'Budget', { monthlyDollars, topic: topics.ticket });
    const alarms = new Alarms(this, 'Alarms', { ...watched, runbookUrl, env: config.name, topics, limits });
    // The schedule begins at once, so reconcile has run when its alarm first looks.
    alarms.node.addDependency(reconcile);
    const health = new HealthDashboard(this, 'Health', { ...watched, alarms: alarms.alarms });

    enforceStackRules(this);
    const functions = { ingest, process, reconcile, publish, readApi };
    writeOutputs(this, config, { table, secrets, queue, ...functions, webhookApi, dashboard, topics, health });
  }
}
