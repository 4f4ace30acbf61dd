import { keyFingerprint } from '../../lambdas/domain/webhooks/signature.ts';
import { openMailgun, readMailgunKey } from '../access/mailgun-access.ts';
import {
  checkKey,
  readApiKey,
  readSigningKeys,
  withCurrent,
  writeApiKey,
  writeSigningKeys,
} from '../access/secrets.ts';
import {
  type CliContext,
  type CommandBuilder,
  commandGroup,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
} from '../command.ts';
import { UsageError } from '../errors.ts';
import { counted, createEmit } from '../output.ts';
import { iso } from '../time.ts';
import { rotateCommand } from './keys/rotate.ts';
import { compareWithMailgun, type KeyComparison, readVerified } from './keys/verified.ts';

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
      /** By keys that are not set any more, by fingerprint. */
      others: Readonly<Record<string, number>>;
      /** Answered 401: no key matched. */
      unauthorized: number;
    }
  /** Whether Mailgun signs with a key that is set here; null where it cannot be read. */
  | { event: 'mailgun'; matches: boolean | null; fingerprint: string | null; why: string | null };

const NEEDS = `secretsmanager:GetSecretValue and PutSecretValue on the signing keys and the API key; status also
logs:FilterLogEvents; rotate also an API key at Mailgun that may replace the signing key`;

export const keysCommand: CommandBuilder = (context, run) =>
  commandGroup('keys', "set and rotate Mailgun's signing keys and API key", NEEDS)
    .addCommand(setCommand(context, run))
    .addCommand(rotateCommand(context, run))
    .addCommand(statusCommand(context, run));

const HOUR_MS = 3_600_000;

const STATUS_EXAMPLES = `
For up to five minutes after a rotation it counts by the keys that ingest still holds.

Examples:
  npm run ledger -- keys status --env prod
  npm run ledger -- keys status --local --json`;

export const statusCommand = (context: CliContext, run: Run) =>
  ledgerCommand('status', "show which keys are set, and which of them verified the last hour's webhooks")
    .addHelpText('after', STATUS_EXAMPLES)
    .action(run<TargetOptions>((options) => status(context, options)));

async function status(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<KeysStatusLine>(context, options.json);
  const [signing, api] = await Promise.all([readSigningKeys(deployment), readApiKey(deployment)]);
  emitKey('current', 'current', signing.keys.current, signing.sinceMs);
  emitKey('previous', 'previous', signing.keys.previous, signing.sinceMs);
  emitKey('parent', 'parent', signing.keys.parent, signing.sinceMs);
  emitKey('apiKey', 'API key', api.apiKey, api.sinceMs);

  const sinceMs = context.now() - HOUR_MS;
  const { byFingerprint, unauthorized } = await readVerified(deployment, sinceMs);
  const take = (key: string | undefined) => {
    const fingerprint = key === undefined ? '' : keyFingerprint(key);
    const count = byFingerprint.get(fingerprint) ?? 0;
    byFingerprint.delete(fingerprint);
    return count;
  };
  const [current, previous, parent] = [signing.keys.current, signing.keys.previous, signing.keys.parent].map(take);
  const verified = { current: current ?? 0, previous: previous ?? 0, parent: parent ?? 0 };
  const others = Object.fromEntries(byFingerprint);
  emit(
    { event: 'verified', since: iso(sinceMs), ...verified, others, unauthorized },
    '',
    `Verified in the last hour: ${counted(verified.current, 'webhook')} by current, ${previous} by previous, ${parent} by parent.`,
    ...Object.entries(others).map(
      ([fingerprint, count]) => `Verified by ${fingerprint}, which is not set any more: ${count}.`,
    ),
    ...(unauthorized > 0 ? [`Refused, because no key matched: ${unauthorized}.`] : []),
  );
  const compared = await compareWithMailgun(deployment, signing.keys);
  emit({ event: 'mailgun', ...compared }, comparisonText(compared));
  return usable(signing.keys, api.apiKey) && compared.matches !== false ? 0 : 1;

  function emitKey(
    key: (KeysStatusLine & { event: 'key' })['key'],
    name: string,
    value: string | undefined,
    ms?: number,
  ) {
    const since = value === undefined || ms === undefined ? null : iso(ms);
    const print = value === undefined ? null : keyFingerprint(value);
    const text = print === null ? 'not set' : `${print}${since === null ? '' : `  secret written ${since}`}`;
    emit({ event: 'key', key, set: value !== undefined, fingerprint: print, since }, `${name.padEnd(10)}${text}`);
  }
}

