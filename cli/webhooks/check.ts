import { webhookDrift } from '../../lambdas/domain/webhook-drift.ts';
import { counted, createTell } from '../answer.ts';
import { ledgerCommand, placeOf, type Run, type World } from '../command.ts';
import { openMailgun } from '../mailgun.ts';
import type { WebhooksCheckLine } from './lines.ts';
import { openRegistry } from './registry.ts';
import { DOMAIN_OPTION, type DomainOptions, driftOf, wishOf } from './wish.ts';

const CHECK_EXAMPLES = `
What may be wrong, by kind:
  missing   this stack does not get a type that it wants         webhooks sync adds it
  no-room   the same, and three other URLs are registered        webhooks sync --remove <url>
  double    registered for domain and account, or spelled twice  delete one of both at Mailgun
  foreign   another receiver gets the type too                   fine if it is known; else sync --remove <url>
  unwanted  this stack gets a type that it does not want         delete it at Mailgun, or configure eventTypes

Examples:
  npm run ledger -- webhooks check --env prod
  npm run ledger -- webhooks check --local --json

Exit code: 0 as wanted; 1 something differs, or Mailgun cannot be asked; 2 wrong usage.`;

export const checkCommand = (world: World, run: Run) =>
  ledgerCommand('check', 'says how the webhooks registered at Mailgun differ from what the stack wants')
    .option(...DOMAIN_OPTION)
    .addHelpText('after', CHECK_EXAMPLES)
    .action(run<DomainOptions>((options) => check(world, options)));

async function check(world: World, options: DomainOptions): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  const tell = createTell<WebhooksCheckLine>(world, options.json);
  const wish = wishOf(target, options);
  const registry = openRegistry(await openMailgun(target));
  let drift = 0;
  for (const domain of wish.domains) {
    const found = webhookDrift(await registry.read(domain), wish.url, wish.types);
    for (const each of found) tell(...driftOf(domain, each));
    drift += found.length;
  }
  const types = wish.types.length;
  tell(
    { event: 'checked', domains: wish.domains.length, types, drift },
    drift === 0
      ? `As wanted: ${counted(types, 'type')} of ${counted(wish.domains.length, 'domain')} come to this stack.`
      : `${counted(drift, 'difference')}; --help says what to do about each kind.`,
  );
  return drift === 0 ? 0 : 1;
}
