import { createTell } from '../answer.ts';
import { ledgerCommand, type PlaceOptions, placeOf, placeText, type Run, type World } from '../command.ts';
import { readSecret } from '../secret.ts';
import { OutOfReach } from '../target.ts';
import type { TokenShowLine } from './lines.ts';

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
