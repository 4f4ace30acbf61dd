import { HOUR_MS, MESSAGES, METRICS } from '../../lambdas/contract.ts';
import { keyFingerprint, type SigningKeys } from '../../lambdas/domain/webhooks/signature.ts';
import {
  checkKey,
  openMailgun,
  readApiKey,
  readMailgunKey,
  readSigningKeys,
  refuseParentKey,
  type StoredKeys,
  withCurrent,
  writeApiKey,
  writeSigningKeys,
} from '../access.ts';
import {
  type CliContext,
  type CommandBuilder,
  commandGroup,
  confirm,
  interruptible,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
  targetRefText,
} from '../command.ts';
import { TargetUnavailableError, UnreadableSecretError, UsageError } from '../errors.ts';
import { alarmClock, counted, createEmit, printedCommand, utc } from '../output.ts';
import type { Deployment, LogEntry } from '../target/types.ts';
import { iso } from '../time.ts';
import { MAY_STILL_RING, rotateCommand } from './keys/rotate.ts';

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
      /** Webhooks verified by keys that are no longer set, by fingerprint. */
      others: Readonly<Record<string, number>>;
      /** Webhooks that got a 401: no key matched. */
      unauthorized: number;
    }
  /** The secret holds no JSON object, so every function that needs it fails. */
  | { event: 'unreadable'; key: 'current' | 'apiKey'; why: string; fix: string }
  /** `matches`: true if Mailgun signs with a key that is set here, as `key`; null if Mailgun's key cannot be read. */
  | {
      event: 'mailgun';
      matches: boolean | null;
      key: KeyName | null;
      fingerprint: string | null;
      why: string | null;
    };

type KeyName = 'current' | 'parent' | 'previous';

const NEEDS = `secretsmanager:GetSecretValue and PutSecretValue on the signing keys and the API key; status also
logs:FilterLogEvents; rotate also an API key at Mailgun that may replace the signing key`;

export const keysCommand: CommandBuilder = (context, run) =>
  commandGroup('keys', "set and rotate Mailgun's signing keys and API key", NEEDS)
    .addCommand(setCommand(context, run))
    .addCommand(rotateCommand(context, run))
    .addCommand(statusCommand(context, run));

const STATUS_EXAMPLES = `
For up to five minutes after a rotation, the counts may still be of the old keys.

Examples:
  npm run ledger -- keys status --env prod
  npm run ledger -- keys status --local --json`;

const statusCommand = (context: CliContext, run: Run) =>
  ledgerCommand('status', "show which keys are set, and which of them verified the last hour's webhooks")
    .addHelpText('after', STATUS_EXAMPLES)
    .action(run<TargetOptions>(interruptible(context, (options) => status(context, options))));

