import { randomBytes } from 'node:crypto';
import { startAwsEndpoint } from './aws-endpoint.ts';
import { accessKeyIdOf } from './caller.ts';
import { Closers } from './closers.ts';
import { type Controls, createControl, type SigningKeys } from './control.ts';
import { createResources } from './create-resources.ts';
import { createDashboard } from './dashboard.ts';
import { request } from './engines/engine.ts';
import { type Engines, startEngines } from './engines/engines.ts';
import { startEventSources } from './event-source/event-sources.ts';
import { type Fault, FaultSource } from './faults.ts';
import { startFunctions } from './functions.ts';
import { openHttpApis, reserveApiDoors } from './http-api/http-apis.ts';
import { IndexLag } from './index-lag.ts';
import { EventLog } from './mailgun-twin/event-log.ts';
import type { EventData } from './mailgun-twin/event-parts.ts';
import { type MailgunApi, startMailgunApi } from './mailgun-twin/mailgun-api.ts';
import { createRandom } from './mailgun-twin/random.ts';
import type { ReadyInfo } from './ready.ts';
import { type ReconcileChoice, reconcileOverlay, USUAL_RECONCILE } from './reconcile-choice.ts';
import { ReconcileRuns } from './reconcile-runs.ts';
import { keyNamesOf } from './resources.ts';
import { openRun, type Run } from './run.ts';
import { openTwin } from './scenario/open-twin.ts';
import { startSchedules } from './schedules.ts';
import { DEFAULT_PORT } from './send/arguments.ts';
import { outputOf, outputsOf, placeStack } from './stack.ts';
import { createStats } from './stats.ts';
import { devOrigins, synthesize } from './synthesize.ts';
import { isRecord } from './template.ts';
import { UsageMeter } from './usage.ts';

export interface LocalStackOptions {
  /** Webhook port; 0 takes any. */
  readonly port: number;
  readonly domains: readonly string[];
  readonly keys: SigningKeys;
  /** @default what the command line takes without flags */
  readonly reconcile?: ReconcileChoice;
  readonly faults: readonly Fault[];
  /** Keys of the environment that are laid over as well. */
  readonly overlay?: Readonly<Record<string, unknown>>;
  /** With the same seed and the same calls, faults strike the same ones. */
  readonly seed: number;
  /** Told as each phase begins. */
  readonly phase: (name: 'synthesize' | 'engines' | 'functions', about: string) => void;
}

export interface LocalStack extends Controls {
  readonly ready: ReadyInfo;
  readonly logPath: string;
  /** What the twin's API lists. */
  readonly eventLog: EventLog;
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
  const { domains, keys, phase, reconcile = USUAL_RECONCILE } = options;
  const run = await openRun(options.port, closers);
  const eventLog = new EventLog();
  const apiKey = reconcile.apiKey ?? `key-${randomBytes(16).toString('hex')}`;
  const mailgun = await openMailgun(eventLog, apiKey, options, run);
  phase('synthesize', `the dev stack for ${domains.join(', ')}`);
  phase('engines', 'DynamoDB Local, SQS, secrets');
  const dashboardDoor = await run.reserveDoor();
  const origins = [...(await devOrigins()), dashboardDoor.url];
  const [assembly, engines] = await Promise.all([
    synthesize(run, { ...overlayFor(domains, reconcile, mailgun.url, origins), ...options.overlay }),
    startEngines(run),
  ]);

  const usage = new UsageMeter();
  const faults = new FaultSource(options.seed, options.faults);
  const indexLag = new IndexLag(keyNamesOf(assembly.template));
  const awsEndpoint = await startAwsEndpoint({ engines: { ...engines }, usage, faults, indexLag });
  closers.add(() => awsEndpoint.close());
  const doors = await reserveApiDoors(assembly.template, run);
  const stack = placeStack(assembly, {
    region: assembly.region,
    accountId: ACCOUNT_ID,
    awsEndpointUrl: awsEndpoint.url,
    apiUrl: (logicalId) => doors.get(logicalId)?.url ?? '',
  });
  await createResources(stack, engines);
  let signingKey = keys.current;
  const putKeys = async (value: SigningKeys) => {
    await putSecret(engines, outputOf(stack, 'SigningKeysSecretArn'), JSON.stringify(value));
    signingKey = value.current;
  };
  await putKeys(keys);
  await putSecret(engines, outputOf(stack, 'ApiKeySecretArn'), JSON.stringify({ apiKey }));

  phase('functions', 'each bundle in a process of its own');
  const apiUrl = outputOf(stack, 'ApiUrl');
  const target = `--local${run.webhookDoor.port === DEFAULT_PORT ? '' : ` --port ${run.webhookDoor.port}`}`;
  const [functions, dashboard] = await Promise.all([
    startFunctions(stack, assembly, run),
    createDashboard({ apiUrl, target }, run),
  ]);
  dashboardDoor.open(dashboard);
  openHttpApis(stack, doors, functions, run.logbook);
  startEventSources(stack, functions, run);
  const reconcileId = outputOf(stack, 'ReconcileFunctionName');
  const reconcileRuns = new ReconcileRuns(functions.byId(reconcileId));
  startSchedules(
    stack,
    (id, event) => (id === reconcileId ? reconcileRuns.run(event) : functions.byId(id).invoke(event)),
    run,
  );

  const stackStats = createStats(stack, engines.sqs, usage, functions);
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
    signingKey: keys.current,
    domains,
  };
  const sending = new AbortController();
  closers.add(() => sending.abort());
  const twin = openTwin(ready, eventLog, sending.signal);
  mailgun.takeMail({ happen: (happening) => twin.happen({ ...happening, keys: { signing: signingKey } }) });
  run.announce(ready);
  return { ...controls, ready, logPath: run.logbook.path, eventLog, stop: () => closers.close() };
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

async function openMailgun(log: EventLog, apiKey: string, options: LocalStackOptions, run: Run): Promise<MailgunApi> {
  const { domains, seed } = options;
  const api = await startMailgunApi({ log, apiKey, domains, random: createRandom(seed) });
  run.closers.add(() => api.close());
  return api;
}

/** Times are cut short where people would wait for them; everything else is as deployed. */
function overlayFor(
  domains: readonly string[],
  reconcile: ReconcileChoice,
  twinUrl: string,
  origins: readonly string[],
) {
  return {
    domains: domains.map((name) => ({ name, region: 'us' })),
    origins,
    processing: { timeoutSeconds: 3, outageHours: 1 },
    reconcile: reconcileOverlay(reconcile, twinUrl, Date.now()),
  };
}
