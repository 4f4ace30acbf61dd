import { confirm, ledgerCommand, type PlaceOptions, placeOf, placeText, type Run, type World } from '../../command.ts';
import { OutOfReach } from '../../errors.ts';
import { openMailgun, readMailgunKey, replaceMailgunKey } from '../../mailgun-client.ts';
import { createTell } from '../../output.ts';
import { fingerprint, readSigningKeys, writeSigningKeys } from '../../secrets.ts';
import { readEnvironments } from '../../target/environments.ts';
import type { Place, Target } from '../../target/types.ts';

/** The lines of `keys rotate --json`. */
export type KeysRotateLine =
  | { event: 'environment'; name: string; shares: 'yes' | 'no' | 'unknown'; why: string | null; command: string }
  /** How many other environments have the same key, or may have. */
  | { event: 'planned'; others: number }
  | { event: 'rotated'; fingerprint: string; previous: string | null };

interface RotateOptions extends PlaceOptions {
  readonly yes?: boolean;
  readonly plan?: boolean;
}

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

export const rotateCommand = (world: World, run: Run) =>
  ledgerCommand('rotate', 'has Mailgun make a new signing key, and sets it')
    .option('--plan', 'only says which environments it concerns')
    .option('--yes', 'does not ask')
    .addHelpText('after', ROTATE_EXAMPLES)
    .action(run<RotateOptions>((options) => rotate(world, options)));

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

/** Whether another environment verifies with the same key, so that it must learn of a new one. */
export interface Sharing {
  readonly name: string;
  readonly shares: 'yes' | 'no' | 'unknown';
  /** Why it is not known. */
  readonly why: string | null;
}

/**
 * cdk.json does not say which Mailgun account an environment belongs to. Those of one account have one signing key,
 * so the keys tell, where they can be read.
 */
export async function whoShares(
  current: string | undefined,
  names: readonly string[],
  findTarget: (place: Place) => Promise<Target>,
): Promise<Sharing[]> {
  return Promise.all(
    names.map(async (name): Promise<Sharing> => {
      try {
        const { keys } = await readSigningKeys(await findTarget({ kind: 'aws', environment: name }));
        const isSame = current !== undefined && [keys.current, keys.parent].includes(current);
        return { name, shares: isSame ? 'yes' : 'no', why: null };
      } catch (error) {
        if (!(error instanceof OutOfReach)) throw error;
        return { name, shares: 'unknown', why: error.message };
      }
    }),
  );
}
