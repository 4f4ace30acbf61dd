import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import {
  type CommandBuilder,
  confirm,
  ledgerCommand,
  type PlaceOptions,
  placeOf,
  placeText,
  type Run,
  type World,
} from '../command.ts';
import { OutOfReach } from '../errors.ts';
import { createTell } from '../output.ts';
import { putSecret, readSecret } from '../secrets.ts';

/** The line of `token show --json`. */
export type TokenShowLine = { event: 'token'; token: string };

/** The line of `token rotate --json`, which does not hold the token. */
export type TokenRotateLine = { event: 'rotated'; refusedWithinSeconds: number };

export const tokenCommand: CommandBuilder = (world, run) =>
  new Command('token')
    .summary("shows or replaces the read API's token")
    .description("Shows or replaces the read API's token.")
    .addCommand(showCommand(world, run))
    .addCommand(rotateCommand(world, run));

const SHOW_EXAMPLES = `
Whoever has the token reads every event: do not paste it into tickets or chats.

Examples:
  npm run --silent ledger -- token show --env prod
  curl -H "Authorization: Bearer $(npm run --silent ledger -- token show --env prod)" "$API_URL/mailgun/ledger"

Exit code: 0 shown; 1 it cannot be read; 2 wrong usage.`;

export const showCommand = (world: World, run: Run) =>
  ledgerCommand('show', 'prints the token, and nothing else, to standard output')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(run<PlaceOptions>((options) => show(world, options)));

async function show(world: World, options: PlaceOptions): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  const token = await readSecret(target, 'ApiTokenSecretArn');
  if (token === '') throw new OutOfReach(`the token is empty; make one with: token rotate ${placeText(target.place)}`);
  createTell<TokenShowLine>(world, options.json)({ event: 'token', token }, token);
  return 0;
}

interface RotateOptions extends PlaceOptions {
  readonly yes?: boolean;
}

const LENGTH = 48;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const ROTATE_EXAMPLES = `
The old token is refused within 5 minutes, so whatever reads the API needs the new one: token show.

Examples:
  npm run ledger -- token rotate --env prod
  npm run ledger -- token rotate --local --yes

Exit code: 0 rotated; 1 it cannot be written; 2 wrong usage, or nobody said yes.`;

export const rotateCommand = (world: World, run: Run) =>
  ledgerCommand('rotate', 'makes a new token; the old one is refused within 5 minutes')
    .option('--yes', 'does not ask')
    .addHelpText('after', ROTATE_EXAMPLES)
    .action(run<RotateOptions>((options) => rotate(world, options)));

async function rotate(world: World, options: RotateOptions): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  await confirm(world, options.yes, `Replace the token of ${target.name}? Whatever reads the API needs the new one.`);
  const token = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  await putSecret(target, 'ApiTokenSecretArn', token);
  createTell<TokenRotateLine>(world, options.json)(
    { event: 'rotated', refusedWithinSeconds: 300 },
    'The token is replaced. The old one is refused within 5 minutes.',
    `Show the new one with: npm run --silent ledger -- token show ${placeText(target.place)}`,
  );
  return 0;
}