function comparisonText({ matches, fingerprint, why }: KeyComparison): string {
  if (matches === null) return `Not compared with Mailgun's own key: ${why}.`;
  if (matches) return `Mailgun signs with ${fingerprint}, which is set here.`;
  return `Mailgun signs with ${fingerprint}, which is NOT set here: run keys set --from-mailgun.`;
}

const usable = (keys: Awaited<ReturnType<typeof readSigningKeys>>['keys'], apiKey: string | undefined) =>
  keys.current !== undefined && apiKey !== undefined;

/** The line of `keys set --json`. */
export type KeysSetLine = {
  event: 'set';
  key: 'current' | 'parent' | 'apiKey';
  fingerprint: string;
  /** False where the same key was there. */
  changed: boolean;
  /** Of the key that is `previous` now; null where none is. */
  previous: string | null;
};

interface SetOptions extends TargetOptions {
  readonly parent?: boolean;
  readonly apiKey?: boolean;
  readonly fromMailgun?: boolean;
  readonly alone?: boolean;
}

const SET_EXAMPLES = `
The key is read from standard input, never from the command line, and never shown: only the first eight hex digits of
its SHA-256 are. The key that was current becomes previous, and goes on to verify. Setting the same key again changes
nothing. Functions take a new key within 5 minutes, ingest within 30 seconds where a signature does not match. After a
leak use --alone: the previous key is forgotten, and refused within 5 minutes. The parent key stays.

Examples:
  npm run ledger -- keys set --env prod < signing-key.txt
  npm run ledger -- keys set --env prod --from-mailgun
  npm run ledger -- keys set --env prod --from-mailgun --alone
  npm run ledger -- keys set --env prod --api-key < api-key.txt
  npm run ledger -- keys set --local --parent < parent-key.txt`;

export const setCommand = (context: CliContext, run: Run) =>
  ledgerCommand('set', 'set the HTTP webhook signing key, read from standard input')
    .option('--from-mailgun', "read the key that Mailgun signs with from Mailgun's API instead")
    .option('--parent', 'set the key of the parent account, which signs the events of subaccounts too')
    .option('--api-key', 'set the API key that reconciliation reads events with')
    .option('--alone', 'forget the previous signing key, so that nothing it signed is taken any more')
    .addHelpText('after', SET_EXAMPLES)
    .action(run<SetOptions>((options) => set(context, options)));

async function set(context: CliContext, options: SetOptions): Promise<number> {
  const { parent, apiKey, fromMailgun, alone } = options;
  if (parent && apiKey) throw new UsageError('--parent and --api-key exclude each other');
  if (alone && (parent || apiKey)) throw new UsageError('--alone is for the signing key only');
  if (fromMailgun && (parent || apiKey)) throw new UsageError('--from-mailgun reads the signing key only');
  const deployment = await openTarget(context, options);
  const emit = createEmit<KeysSetLine>(context, options.json);
  const emitSet = (line: Omit<KeysSetLine, 'event'>, what: string) => {
    const became = line.changed && line.key === 'current' && line.previous ? `; ${line.previous} is previous now` : '';
    const text = line.changed
      ? `is set${alone ? ', alone' : became}. Functions take it within 5 minutes.`
      : 'was set already; nothing changed.';
    emit({ event: 'set', ...line }, `${what} ${line.fingerprint} ${text}`);
    return 0;
  };

  if (apiKey) {
    const key = checkKey(await context.readInput('Mailgun API key'), 'api');
    const { apiKey: before } = await readApiKey(deployment);
    if (before !== key) await writeApiKey(deployment, key);
    return emitSet(
      { key: 'apiKey', fingerprint: keyFingerprint(key), changed: before !== key, previous: null },
      'API key',
    );
  }
  const key = fromMailgun
    ? await readMailgunKey(await openMailgun(deployment), deployment)
    : checkKey(await context.readInput('HTTP webhook signing key'), 'signing');
  const { keys } = await readSigningKeys(deployment);
  const next = parent ? (keys.parent === key ? undefined : { ...keys, parent: key }) : withCurrent(keys, key, alone);
  if (next !== undefined) await writeSigningKeys(deployment, next);
  const previous = (next ?? keys).previous;
  return emitSet(
    {
      key: parent ? 'parent' : 'current',
      fingerprint: keyFingerprint(key),
      changed: next !== undefined,
      previous: previous === undefined ? null : keyFingerprint(previous),
    },
    parent ? 'Parent signing key' : 'Signing key',
  );
}
