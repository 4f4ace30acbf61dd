import { compressedLimits } from './alarms/compressed-limits.ts';
import { readAlarms } from './alarms/definition.ts';
import { type AlarmNews, startAlarms } from './alarms/start-alarms.ts';
import { startAwsEndpoint } from './aws-endpoint.ts';
import { accessKeyIdOf } from './caller.ts';
import { Closers } from './closers.ts';
import { type Controls, createControl, type SigningKeys } from './control.ts';
import { createResources } from './create-resources.ts';
import { createDashboard } from './dashboard.ts';
import { request } from './engines/engine.ts';
import { type Engines, startEngines } from './engines/engines.ts';
import type { PublishedEvent } from './engines/events.ts';
import { startEventSources } from './event-source/event-sources.ts';
import { type Fault, FaultSource } from './faults.ts';
import { startFunctions } from './functions.ts';
import { readHttpApis } from './http-api/definition.ts';
import { openHttpApis, reserveApiDoors } from './http-api/http-apis.ts';
import { IndexLag } from './index-lag.ts';
import { type MailgunAccount, newKey } from './mailgun-twin/account.ts';
import { EventLog } from './mailgun-twin/event-log.ts';
import type { EventData } from './mailgun-twin/event-parts.ts';
import { type MailgunApi, startMailgunApi } from './mailgun-twin/mailgun-api.ts';
import { openTwin } from './mailgun-twin/open-twin.ts';
import { createRandom } from './mailgun-twin/random.ts';
import { measureEmbedded } from './metrics/embedded-metrics.ts';
import { readMetricFilters } from './metrics/metric-filters.ts';
import { MetricStore } from './metrics/metric-store.ts';
import type { ReadyInfo } from './ready.ts';
import { type ReconcileChoice, reconcileOverlay, USUAL_RECONCILE } from './reconcile-choice.ts';
import { ReconcileRuns } from './reconcile-runs.ts';
import { keyNamesOf } from './resources.ts';
import { openRun, type Run } from './run.ts';
import { startSchedules } from './schedules.ts';
import { DEFAULT_PORT } from './send/arguments.ts';
import { outputOf, outputsOf, placeStack, type Stack } from './stack.ts';
import { createStats } from './stats.ts';
import { devOrigins, synthesize } from './synthesize.ts';
import { isRecord } from './template.ts';
import { UsageMeter } from './usage.ts';

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
  readonly faults: readonly Fault[];
  /** With the same seed and the same calls, faults strike the same ones. */
  readonly seed: number;
  /** Told as each phase begins. */
  readonly phase: (name: 'synthesize' | 'engines' | 'functions', about: string) => void;
}

export interface PublishChoice {
  /** Whether events name their recipients. */
  readonly recipients?: boolean;
  /** How long a change is tried. */
  readonly retrySeconds?: number;
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

const ACCOUNT_ID = '000000000000';

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
  const {
    domains,
    keys,
    phase,
    publish,
    reconcile = USUAL_RECONCILE,
    metricPeriodSeconds = 60,
    onAlarm = () => {},
  } = options;
  const run = await openRun(options.port, closers);
  const eventLog = new EventLog();
  const apiKey = reconcile.apiKey ?? newKey();
  // An account has a signing key even where the stack does not know it yet.
  const account = { signingKey: keys?.current ?? newKey() };
  const mailgun = await openMailgun({ log: eventLog, apiKey, account }, options, run);
  phase('synthesize', `the dev stack for ${domains.join(', ')}`);
  phase('engines', 'DynamoDB Local, SQS, secrets');
  const dashboardDoor = await run.reserveDoor();
  const origins = [...(await devOrigins()), dashboardDoor.url];
  const [assembly, engines] = await Promise.all([
    synthesize(run, {
      ...layOver(overlayFor(domains, reconcile, metricPeriodSeconds, mailgun.url, origins), options.overlay),
      ...(publish && { publish: { enabled: true, ...publish } }),
    }),
    startEngines(run),
  ]);

  const usage = new UsageMeter();
  const faults = new FaultSource(options.seed, options.faults);
  const indexLag = new IndexLag(keyNamesOf(assembly.template));
  const minuteMs = metricPeriodSeconds * 1000;
  const store = new MetricStore(minuteMs);
  const { measure } = store;
  const awsEndpoint = await startAwsEndpoint({ engines: { ...engines }, usage, faults, indexLag, measure });
  closers.add(() => awsEndpoint.close());
  const doors = await reserveApiDoors(assembly.template, run);
  const stack = placeStack(assembly, {
    region: assembly.region,
    accountId: ACCOUNT_ID,
    awsEndpointUrl: awsEndpoint.url,
    apiUrl: (logicalId) => doors.get(logicalId)?.url ?? '',
  });
  const filters = readMetricFilters(stack, accessLogGroupsOf(stack));
  const alarms = readAlarms(stack, filters);
  await createResources(stack, engines);
  const putKeys = (value: SigningKeys) =>
    putSecret(engines, outputOf(stack, 'SigningKeysSecretArn'), JSON.stringify(value));
  if (keys) {
    await putKeys(keys);
    await putSecret(engines, outputOf(stack, 'ApiKeySecretArn'), JSON.stringify({ apiKey }));
  }
  // As after `webhooks sync`: an ordinary local day has no drift.
  const types = outputOf(stack, 'WebhookEventTypes').split(',');
  for (const domain of domains) mailgun.register(domain, types, outputOf(stack, 'WebhookUrl'));

