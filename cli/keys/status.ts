import { counted, createTell } from '../answer.ts';
import { ledgerCommand, type PlaceOptions, placeOf, type Run, type World } from '../command.ts';
import { iso } from '../time.ts';
import type { KeysStatusLine } from './lines.ts';
import { fingerprint, readApiKey, readSigningKeys } from './stored-keys.ts';
import { readVerified } from './verified.ts';

const HOUR_MS = 3_600_000;

const STATUS_EXAMPLES = `
Examples:
  npm run ledger -- keys status --env prod
  npm run ledger -- keys status --local --json

Exit code: 0 a signing key and an API key are set; 1 one of them is not, or nothing can be read; 2 wrong usage.`;

export const statusCommand = (world: World, run: Run) =>
  ledgerCommand('status', "says which keys are set, and which of them verified the last hour's webhooks")
    .addHelpText('after', STATUS_EXAMPLES)
    .action(run<PlaceOptions>((options) => status(world, options)));

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
