import { isSuppressing } from '../../lambdas/domain/suppression.ts';
import { createTell } from '../answer.ts';
import { ledgerCommand, type PlaceOptions, placeOf, type Run, type World } from '../command.ts';
import { iso } from '../time.ts';
import { checkAddress } from './address.ts';
import { describe, readSuppressions } from './items.ts';
import type { SuppressionsShowLine } from './lines.ts';

const SHOW_EXAMPLES = `
Examples:
  npm run ledger -- suppressions show ada@example.org --env prod
  npm run ledger -- suppressions show ada@example.org --local --json

Exit code: 0 shown, also where there is none; 1 the stack cannot be reached; 2 wrong usage.`;

export const showCommand = (world: World, run: Run) =>
  ledgerCommand('show', 'lists the suppressions of an address')
    .argument('<address>', 'the recipient, in any case')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(run<PlaceOptions>((options, address = '') => show(world, options, address)));

async function show(world: World, options: PlaceOptions, address: string): Promise<number> {
  const recipient = checkAddress(address);
  const target = await world.findTarget(placeOf(options, world.environment));
  const tell = createTell<SuppressionsShowLine>(world, options.json);
  const items = await readSuppressions(target, recipient);
  const suppressed = items.some(isSuppressing);
  const verdict = suppressed ? 'is suppressed' : items.length > 0 ? 'is not suppressed any more' : 'is not suppressed';
  tell({ event: 'recipient', recipient, suppressed }, `${recipient} ${verdict}.`);
  for (const item of items) {
    const { domain, kind, scope, reason, eventKey } = item;
    const active = isSuppressing(item);
    const liftedAt = item.liftedAtMs === null ? null : iso(item.liftedAtMs);
    const times = { since: iso(item.sinceMs), lastAt: iso(item.lastAtMs), liftedAt };
    const lifted = liftedAt === null ? '' : `, lifted ${liftedAt}${active ? ', suppressed again' : ''}`;
    tell(
      { event: 'suppression', domain, kind, scope, reason, ...times, eventKey, active },
      `  ${domain}  ${describe(item)}${reason === null ? '' : ` (${reason})`}  since ${times.since}` +
        `${times.lastAt === times.since ? '' : `, last ${times.lastAt}`}${lifted}  by ${eventKey}`,
    );
  }
  return 0;
}