  phase('functions', 'each bundle in a process of its own');
  run.logbook.listen((line) => measureEmbedded(line, measure));
  const apiUrl = outputOf(stack, 'ApiUrl');
  const target = `--local${run.webhookDoor.port === DEFAULT_PORT ? '' : ` --port ${run.webhookDoor.port}`}`;
  const [functions, dashboard] = await Promise.all([
    startFunctions(stack, assembly, run, measure),
    createDashboard({ apiUrl, target }, run),
  ]);
  dashboardDoor.open(dashboard);
  openHttpApis({ stack, doors, functions, logbook: run.logbook, filters, measure });
  startEventSources(stack, functions, engines, run, measure);
  const reconcileId = outputOf(stack, 'ReconcileFunctionName');
  const reconcileRuns = new ReconcileRuns(functions.byId(reconcileId));
  startSchedules(
    stack,
    (id, event) => (id === reconcileId ? reconcileRuns.run(event) : functions.byId(id).invoke(event)),
    run,
  );

  const { board, topics } = startAlarms({ stack, alarms, store, sqs: engines.sqs, run, minuteMs, onChange: onAlarm });
  const stackStats = createStats(stack, engines.sqs, usage, functions, () => board.states());
  const controls: Controls = {
    place: {
      stackName: assembly.stackName,
      region: assembly.region,
      awsEndpointUrl: awsEndpoint.url,
      accessKeyId: accessKeyIdOf('operator'),
      outputs: outputsOf(stack),
    },
    stats: async () => ({ ...(await stackStats()), mailgun: mailgun.counts(), reconcile: reconcileRuns.sums() }),
    putKeys,
    setFaults: (list) => faults.replace(list),
    logs: () => run.logbook.lines(),
    notifications: () => topics.arrived(),
    setAlarm: (name, state, reason) => board.set(name, state, reason),
    published: () => engines.events.published(),
    reconcile: () => reconcileRuns.byHand(),
    invoke: (functionName, event) => functions.byName(functionName)?.invoke(event),
    misbehave: (nasty) => mailgun.misbehave(nasty),
    list: (events) => {
      for (const data of events) eventLog.add(domainNamed(data) ?? domains[0] ?? '', data);
    },
  };
  const control = await run.reserveDoor();
  control.open(createControl(controls));
  const apiToken = await getSecret(engines, outputOf(stack, 'ApiTokenSecretArn'));
  const ready: ReadyInfo = {
    event: 'ready',
    pid: process.pid,
    processes: functions.processes(),
    webhookUrl: outputOf(stack, 'WebhookUrl'),
    apiUrl,
    apiToken,
    controlUrl: control.url,
    mailgunUrl: reconcile.mailgunUrl ?? mailgun.url,
    // Behind the number sign: browsers send that part nowhere.
    dashboardUrl: `${dashboardDoor.url}/#${new URLSearchParams({ token: apiToken, api: apiUrl })}`,
    signingKey: account.signingKey,
    domains,
  };
  const sending = new AbortController();
  closers.add(() => sending.abort());
  mailgun.takeMail(openTwin(ready, { eventLog, account }, sending.signal));
  run.announce(ready);
  const onPublished = (listener: (event: PublishedEvent) => void) => engines.events.onPublished(listener);
  const stop = () => closers.close();
  return { ...controls, ready, logPath: run.logbook.path, eventLog, mailgun, account, onPublished, stop };
}

function accessLogGroupsOf(stack: Stack): Set<string> {
  return new Set(readHttpApis(stack).flatMap(({ accessLogGroupId }) => accessLogGroupId ?? []));
}

async function putSecret({ secretsmanager }: Engines, SecretId: string, SecretString: string): Promise<void> {
  await request(secretsmanager, 'PutSecretValue', { SecretId, SecretString });
}

async function getSecret({ secretsmanager }: Engines, SecretId: string): Promise<string> {
  return (await request<{ SecretString: string }>(secretsmanager, 'GetSecretValue', { SecretId })).SecretString;
}

function domainNamed({ domain }: EventData): string | undefined {
  return isRecord(domain) && typeof domain.name === 'string' ? domain.name : undefined;
}

async function openMailgun(
  its: { log: EventLog; apiKey: string; account: MailgunAccount },
  { domains, seed }: LocalStackOptions,
  run: Run,
): Promise<MailgunApi> {
  const api = await startMailgunApi({ ...its, domains, random: createRandom(seed) });
  run.closers.add(() => api.close());
  return api;
}

type Overlay = Readonly<Record<string, unknown>>;

/** Times are cut short where people would wait for them; everything else is as deployed. */
function overlayFor(
  domains: readonly string[],
  reconcile: ReconcileChoice,
  metricPeriodSeconds: number,
  twinUrl: string,
  origins: readonly string[],
): Overlay {
  return {
    domains: domains.map((name) => ({ name, region: 'us' })),
    origins,
    processing: { timeoutSeconds: 3, outageHours: 1 },
    reconcile: reconcileOverlay(reconcile, twinUrl, Date.now()),
    alarms: { limits: compressedLimits(metricPeriodSeconds, reconcile.everySeconds) },
  };
}

/** Objects are merged, all else is replaced. */
function layOver(under: Overlay, over: Overlay = {}): Overlay {
  const merged = Object.entries(over).map(([key, value]) => {
    const below = under[key];
    return [key, isRecord(below) && isRecord(value) ? layOver(below, value) : value];
  });
  return { ...under, ...Object.fromEntries(merged) };
}
