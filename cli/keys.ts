import { Command } from 'commander';
import { counted, createTell } from './answer.ts';
import {
  type CommandBuilder,
  confirm,
  ledgerCommand,
  type PlaceOptions,
  placeOf,
  placeText,
  type Run,
  type World,
} from './command.ts';
import { readEnvironments } from './environments.ts';
import type { KeysRotateLine, KeysSetLine, KeysStatusLine } from './keys/lines.ts';
import { readMailgunKey, replaceMailgunKey } from './keys/mailgun-key.ts';
import { type Sharing, whoShares } from './keys/sharing.ts';
import {
  checkKey,
  fingerprint,
  readApiKey,
  readSigningKeys,
  withCurrent,
  writeApiKey,
  writeSigningKeys,
} from './keys/stored-keys.ts';
import { readVerified } from './keys/verified.ts';
import { openMailgun } from './mailgun.ts';
import { OutOfReach, type Place } from './target.ts';
import { iso } from './time.ts';
import { WrongInput } from './wrong-input.ts';

interface SetOptions extends PlaceOptions {
  readonly parent?: boolean;
  readonly apiKey?: boolean;
  readonly fromMailgun?: boolean;
  readonly alone?: boolean;
}

interface RotateOptions extends PlaceOptions {
  readonly yes?: boolean;
  readonly plan?: boolean;
}

const HOUR_MS = 3_600_000;

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

const ROTATE_EXAMPLES = `
Mailgun knows no overlap: from the moment the key is replaced, new webhooks carry the new signature only. Retries of
earlier webhooks may carry the old one, so it stays as previous. Between Mailgun's change and ours, webhooks are answered
401: Mailgun repeats them, except delivered ones, which reconciliation brings. The order is:
  1. this command, which replaces the key at Mailgun and sets it here, one right after the other
  2. keys set --from-mailgun for every other environment of the same Mailgun account, at once
  3. keys status, until previous has verified nothing for 8 hours
  4. never while an incident is open, unless the key itself is the incident

Examples:
  npm run ledger -- keys rotate --env prod --plan
  npm run ledger -- keys rotate --env prod

Exit code: 0 rotated, or planned; 1 it could not be; 2 wrong usage, or nobody said yes.`;

const STATUS_EXAMPLES = `
Examples:
  npm run ledger -- keys status --env prod
  npm run ledger -- keys status --local --json

Exit code: 0 a signing key and an API key are set; 1 one of them is not, or nothing can be read; 2 wrong usage.`;

export const keysCommand: CommandBuilder = (world, run) =>
  new Command('keys')
    .summary("sets and rotates Mailgun's signing keys and API key")
    .description("Sets and rotates Mailgun's signing keys and API key.")
    .addCommand(setCommand(world, run))
    .addCommand(rotateCommand(world, run))
    .addCommand(statusCommand(world, run));

const setCommand = (world: World, run: Run) =>
  ledgerCommand('set', 'sets the HTTP webhook signing key, read from standard input')
    .option('--from-mailgun', "reads the key that Mailgun signs with from Mailgun's API instead")
    .option('--parent', 'sets the key of the parent account, which signs the events of subaccounts too')
    .option('--api-key', 'sets the API key that reconciliation reads events with')
    .option('--alone', 'forgets the previous signing key, so that nothing it signed is taken any more')
    .addHelpText('after', SET_EXAMPLES)
    .action(run<SetOptions>((options) => set(world, options)));

const rotateCommand = (world: World, run: Run) =>
  ledgerCommand('rotate', 'has Mailgun make a new signing key, and sets it')
    .option('--plan', 'only says which environments it concerns')
    .option('--yes', 'does not ask')
    .addHelpText('after', ROTATE_EXAMPLES)
    .action(run<RotateOptions>((options) => rotate(world, options)));

const statusCommand = (world: World, run: Run) =>
  ledgerCommand('status', "says which keys are set, and which of them verified the last hour's webhooks")
    .addHelpText('after', STATUS_EXAMPLES)
    .action(run<PlaceOptions>((options) => status(world, options)));