async function status(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<KeysStatusLine>(context, options.json);
  let isUnreadable = false;
  const [signing, api] = await Promise.all([
    readSigningKeys(deployment).catch(unreadable<StoredKeys>('current', { keys: {}, sinceMs: undefined })),
    readApiKey(deployment).catch(unreadable('apiKey', { apiKey: undefined, sinceMs: undefined })),
  ]);
  emitKey('current', 'current', signing.keys.current, signing.sinceMs);
  emitKey('previous', 'previous', signing.keys.previous, signing.sinceMs);
  emitKey('parent', 'parent', signing.keys.parent, signing.sinceMs);
  emitKey('apiKey', 'API key', api.apiKey, api.sinceMs);

  const sinceMs = context.now() - HOUR_MS;
  const { byFingerprint, unauthorized } = await countVerified(deployment, sinceMs);
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
  // A secret that is unreadable has its fix above.
  const fix = isUnreadable ? undefined : `npm run ledger -- keys set --from-mailgun ${targetRefText(deployment.ref)}`;
  emit({ event: 'mailgun', ...compared }, comparisonText(compared, fix));
  return usable(signing.keys, api.apiKey) && compared.matches !== false ? 0 : 1;

  function unreadable<Unset>(key: 'current' | 'apiKey', unset: Unset) {
    return (error: unknown): Unset => {
      if (!(error instanceof UnreadableSecretError)) throw error;
      const { problem: why, fix } = error;
      isUnreadable ||= key === 'current';
      emit({ event: 'unreadable', key, why, fix }, `WRONG     ${why}`, `          fix: ${fix}`);
      return unset;
    };
  }

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

function comparisonText({ matches, key, fingerprint, why }: KeyComparison, fix: string | undefined): string {
  if (matches === null) return `Not compared with Mailgun's own key: ${why}.`;
  if (matches && key !== 'previous') return `Mailgun signs with ${fingerprint}, which is set here.`;
  const what = matches ? `only previous here: ${PREVIOUS_ONLY}` : 'NOT set here';
  return `Mailgun signs with ${fingerprint}, which is ${what}${fix === undefined ? '' : `; fix: ${fix}`}`;
}

const PREVIOUS_ONLY = 'webhooks verify until it is removed or replaced';

const usable = (keys: Awaited<ReturnType<typeof readSigningKeys>>['keys'], apiKey: string | undefined) =>
  keys.current !== undefined && apiKey !== undefined;

/** The lines of `keys set --json`; `planned` with --plan only. */
export type KeysSetLine = {
  event: 'planned' | 'set';
  key: 'current' | 'parent' | 'apiKey';
  fingerprint: string;
  /** False where the same key was there. */
  changed: boolean;
  /** The fingerprint of the key that is `previous` now; null without one. */
  previous: string | null;
  /** True if the secret held no JSON object; its content is lost. */
  replacesUnreadable: boolean;
  /** By when signing-key-unusable is OK again; null where there was a key. */
  alarmEndsBy: string | null;
};

/** The alarm's periods keep the last refusals, and missing data is not filled in at once. */
const ALARM_ENDS_MS = 30 * 60_000;

interface SetOptions extends TargetOptions {
  readonly parent?: boolean;
  readonly apiKey?: boolean;
  readonly fromMailgun?: boolean;
  readonly alone?: boolean;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const SET_EXAMPLES = `
The key is read from standard input, never from the command line. Only the first eight hex digits of its SHA-256 are
shown. The current key becomes previous, and still verifies. Setting the same key again changes nothing. Ingest uses a
new signing key within 30 seconds, reconcile a new API key within 5 minutes.
After a leak use --alone: the previous key is removed, and refused within 5 minutes; the parent key stays. If the secret
holds no JSON object, it is replaced after you confirm (--yes). The keys in it are lost, so set a parent key again.

Examples:
  npm run ledger -- keys set --env prod < signing-key.txt
  npm run ledger -- keys set --env prod --from-mailgun
  npm run ledger -- keys set --env prod --from-mailgun --plan
  npm run ledger -- keys set --env prod --from-mailgun --alone
  npm run ledger -- keys set --env prod --api-key < api-key.txt
  npm run ledger -- keys set --local --parent < parent-key.txt`;

const setCommand = (context: CliContext, run: Run) =>
  ledgerCommand('set', 'set the HTTP webhook signing key, read from standard input')
    .option('--from-mailgun', "read the key that Mailgun signs with from Mailgun's API instead")
    .option('--parent', 'set the key of the parent account, which signs the events of subaccounts too')
    .option('--api-key', 'set the API key that reconciliation reads events with')
    .option('--alone', 'remove the previous signing key, so that its signatures are refused')
    .option('--plan', 'only show what would change')
    .option('--yes', 'replace a secret that holds no JSON object without asking')
    .addHelpText('after', SET_EXAMPLES)
    .action(run<SetOptions>((options) => set(context, options)));

async function set(context: CliContext, options: SetOptions): Promise<number> {
  const { parent, apiKey, fromMailgun, alone } = options;
  if (parent && apiKey) throw new UsageError('--parent and --api-key cannot be combined');
  if (alone && (parent || apiKey)) throw new UsageError('--alone is for the signing key only');
  if (fromMailgun && (parent || apiKey)) throw new UsageError('--from-mailgun reads the signing key only');
  const deployment = await openTarget(context, options);
  const emit = createEmit<KeysSetLine>(context, options.json);
  let replacesUnreadable = false;
  let wasUnset = false;
  const lostKeys =
    <Unset>(unset: Unset) =>
    async (error: unknown): Promise<Unset> => {
      if (!(error instanceof UnreadableSecretError)) throw error;
      replacesUnreadable = true;
      const lost = `The secret of the ${apiKey ? 'API key' : 'signing keys'} holds no JSON object; what it holds is lost.`;
      if (options.plan) context.printError(lost);
      else await confirm(context, options.yes, `${lost} Replace it?`);
      return unset;
    };
  const put = async (
    line: Omit<KeysSetLine, 'event' | 'replacesUnreadable' | 'alarmEndsBy'>,
    write: () => Promise<void>,
  ) => {
    if (line.changed && !options.plan) await write();
    const event = options.plan ? 'planned' : 'set';
    const isFirst = line.key === 'current' && wasUnset && line.changed && !options.plan;
    const endsMs = context.now() + ALARM_ENDS_MS;
    const alarmEndsBy = isFirst ? iso(endsMs) : null;
    const ends = isFirst
      ? [`The alarm signing-key-unusable, if it is on, is OK by ${utc(endsMs)}.`, ...alarmClock(deployment)]
      : [];
    // After a leak, for which --alone is, none was refused.
    const isNew = event === 'set' && line.key === 'current' && line.changed && !alone;
    const later = isNew ? [MAY_STILL_RING] : [];
    emit({ event, ...line, replacesUnreadable, alarmEndsBy }, setText(line, options), ...ends, ...later);
    return 0;
  };

  if (apiKey) {
    const key = checkKey(await context.readInput('Mailgun API key'), 'api');
    const { apiKey: before } = await readApiKey(deployment).catch(lostKeys({ apiKey: undefined }));
    const line = { key: 'apiKey', fingerprint: keyFingerprint(key), changed: before !== key, previous: null } as const;
    return put(line, () => writeApiKey(deployment, key));
  }
  const key = fromMailgun
    ? await readMailgunKey(await openMailgun(deployment), deployment)
    : checkKey(await context.readInput('HTTP webhook signing key'), 'signing');
  const { keys } = await readSigningKeys(deployment).catch(lostKeys<{ keys: SigningKeys }>({ keys: {} }));
  if (fromMailgun) refuseParentKey(key, keys, "pipe in the key of the domain's own account instead");
  wasUnset = keys.current === undefined;
  const next = parent ? (keys.parent === key ? undefined : { ...keys, parent: key }) : withCurrent(keys, key, alone);
  const previous = (next ?? keys).previous;
  const line = {
    key: parent ? 'parent' : 'current',
    fingerprint: keyFingerprint(key),
    changed: next !== undefined,
    previous: previous === undefined ? null : keyFingerprint(previous),
  } as const;
  return put(line, () => writeSigningKeys(deployment, next ?? keys));
}

const KEY_NAMES = { current: 'Signing key', parent: 'Parent signing key', apiKey: 'API key' };

function setText(
  { key, fingerprint, changed, previous }: Omit<KeysSetLine, 'event' | 'replacesUnreadable' | 'alarmEndsBy'>,
  { alone, plan }: SetOptions,
): string {
  const what = `${KEY_NAMES[key]} ${fingerprint}`;
  if (!changed) return `${what} was set already; nothing changed.`;
  const became = key === 'current' && previous !== null ? `, and ${previous} becomes previous` : '';
  const how = alone ? ', alone' : became;
  if (plan) return `Plan: ${what} would be set${how}. Nothing was changed.`;
  const taken = key === 'apiKey' ? 'Reconcile takes it within 5 minutes.' : 'Ingest takes it within 30 seconds.';
  // A key that fits is not looked up again before the cache ends.
  const refused = alone ? ' The previous key is refused within 5 minutes.' : '';
  return `${what} is set${how}. ${taken}${refused}`;
}

/** Webhooks by the key that verified them, and the number that no key verified. */
interface Verified {
  readonly byFingerprint: Map<string, number>;
  readonly unauthorized: number;
}

/** Key name for webhooks acknowledged before lines named one. */
const UNKNOWN_KEY = 'unknown';

/**
 * Counts the webhooks that were taken since a time by the fingerprint of the key that verified them. Ingest logs each
 * webhook of another key than the current one, and the current key itself every ten minutes: what the access log holds
 * besides belongs to the current key of that time.
 */
async function countVerified(deployment: Deployment, sinceMs: number): Promise<Verified> {
  const [access, current, others, refused] = await Promise.all([
    deployment.logs('webhook-access', sinceMs),
    deployment.logs('ingest', sinceMs, { message: MESSAGES.verifiedByCurrentKey }),
    deployment.logs('ingest', sinceMs, { message: MESSAGES.verifiedByAnotherKey }),
    deployment.logs('ingest', sinceMs, { message: MESSAGES.refused }),
  ]);
  const byFingerprint = new Map<string, number>();
  const add = (fingerprint: string, count: number) =>
    byFingerprint.set(fingerprint, (byFingerprint.get(fingerprint) ?? 0) + count);
  for (const { facts } of others) add(String(facts.fingerprint ?? UNKNOWN_KEY), 1);
  const taken = access.filter(({ facts }) => String(facts.status) === '200');
  const ofCurrent = taken.map(({ atMs }) => currentKeyAt(atMs, current));
  // The access log does not say which of its webhooks another key verified; as many are left out.
  for (const fingerprint of ofCurrent.slice(others.length)) add(fingerprint, 1);
  return { byFingerprint, unauthorized: unauthorizedIn(refused) };
}

/** Returns the number of webhooks that no key verified, from ingest's log; during a flood, one line stands for many. */
export const unauthorizedIn = (lines: readonly LogEntry[]): number =>
  lines
    .filter(({ facts }) => facts.reason === 'unauthorized')
    .reduce((sum, { facts }) => sum + Number(facts[METRICS.refused] ?? 1), 0);

/** Returns the key of the latest line up to that time, or of the first line after it. */
function currentKeyAt(atMs: number, lines: readonly LogEntry[]): string {
  const line = lines.findLast((each) => each.atMs <= atMs) ?? lines[0];
  return String(line?.facts.fingerprint ?? UNKNOWN_KEY);
}

/**
 * `matches`: true if Mailgun signs with a key that is set here, as `key`; null, with the reason, if Mailgun's key cannot
 * be read.
 */
interface KeyComparison {
  readonly matches: boolean | null;
  readonly key: KeyName | null;
  readonly fingerprint: string | null;
  readonly why: string | null;
}

/** Compares Mailgun's own signing key with those that are set; a key of role Analyst may not read it. */
async function compareWithMailgun(deployment: Deployment, keys: SigningKeys): Promise<KeyComparison> {
  try {
    const atMailgun = await readMailgunKey(await openMailgun(deployment), deployment);
    const key = (['current', 'parent', 'previous'] as const).find((name) => keys[name] === atMailgun) ?? null;
    return { matches: key !== null, key, fingerprint: keyFingerprint(atMailgun), why: null };
  } catch (error) {
    if (!(error instanceof TargetUnavailableError)) throw error;
    return { matches: null, key: null, fingerprint: null, why: error.message };
  }
}

/** A comparison of the signing key with Mailgun's, in the words of doctor and status. */
type SigningKeyFinding =
  | { readonly state: 'wrong' | 'warning'; readonly says: string; readonly fix: string }
  /** `matches` is null where Mailgun's own key cannot be read. */
  | {
      readonly state?: undefined;
      readonly keys: SigningKeys;
      readonly own: string;
      readonly comparison: KeyComparison;
    };

/** Judges the signing key that is set; throws where the secret cannot be read. */
export async function judgeSigningKey(deployment: Deployment): Promise<SigningKeyFinding> {
  const run = (command: string) => printedCommand(deployment, command);
  const { keys } = await readSigningKeys(deployment);
  if (keys.current === undefined) {
    const says = 'not set: every webhook gets 503';
    return { state: 'wrong', says, fix: `${run('keys set')} < signing-key.txt` };
  }
  const own = `current ${keyFingerprint(keys.current)}`;
  const comparison = await compareWithMailgun(deployment, keys);
  const fix = run('keys set --from-mailgun');
  const differs = `${own}, and Mailgun signs with ${comparison.fingerprint}`;
  if (comparison.key === 'previous') {
    return { state: 'warning', says: `${differs}, which is only previous: ${PREVIOUS_ONLY}`, fix };
  }
  if (comparison.matches !== false) return { keys, own, comparison };
  const says = `${differs}: every webhook gets 401 once ingest reads this key, within 5 minutes`;
  return { state: 'wrong', says, fix };
}
