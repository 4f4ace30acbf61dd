import type { MailgunAccount } from '../mailgun-twin/account.ts';
import type { EventLog } from '../mailgun-twin/event-log.ts';
import type { MailgunApi } from '../mailgun-twin/mailgun-api.ts';
import { readAlarms } from './alarms/definition.ts';
import { type AlarmNews, startAlarms } from './alarms/start-alarms.ts';
import { Closers } from './closers.ts';
import { createControlApi } from './control-api.ts';
import { type Controls, createControls, type SigningKeys } from './controls.ts';
import { createDashboard } from './dashboard.ts';
import type { EngineName } from './engines/engine-program.ts';
import { chooseTableEngine, startEngines } from './engines/engines.ts';
import type { PublishedEvent } from './engines/events.ts';
import { startEventSources } from './event-source/event-sources.ts';
import type { Fault } from './faults.ts';
import { startFunctions } from './functions.ts';
import { accessLogGroupsOf } from './http-api/definition.ts';
import { openHttpApis, reserveApiDoors } from './http-api/http-apis.ts';
import { openLocalAws } from './local-aws.ts';
import { openLocalMailgun } from './local-mailgun.ts';
import { measureEmbedded } from './metrics/embedded-metrics.ts';
import { readMetricFilters } from './metrics/metric-filters.ts';
import { MetricStore } from './metrics/metric-store.ts';
import { type Overlay, overlayOf, type PublishChoice, publishes } from './overlay.ts';
import type { ReadyInfo } from './ready.ts';
import { type ReconcileChoice, USUAL_RECONCILE } from './reconcile-choice.ts';
import { ReconcileRuns } from './reconcile-runs.ts';
import { openRun } from './run.ts';
import { runValues } from './run-values.ts';
import { startSchedules } from './schedules.ts';
import { outputOf } from './stack.ts';
import { devOrigins, synthesize } from './synthesize.ts';

export interface LocalStackOptions {
  /** Webhook port; 0 takes any. */
  readonly port: number;
  readonly domains: readonly string[];
  /** Undefined: as after a first deploy, neither signing keys nor an API key are put. */
  readonly keys: SigningKeys | undefined;
  /** How changes are published. @default not at all */
  readonly publish?: PublishChoice | undefined;
  /** @default what the command line takes without flags */
  readonly reconcile?: ReconcileChoice;
  /** How long a minute of alarms takes. @default 60 */
  readonly metricPeriodSeconds?: number;
  /** Configuration laid over what the local stack chooses itself. */
  readonly overlay?: Overlay;
  /** Told of every alarm that changes its state. */
  readonly onAlarm?: (news: AlarmNews) => void;
  /** What holds the tables. @default what `LEDGER_ENGINE` says, else the first that can run here */
  readonly engine?: EngineName | undefined;
  readonly faults: readonly Fault[];
  /** With the same seed and the same calls, faults strike the same ones. */
  readonly seed: number;
  /** Told as each phase begins. */
  readonly phase: (name: 'synthesize' | 'engines' | 'functions', about: string) => void;
}

export interface LocalStack extends Controls {
  /** Told of every event that is published. */
  onPublished(listener: (event: PublishedEvent) => void): void;
  readonly ready: ReadyInfo;
  readonly logPath: string;
  /** What the twin's API lists. */
  readonly eventLog: EventLog;
  /** The twin's API. */
  readonly mailgun: MailgunApi;
  /** What the twin signs with. */
  readonly account: MailgunAccount;
  stop(): Promise<void>;
}

/**
 * Runs the template on this machine; resolves when it takes webhooks.
 * Whatever is started is registered with `closers` at once, so that it can be ended at any moment.
 */
