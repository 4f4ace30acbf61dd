import type { AlarmNews } from '../local-stack/alarms/start-alarms.ts';
import type { Fault } from '../local-stack/aws/fault-rules.ts';
import type { LocalAws } from '../local-stack/aws/local-aws.ts';
import { createControlApi } from '../local-stack/control-api.ts';
import type { EngineName } from '../local-stack/engines/engine-program.ts';
import type { BusEvent } from '../local-stack/engines/events.ts';
import { Disposables } from '../local-stack/run/disposables.ts';
import { outputOf, outputsOf } from '../local-stack/template/stack.ts';
import type { MailgunAccount } from '../mailgun-twin/api/account.ts';
import type { MailgunApi } from '../mailgun-twin/api/mailgun-api.ts';
import type { EventLog } from '../mailgun-twin/listings/event-log.ts';
import { createRandom } from '../mailgun-twin/random.ts';
import { type ConfigOverlay, configOverlay, type PublishChoice, publishes } from './config-overlay.ts';
import {
  type AcceptedKeys,
  controlRoutes,
  createLedgerControls,
  type LedgerControls,
} from './controls/ledger-controls.ts';
import { ReconcileRuns } from './controls/reconcile-runs.ts';
import { SealRuns } from './controls/seal-runs.ts';
import { createDashboard } from './dashboard.ts';
import { openLocalMailgun } from './local-mailgun.ts';
import { type ReconcileChoice, USUAL_RECONCILE } from './options/reconcile-choice.ts';
import { runValues } from './options/run-values.ts';
import type { ReadyLine } from './ready-line.ts';
import {
  chooseTableEngine,
  commandTarget,
  devOrigins,
  OUTPUTS,
  OWN_METRICS,
  openLedgerRun,
  synthesizeLedger,
} from './stack-settings.ts';

export interface LocalStackOptions {
  /** Webhook port; 0 takes any. */
  readonly port: number;
  readonly domains: readonly string[];
  /** Undefined: sets neither signing keys nor an API key, as after a first deploy. */
  readonly keys: AcceptedKeys | undefined;
  /** Domains whose webhooks are redacted. @default none */
  readonly redactedDomains?: readonly string[];
  /** True if slices are sealed into an archive. @default false */
  readonly archive?: boolean;
  /** How changes are published. @default they are not */
  readonly publish?: PublishChoice | undefined;
  /** URLs of receivers; require `publish`. @default none */
  readonly receivers?: readonly string[] | undefined;
  /** @default as on the command line without flags */
  readonly reconcile?: ReconcileChoice;
  /** Seconds that one minute of alarm time takes. @default 60 */
  readonly metricPeriodSeconds?: number;
  /** Configuration merged over the local stack's own choice. */
  readonly overlay?: ConfigOverlay;
  /** Called on each state change of an alarm. */
  readonly onAlarm?: (news: AlarmNews) => void;
  /** Database engine. @default the one in `LEDGER_ENGINE`, else the first that can run here */
  readonly engine?: EngineName | undefined;
  readonly faults: readonly Fault[];
  /** The same seed and calls give the same faults. */
  readonly seed: number;
  /** Called when each phase begins. */
  readonly phase: (name: 'synthesize' | 'engines' | 'functions', about: string) => void;
}

export interface LocalStack extends LedgerControls {
  /** Calls `listener` with every published event. */
  onPublished(listener: (event: BusEvent) => void): void;
  readonly ready: ReadyLine;
  readonly logPath: string;
  /** Events that the twin's API lists. */
  readonly eventLog: EventLog;
  /** The twin's API. */
  readonly mailgun: MailgunApi;
  /** The twin's account, with its keys. */
  readonly account: MailgunAccount;
  stop(): Promise<void>;
}

/**
 * Runs the template on this machine; resolves when it accepts webhooks. Everything started is registered with
 * `disposables` at once, so that it can be stopped at any moment.
 */
export async function startLocalStack(
  options: LocalStackOptions,
  disposables = new Disposables(),
): Promise<LocalStack> {
  try {
    return await start(options, disposables);
  } catch (error) {
    await disposables.close();
    throw error;
  }
}

