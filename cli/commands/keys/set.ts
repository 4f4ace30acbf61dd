import { keyFingerprint } from '../../../lambdas/domain/signature.ts';
import { type CliContext, ledgerCommand, openTarget, type Run, type TargetOptions } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { openMailgun, readMailgunKey } from '../../mailgun-client.ts';
import { createEmit } from '../../output.ts';
import { checkKey, readApiKey, readSigningKeys, withCurrent, writeApiKey, writeSigningKeys } from '../../secrets.ts';

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
  npm run ledger -- keys set --local --parent < parent-key.txt

Exit code: 0 set, or it was set already; 1 it cannot be read or written; 2 wrong usage, or no key.`;

export const setCommand = (context: CliContext, run: Run) =>
  ledgerCommand('set', 'sets the HTTP webhook signing key, read from standard input')
    .option('--from-mailgun', "reads the key that Mailgun signs with from Mailgun's API instead")
    .option('--parent', 'sets the key of the parent account, which signs the events of subaccounts too')
    .option('--api-key', 'sets the API key that reconciliation reads events with')
    .option('--alone', 'forgets the previous signing key, so that nothing it signed is taken any more')
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