export async function startLocalStack(options: LocalStackOptions, closers = new Closers()): Promise<LocalStack> {
  try {
    return await start(options, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function start(options: LocalStackOptions, closers: Closers): Promise<LocalStack> {
  const { domains, keys, seed, phase, reconcile = USUAL_RECONCILE, metricPeriodSeconds = 60 } = options;
  const run = await openRun(options.port, closers);
  const mailgun = await openLocalMailgun({ domains, signingKey: keys?.current, apiKey: reconcile.apiKey, seed }, run);
  const dashboardDoor = await run.reserveDoor();
  const overlay = overlayOf({ ...options, reconcile, metricPeriodSeconds }, await devOrigins());
  const values = runValues(mailgun.api.url, dashboardDoor.url, Date.now());
  const choice = await chooseTableEngine({ name: options.engine, needsStream: publishes(overlay) });
  const { program, because } = choice;

  phase('synthesize', `the dev stack for ${domains.join(', ')}`);
  phase('engines', `${program.title}${because === undefined ? '' : ` (${because})`}, SQS, secrets`);
  const [assembly, engines] = await Promise.all([synthesize(run, overlay, values), startEngines(run, choice)]);

  const minuteMs = metricPeriodSeconds * 1000;
  const metrics = new MetricStore(minuteMs);
  const { measure } = metrics;
  const apiDoors = await reserveApiDoors(assembly.template, run);
  const apiUrlOf = (logicalId: string) => apiDoors.get(logicalId)?.url ?? '';
  const aws = await openLocalAws({ assembly, engines, faults: options.faults, seed, apiUrl: apiUrlOf, measure }, run);
  const { stack } = aws;
  const filters = readMetricFilters(stack, accessLogGroupsOf(stack));
  const alarms = readAlarms(stack, filters, run.target);
  if (keys) {
    await aws.putSecret('SigningKeysSecretArn', JSON.stringify(keys));
    await aws.putSecret('ApiKeySecretArn', JSON.stringify({ apiKey: mailgun.apiKey }));
  }
  mailgun.register(stack);

  phase('functions', 'each bundle in a process of its own');
  run.logbook.listen((line) => measureEmbedded(line, measure));
  const apiUrl = outputOf(stack, 'ApiUrl');
  const [functions, dashboard] = await Promise.all([
    startFunctions(stack, assembly, run, measure),
    createDashboard(apiUrl, run),
  ]);
  dashboardDoor.open(dashboard);
  openHttpApis({ stack, doors: apiDoors, functions, logbook: run.logbook, filters, measure });
  startEventSources(stack, functions, engines, run, measure);
  const reconcileId = outputOf(stack, 'ReconcileFunctionName');
  const reconcileRuns = new ReconcileRuns(functions.byId(reconcileId));
  startSchedules(
    stack,
    (id, event) => (id === reconcileId ? reconcileRuns.run(event) : functions.byId(id).invoke(event)),
    run,
  );

  const onChange = options.onAlarm ?? (() => {});
  const { board, topics } = startAlarms({ stack, alarms, store: metrics, sqs: engines.sqs, run, minuteMs, onChange });
  engines.cloudwatch.show(() => board.overview());
  const controls = createControls({ aws, mailgun, functions, reconcileRuns, board, topics, run });
  const controlDoor = await run.reserveDoor();
  controlDoor.open(createControlApi(controls));
  mailgun.takeMail();

  const apiToken = await aws.readSecret('ApiTokenSecretArn');
  const ready: ReadyInfo = {
    event: 'ready',
    pid: process.pid,
    processes: functions.processes(),
    webhookUrl: outputOf(stack, 'WebhookUrl'),
    apiUrl,
    apiToken,
    controlUrl: controlDoor.url,
    mailgunUrl: reconcile.mailgunUrl ?? mailgun.api.url,
    // Behind the number sign: browsers send that part nowhere.
    dashboardUrl: `${dashboardDoor.url}/#${new URLSearchParams({ token: apiToken, api: apiUrl })}`,
    signingKey: mailgun.account.signingKey,
    domains,
    engine: program.name,
  };
  run.announce(ready);
  return {
    ...controls,
    ready,
    logPath: run.logbook.path,
    eventLog: mailgun.eventLog,
    mailgun: mailgun.api,
    account: mailgun.account,
    onPublished: (listener) => engines.events.onPublished(listener),
    stop: () => closers.close(),
  };
}