async function set(world: World, options: SetOptions): Promise<number> {
  const { parent, apiKey, fromMailgun, alone } = options;
  if (parent && apiKey) throw new WrongInput('--parent and --api-key exclude each other');
  if (alone && (parent || apiKey)) throw new WrongInput('--alone is for the signing key only');
  if (fromMailgun && (parent || apiKey)) throw new WrongInput('--from-mailgun reads the signing key only');
  const target = await world.findTarget(placeOf(options, world.environment));
  const tell = createTell<KeysSetLine>(world, options.json);
  const told = (line: Omit<KeysSetLine, 'event'>, what: string) => {
    const became = line.changed && line.key === 'current' && line.previous ? `; ${line.previous} is previous now` : '';
    const text = line.changed
      ? `is set${alone ? ', alone' : became}. Functions take it within 5 minutes.`
      : 'was set already; nothing changed.';
    tell({ event: 'set', ...line }, `${what} ${line.fingerprint} ${text}`);
    return 0;
  };

  if (apiKey) {
    const key = checkKey(await world.readInput('Mailgun API key'), 'api');
    const { apiKey: before } = await readApiKey(target);
    if (before !== key) await writeApiKey(target, key);
    return told({ key: 'apiKey', fingerprint: fingerprint(key), changed: before !== key, previous: null }, 'API key');
  }
  const key = fromMailgun
    ? await readMailgunKey(await openMailgun(target), target)
    : checkKey(await world.readInput('HTTP webhook signing key'), 'signing');
  const { keys } = await readSigningKeys(target);
  const next = parent ? (keys.parent === key ? undefined : { ...keys, parent: key }) : withCurrent(keys, key, alone);
  if (next !== undefined) await writeSigningKeys(target, next);
  const previous = (next ?? keys).previous;
  return told(
    {
      key: parent ? 'parent' : 'current',
      fingerprint: fingerprint(key),
      changed: next !== undefined,
      previous: previous === undefined ? null : fingerprint(previous),
    },
    parent ? 'Parent signing key' : 'Signing key',
  );
}

async function rotate(world: World, options: RotateOptions): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  const tell = createTell<KeysRotateLine>(world, options.json);
  const { keys: before } = await readSigningKeys(target);
  const others = await whoShares(before.current, otherEnvironments(target.place), world.findTarget);
  for (const sharing of others) {
    const command = `npm run ledger -- keys set --env ${sharing.name} --from-mailgun`;
    tell({ event: 'environment', ...sharing, command }, sharingText(sharing, command));
  }
  const concerned = others.filter(({ shares }) => shares !== 'no').length;
  tell({ event: 'planned', others: concerned }, concerned === 0 ? 'No other environment is concerned.' : '');
  if (options.plan) return 0;

  const ask = await openMailgun(target);
  const atMailgun = await readMailgunKey(ask, target);
  const question = `Replace the signing key ${fingerprint(atMailgun)} at Mailgun? The old one signs nothing from then on.`;
  await confirm(world, options.yes, question);
  await replaceMailgunKey(ask, target);
  const key = await readMailgunKey(ask, target).catch((cause) => {
    const command = `npm run ledger -- keys set ${placeText(target.place)} --from-mailgun`;
    throw new OutOfReach(`the key is replaced at Mailgun, but not here: run ${command} (${cause.message})`, { cause });
  });
  // What Mailgun signed with is what its retries may carry, whatever stood here.
  const { current: _current, ...rest } = before;
  await writeSigningKeys(target, { ...rest, current: key, previous: atMailgun });
  tell(
    { event: 'rotated', fingerprint: fingerprint(key), previous: fingerprint(atMailgun) },
    `The signing key is ${fingerprint(key)} now, at Mailgun and here; ${fingerprint(atMailgun)} is previous.`,
    ...(concerned > 0 ? ['Now set it in the other environments named above.'] : []),
  );
  return 0;
}

/** The local stack is one of a kind. */
function otherEnvironments(place: Place): string[] {
  if (place.kind === 'local') return [];
  return Object.keys(readEnvironments()).filter((name) => name !== place.environment);
}

function sharingText({ name, shares, why }: Sharing, command: string): string {
  if (shares === 'yes') return `${name}: has the same key. Right after this one, run: ${command}`;
  if (shares === 'no') return `${name}: has another key, and is not concerned.`;
  return `${name}: not known (${why}). If it belongs to the same Mailgun account, run: ${command}`;
}

async function status(world: World, options: PlaceOptions): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  const tell = createTell<KeysStatusLine>(world, options.json);
  const [signing, api] = await Promise.all([readSigningKeys(target), readApiKey(target)]);
  tellKey('current', 'current', signing.keys.current, signing.sinceMs);
  tellKey('previous', 'previous', signing.keys.previous, signing.sinceMs);
  tellKey('parent', 'parent', signing.keys.parent, signing.sinceMs);
  tellKey('apiKey', 'API key', api.apiKey, api.sinceMs);

  const sinceMs = world.now() - HOUR_MS;
  const verified = await readVerified(target, sinceMs);
  const { current, previous, parent, unauthorized } = verified;
  tell(
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
    tell({ event: 'key', key, set: value !== undefined, fingerprint: print, since }, `${name.padEnd(10)}${text}`);
  }
}

const usable = (keys: Awaited<ReturnType<typeof readSigningKeys>>['keys'], apiKey: string | undefined) =>
  keys.current !== undefined && apiKey !== undefined;