async function start(options: LocalStackOptions, disposables: Disposables): Promise<LocalStack> {
  const { domains, keys, seed, phase, faults, reconcile = USUAL_RECONCILE, metricPeriodSeconds = 60 } = options;
  const { redactedDomains = [] } = options;
  const run = await openLedgerRun(options.port, disposables);
  const mailgun = await openLocalMailgun(
    { domains, signingKey: keys?.current, apiKey: reconcile.apiKey, seed, redactedDomains },
    run,
  );
  const dashboardListener = await run.reserveListener();
  const overlay = configOverlay({ ...options, reconcile, metricPeriodSeconds }, await devOrigins());
  const values = runValues(mailgun.api.url, dashboardListener.url, Date.now());
  const engine = await chooseTableEngine({ name: options.engine, needsStream: publishes(overlay) });
  const { program, because } = engine;
  phase('synthesize', `the dev stack for ${domains.join(', ')}`);
  phase('engines', `${program.title}${because === undefined ? '' : ` (${because})`}, SQS, secrets`);

  const assembly = synthesizeLedger(run, overlay, values);
  // The rejection is handled where it is awaited.
  assembly.catch(() => {});
  // Imported late: synth is the longest part of a start.
  const { runTemplate } = await import('../local-stack/run-template.ts');

  let reconcileRuns!: ReconcileRuns;
  let sealRuns: SealRuns | undefined;
  const { aws, functions, controls } = await runTemplate(
    {
      assemble: () => assembly,
      engine,
      listeners: { [OUTPUTS.webhookUrl]: run.mainListener },
      ownMetrics: OWN_METRICS,
      // An alarm's first command must target this run, not the deployed environment.
      describeAlarm: (description) => description.replace(/ --(?:env|stack) \S+$/, ` ${commandTarget(run)}`),
      metricPeriodSeconds,
      faults,
      random: createRandom(seed).next,
      async prepare({ stack, putSecret }) {
        if (keys) {
          await putSecret(OUTPUTS.signingKeys, JSON.stringify(keys));
          await putSecret(OUTPUTS.apiKey, JSON.stringify({ apiKey: mailgun.apiKey }));
        }
        mailgun.register(stack);
        phase('functions', 'each bundle in a process of its own');
      },
      invokeScheduled(functions, stack) {
        const reconcileId = outputOf(stack, OUTPUTS.reconcileFunction);
        reconcileRuns = new ReconcileRuns(functions.byId(reconcileId));
        const sealId = outputsOf(stack)[OUTPUTS.sealFunction];
        sealRuns = sealId === undefined ? undefined : new SealRuns(functions.byId(sealId));
        return (id, event) => {
          const runs = id === reconcileId ? reconcileRuns : id === sealId ? sealRuns : undefined;
          return runs === undefined ? functions.byId(id).invoke(event) : runs.run(event);
        };
      },
      onAlarm: options.onAlarm ?? (() => {}),
    },
    run,
  );
  const { stack, engines } = aws;
  const ledgerControls = createLedgerControls({ aws, controls, mailgun, reconcileRuns, sealRuns });
  const controlListener = await run.reserveListener();
  controlListener.open(createControlApi(controls, controlRoutes(ledgerControls)));
  mailgun.takeMail();

  const apiUrl = outputOf(stack, OUTPUTS.apiUrl);
  dashboardListener.open(createDashboard(apiUrl, run));
  const bucket = outputsOf(stack)[OUTPUTS.archiveBucket];
  const receivers = await readReceivers(aws);
  const apiToken = await aws.readSecret(OUTPUTS.apiToken);
  const ready: ReadyLine = {
    event: 'ready',
    pid: process.pid,
    processes: functions.processes(),
    webhookUrl: outputOf(stack, OUTPUTS.webhookUrl),
    apiUrl,
    apiToken,
    controlUrl: controlListener.url,
    mailgunUrl: reconcile.mailgunUrl ?? mailgun.api.url,
    // After the number sign: browsers do not send that part.
    dashboardUrl: `${dashboardListener.url}/#${new URLSearchParams({ token: apiToken, api: apiUrl })}`,
    signingKey: mailgun.account.signingKey,
    domains,
    engine: program.name,
    ...(bucket !== undefined && { archiveUrl: `${stack.account.awsEndpointUrl}/${bucket}` }),
    ...(receivers.length > 0 && { receivers }),
  };
  run.announce(ready);
  return {
    ...ledgerControls,
    ready,
    logPath: run.logBuffer.path,
    eventLog: mailgun.eventLog,
    mailgun: mailgun.api,
    account: mailgun.account,
    onPublished: (listener) => engines.events.onPublished(listener),
    stop: () => disposables.close(),
  };
}

/** Returns the template's receivers, each with its signing secret. */
function readReceivers({ stack, readSecretOf }: LocalAws): Promise<NonNullable<ReadyLine['receivers']>> {
  const settings = JSON.parse(outputsOf(stack)[OUTPUTS.receivers] ?? '[]') as {
    name: string;
    url: string;
    secretArn: string;
  }[];
  return Promise.all(
    settings.map(async ({ name, url, secretArn }) => {
      const { current } = JSON.parse(await readSecretOf(secretArn)) as { current: string };
      return { name, url, secret: `whsec_${current}` };
    }),
  );
}
