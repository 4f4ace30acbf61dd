import { Command } from 'commander';
import { MESSAGES } from '../../lambdas/contract.ts';
import {
  type CliContext,
  type CommandBuilder,
  ledgerCommand,
  type Run,
  type TargetOptions,
  targetRefOf,
} from '../command.ts';
import { counted, createEmit } from '../output.ts';
import { fingerprint, readApiKey, readSigningKeys } from '../secrets.ts';
import type { Deployment, LogEntry } from '../target/types.ts';
import { iso } from '../time.ts';
import { rotateCommand } from './keys/rotate.ts';
import { setCommand } from './keys/set.ts';

/** The lines of `keys status --json`. */
export type KeysStatusLine =
  | {
      event: 'key';
      key: 'current' | 'previous' | 'parent' | 'apiKey';
      set: boolean;
      /** The first eight hex digits of its SHA-256. */
      fingerprint: string | null;
      /** When the secret that holds it was written last. */
      since: string | null;
    }
  | {
      event: 'verified';
      since: string;
      current: number;
      previous: number;
      parent: number;
      /** Answered 401: no key matched. */
      unauthorized: number;
    };

export const keysCommand: CommandBuilder = (context, run) =>
  new Command('keys')
    .summary("sets and rotates Mailgun's signing keys and API key")
    .description("Sets and rotates Mailgun's signing keys and API key.")
    .addCommand(setCommand(context, run))
    .addCommand(rotateCommand(context, run))
    .addCommand(statusCommand(context, run));

const HOUR_MS = 3_600_000;

const STATUS_EXAMPLES = `
Examples:
  npm run ledger -- keys status --env prod
  npm run ledger -- keys status --local --json

Exit code: 0 a signing key and an API key are set; 1 one of them is not, or nothing can be read; 2 wrong usage.`;

export const statusCommand = (context: CliContext, run: Run) =>
  ledgerCommand('status', "says which keys are set, and which of them verified the last hour's webhooks")
    .addHelpText('after', STATUS_EXAMPLES)
    .action(run<TargetOptions>((options) => status(context, options)));

async function status(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await context.openDeployment(targetRefOf(options, context.environment));
  const emit = createEmit<KeysStatusLine>(context, options.json);
  const [signing, api] = await Promise.all([readSigningKeys(deployment), readApiKey(deployment)]);
  tellKey('current', 'current', signing.keys.current, signing.sinceMs);
  tellKey('previous', 'previous', signing.keys.previous, signing.sinceMs);
  tellKey('parent', 'parent', signing.keys.parent, signing.sinceMs);
  tellKey('apiKey', 'API key', api.apiKey, api.sinceMs);

  const sinceMs = context.now() - HOUR_MS;
  const verified = await readVerified(deployment, sinceMs);
  const { current, previous, parent, unauthorized } = verified;
  emit(
    { event: 'verified', since: iso(sinceMs), ...verified },
    '',
    `Taken in the last hour: ${counted(current, 'webhook')} by current, ${previous} by previous, ${parent} by parent.`,
    ...(unauthorized > 0 ? [`Refused, because no key matched: ${unauthorized}.`] : []),
  );
  return usable(signing.keys, api.apiKey) ? 0 : 1;

  function tellKey(
    key: (KeysStatusLine & { event: 'key' })['key'],
    name: string,
    value: string | undefined,
    ms?: number,
  ) {
    const since = value === undefined || ms === undefined ? null : iso(ms);
    const print = value === undefined ? null : fingerprint(value);
    const text = print === null ? 'not set' : `${print}${since === null ? '' : `  secret written ${since}`}`;
    emit({ event: 'key', key, set: value !== undefined, fingerprint: print, since }, `${name.padEnd(10)}${text}`);
  }
}

const usable = (keys: Awaited<ReturnType<typeof readSigningKeys>>['keys'], apiKey: string | undefined) =>
  keys.current !== undefined && apiKey !== undefined;

export interface Verified {
  readonly current: number;
  readonly previous: number;
  readonly parent: number;
  readonly unauthorized: number;
}

/** Which key verified the webhooks that were taken since then. Ingest logs only those of another key than the current. */
export async function readVerified(deployment: Deployment, sinceMs: number): Promise<Verified> {
  const [access, others, refused] = await Promise.all([
    deployment.logs('webhook-access', sinceMs),
    deployment.logs('ingest', sinceMs, MESSAGES.verifiedByAnotherKey),
    deployment.logs('ingest', sinceMs, MESSAGES.refused),
  ]);
  const count = (entries: readonly LogEntry[], name: string, value: string) =>
    entries.filter(({ facts }) => String(facts[name]) === value).length;
  const previous = count(others, 'key', 'previous');
  const parent = count(others, 'key', 'parent');
  return {
    current: Math.max(0, count(access, 'status', '200') - previous - parent),
    previous,
    parent,
    unauthorized: count(refused, 'reason', 'unauthorized'),
  };
}
