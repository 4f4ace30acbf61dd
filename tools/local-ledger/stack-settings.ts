import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseEngine, type EngineChoice, type EngineWish, engineNamed } from '../local-stack/engines/choose-engine.ts';
import type { Disposables } from '../local-stack/run/disposables.ts';
import { openRun, type StackRun } from '../local-stack/run/run.ts';
import { type Assembly, synthesizeApp } from '../local-stack/template/synthesize.ts';
import type { RunValues } from './options/run-values.ts';
import { DEFAULT_PORT } from './options/send-arguments.ts';

// Everything about this product that the local stack, which knows only templates, has to know.

export const PROJECT_ROOT = join(import.meta.dirname, '../..');

/** Files of every run by its webhook port: its log, and while it runs its ready line. */
const RUNS_FOLDER = join(PROJECT_ROOT, '.local');

/** Outputs that locate the stack's parts. */
export const OUTPUTS = {
  webhookUrl: 'WebhookUrl',
  apiUrl: 'ApiUrl',
  webhookEventTypes: 'WebhookEventTypes',
  queueUrl: 'QueueUrl',
  deadLettersUrl: 'DeadLettersUrl',
  signingKeys: 'SigningKeysSecretArn',
  apiKey: 'ApiKeySecretArn',
  apiToken: 'ApiTokenSecretArn',
  reconcileFunction: 'ReconcileFunctionName',
  receivers: 'Receivers',
  sealFunction: 'SealFunctionName',
  archiveBucket: 'ArchiveBucketName',
} as const;

/** Bundles of functions, which all configurations share. */
export const BUNDLES_FOLDER = join(RUNS_FOLDER, 'bundles');

/** The functions' own metrics. */
export const OWN_METRICS = {
  namespace: 'MailgunLedger',
  dimensions: [['Ledger'], ['Ledger', 'Reason'], ['Ledger', 'Provider']],
};

/** Opens a run that other commands find by its webhook port. */
export function openLedgerRun(port: number, disposables: Disposables): Promise<StackRun> {
  return openRun({ port, folder: RUNS_FOLDER, name: 'mailgun-ledger' }, disposables);
}

/** Returns the options that target a run with the operator's commands. */
export function commandTarget({ mainListener: { port } }: Pick<StackRun, 'mainListener'>): string {
  return port === DEFAULT_PORT ? '--local' : `--local --port ${port}`;
}

/** Chooses the database engine: the requested one, else that of `LEDGER_ENGINE`, else the first that can run here. */
export function chooseTableEngine(wish: EngineWish, environment = process.env): Promise<EngineChoice> {
  return chooseEngine({ ...wish, name: wish.name ?? engineNamed(environment.LEDGER_ENGINE, 'LEDGER_ENGINE') });
}

const readCdkJson = async () => JSON.parse(await readFile(join(PROJECT_ROOT, 'cdk.json'), 'utf8'));

/** Returns the origins that `dev` allows: an overlay replaces lists, so it must repeat them to add one. */
export async function devOrigins(): Promise<readonly string[]> {
  const { context } = await readCdkJson();
  return context.environments.dev.origins ?? [];
}

/** Synthesizes the stack, with `overlay` merged over the configuration of `dev`. */
export async function synthesizeLedger(run: StackRun, overlay: unknown, values: RunValues = {}): Promise<Assembly> {
  const { app, context } = await readCdkJson();
  return synthesizeApp(
    {
      folder: PROJECT_ROOT,
      command: app,
      context: { ...context, env: 'dev', overlay },
      // Checks before a deploy would delay every start.
      environment: { LEDGER_SYNTH: 'unchecked', LEDGER_BUNDLES: BUNDLES_FOLDER },
      kept: join(RUNS_FOLDER, 'assemblies'),
      values,
    },
    run,
  );
}
