import { randomInt } from 'node:crypto';
import { createTell } from '../answer.ts';
import { confirm, ledgerCommand, type PlaceOptions, placeOf, placeText, type Run, type World } from '../command.ts';
import { putSecret } from '../secret.ts';
import type { TokenRotateLine } from './lines.ts';

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
