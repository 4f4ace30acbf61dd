import { createTell } from './answer.ts';
import { type CommandBuilder, ledgerCommand, type PlaceOptions, placeOf, type World } from './command.ts';
import { gatherStatus } from './status/gather.ts';
import type { StatusLine } from './status/lines.ts';
import { statusText } from './status/text.ts';

const EXAMPLES = `
Healthy means: no dead letters, no alarm on, nothing missing of what Mailgun lists, and all of that known.
Missing are events that Mailgun lists and the table lacks; lost are those whose webhook never came, and which
reconciliation brought; unconfirmed are those that Mailgun had not listed after the second look.

Examples:
  npm run ledger -- status --env prod
  npm run ledger -- status --local --json

Exit code: 0 healthy; 1 not healthy, or not known to be; 2 wrong usage.`;

export const statusCommand: CommandBuilder = (world, run) =>
  ledgerCommand('status', 'says on one screen whether all is well')
    .addHelpText('after', EXAMPLES)
    .action(run<PlaceOptions>((options) => status(world, options)));

async function status(world: World, options: PlaceOptions): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  const nowMs = world.now();
  const line = await gatherStatus(target, nowMs);
  createTell<StatusLine>(world, options.json)(line, ...statusText(line, target.name, nowMs));
  return line.health === 'healthy' ? 0 : 1;
}
