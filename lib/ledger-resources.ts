import { Aspects } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { enforceStackRules } from './checks/stack-rules.ts';
import type { Config } from './config/config.ts';
import { OPTIONAL_FUNCTIONS } from './config/optional-functions.ts';
import { processingTimes } from './config/processing-times.ts';
import { Alarms } from './constructs/alarms.ts';
import { CustomerKey, KEY_ACTIONS } from './constructs/customer-key.ts';
import { Dashboard } from './constructs/dashboard.ts';
import { EventQueue } from './constructs/event-queue.ts';
import { EventTable } from './constructs/event-table.ts';
import { Deliver } from './constructs/functions/deliver.ts';
import { Ingest } from './constructs/functions/ingest.ts';
import { Notify } from './constructs/functions/notify.ts';
import { Process } from './constructs/functions/process.ts';
import { Publish } from './constructs/functions/publish.ts';
import { ReadApi } from './constructs/functions/read-api.ts';
import { Reconcile } from './constructs/functions/reconcile.ts';
import { Seal } from './constructs/functions/seal.ts';
import { LogExport } from './constructs/log-export.ts';
import { Budget } from './constructs/monitoring/budget.ts';
import { HealthDashboard } from './constructs/monitoring/health-dashboard.ts';
import type { CommandLine } from './constructs/monitoring/ledger-alarm.ts';
import { Topics } from './constructs/monitoring/topics.ts';
import { KEEP_LOGS } from './constructs/removal.ts';
import { Secrets } from './constructs/secrets.ts';
import { TableBackup } from './constructs/table-backup.ts';
import { WebhookApi } from './constructs/webhook-api.ts';
import { type OutputSources, writeOutputs } from './outputs.ts';

/** The parts of a ledger, once it is built. */
interface LedgerResources extends OutputSources {
  readonly alarms: Alarms['alarms'];
}

/** Builds the constructs of a ledger in a scope, connects them, and returns them. */
export function buildLedger(scope: Construct, config: Config, commandLine: CommandLine): LedgerResources {
  const times = processingTimes(config.processing);
  if (config.keepLogs) Aspects.of(scope).add(KEEP_LOGS);
  const customerKey = config.customerKey ? new CustomerKey(scope, 'CustomerKey', config).key : undefined;

  const { table } = new EventTable(scope, 'Table', config);
  const { weeklyBackupDays: keptDays } = config.table;
  if (keptDays !== undefined) new TableBackup(scope, 'TableBackup', { table, keptDays, customerKey });
  const secrets = new Secrets(scope, 'Secrets', config);
  const queue = new EventQueue(scope, 'Events', times);

  const ingest = new Ingest(scope, 'Ingest', { config, table, queue: queue.queue, signingKeys: secrets.signingKeys });
  const { erasureKey, subjectKey } = secrets;
  const process = new Process(scope, 'Process', { config, table, queue, erasureKey, times });
  const webhookApi = new WebhookApi(scope, 'WebhookApi', { config, ingest: ingest.function });
  const reconcile = new Reconcile(scope, 'Reconcile', {
    config,
    table,
    queue: queue.queue,
    apiKey: secrets.apiKey,
    erasureKey,
    webhookUrl: webhookApi.url,
  });
  const publish = OPTIONAL_FUNCTIONS.publish(config)
    ? new Publish(scope, 'Publish', { config, table, erasureKey, subjectKey })
    : undefined;
  const deliver = OPTIONAL_FUNCTIONS.deliver(config)
    ? new Deliver(scope, 'Deliver', { config, table, erasureKey })
    : undefined;
  // A logged delivery must find its rule.
  if (deliver) publish?.function.node.addDependency(deliver);
  // A deploy may change how statuses are stored, and publish passes over what it cannot read.
  if (publish) process.function.node.addDependency(publish.function);
  const seal = OPTIONAL_FUNCTIONS.seal(config) ? new Seal(scope, 'Seal', { config, table, erasureKey }) : undefined;
  const readApi = new ReadApi(scope, 'ReadApi', { config, table, queue, apiToken: secrets.apiToken });
  if (seal) readApi.readArchive(seal.bucket, erasureKey);
  if (deliver) readApi.showReceivers(deliver.receivers);

  const dashboard = config.dashboard.enabled
    ? new Dashboard(scope, 'Dashboard', {
        apiUrl: readApi.endpoint.baseUrl,
        customDomain: config.customDomain.dashboard,
        target: commandLine.target,
        logRetentionDays: config.retentionDays.logs,
        customerKey,
      })
    : undefined;
  if (dashboard) readApi.allowOrigin(dashboard.url);

  const topics = new Topics(scope, 'Topics', config.alarms);
  const notify = OPTIONAL_FUNCTIONS.notify(config) ? new Notify(scope, 'Notify', { config, table, topics }) : undefined;
  const watched = {
    table,
    queue,
    process,
    publishing: publish,
    webhookApi,
    readApi,
    times: config.reconcile,
    delivering: deliver,
    notify: notify?.function,
    seals: seal !== undefined,
    providers: config.alarms.providers,
  };
  const { runbookUrl, limits, monthlyDollars } = config.alarms;
  if (monthlyDollars) new Budget(scope, 'Budget', { monthlyDollars, topic: topics.ticket });
  const alarms = new Alarms(scope, 'Alarms', { ...watched, runbookUrl, commandLine, topics, limits });
  readApi.showAlarms(alarms.names);
  // The schedule starts at once, so reconcile has run when its alarm is first evaluated.
  alarms.node.addDependency(reconcile);
  if (seal) alarms.node.addDependency(seal);
  new HealthDashboard(scope, 'Health', { ...watched, alarms: alarms.alarms });

  if (config.exportLogsTo) new LogExport(scope, 'LogExport', config.exportLogsTo);

  enforceStackRules(scope);
  const functions = { ingest, process, reconcile, publish, deliver, seal, readApi, notify };
  if (customerKey) for (const each of Object.values(functions)) each?.function.allow(KEY_ACTIONS, customerKey.keyArn);
  const resources = { table, secrets, queue, ...functions, webhookApi, dashboard, topics, customerKey };
  writeOutputs(scope, config, resources);
  return { ...resources, alarms: alarms.alarms };
}
