import { domainDriftText } from '../../lambdas/domain/webhooks/domain-drift.ts';
import { type Drift, type DriftKind, webhookDrift } from '../../lambdas/domain/webhooks/webhook-drift.ts';
import {
  type MailgunRequest,
  openMailgun,
  openMailgunToWrite,
  WRITE_KEY_OPTION,
  type WriteKeyOptions,
} from '../access/mailgun-access.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkSendingDomain,
  commandGroup,
  confirm,
  ledgerCommand,
  openTarget,
  type Run,
  repeated,
  type TargetOptions,
  targetRefText,
} from '../command.ts';
import { UsageError } from '../errors.ts';
import { groupBy } from '../group-by.ts';
import { counted, createEmit } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { readDomainDrift } from './webhooks/account-domains.ts';
import { driftFixes } from './webhooks/fixes.ts';
import { openRegistry } from './webhooks/registry.ts';
import {
  additionsToAccount,
  additionsToDomain,
  type Change,
  changeText,
  type DesiredWebhooks,
  doublesOfDomain,
  removalsFromAccount,
  removalsFromDomain,
  type Step,
} from './webhooks/steps.ts';

type DriftLine = {
  event: 'drift';
  domain: string;
  kind: DriftKind;
  type: string;
  level: 'domain' | 'account' | null;
  /** Of URLs that are not this stack's own, which may be secret. */
  url: string | null;
};

/** The lines of `webhooks check --json`. */
export type WebhooksCheckLine = DriftLine | { event: 'checked'; domains: number; types: number; drift: number };

/** The lines of `webhooks sync --json`; with `--plan` what would be done. */
export type WebhooksSyncLine = Change | DriftLine | { event: 'planned' | 'synced'; changes: number; drift: number };

const NEEDS = `secretsmanager:GetSecretValue on the API key, which must be allowed to read webhooks, and for sync to
change them`;

export const webhooksCommand: CommandBuilder = (context, run) =>
  commandGroup('webhooks', 'compare and register the webhooks at Mailgun', NEEDS)
    .addCommand(checkCommand(context, run))
    .addCommand(syncCommand(context, run));

const CHECK_EXAMPLES = `
What may be wrong, by kind:
  missing   this stack does not get a type that it wants         webhooks sync adds it
  no-room   the same, and three other URLs are registered        webhooks sync --remove <url>
  double    registered for domain and account, or spelled twice  webhooks sync --account, or delete one of both
  foreign   another receiver gets the type too                   fine if it is known; else sync --remove <url>
  unwanted  this stack gets a type that it does not want         delete it at Mailgun, or configure eventTypes

Examples:
  npm run ledger -- webhooks check --env prod
  npm run ledger -- webhooks check --local --json`;

export const checkCommand = (context: CliContext, run: Run) =>
  ledgerCommand('check', 'show how the webhooks registered at Mailgun differ from what the stack needs')
    .option(...DOMAIN_OPTION)
    .addHelpText('after', CHECK_EXAMPLES)
    .action(run<DomainOptions>((options) => check(context, options)));

async function check(context: CliContext, options: DomainOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<WebhooksCheckLine>(context, options.json);
  const desired = desiredWebhooks(deployment, options);
  const registry = openRegistry(await openMailgun(deployment));
  const all: Drift[] = [];
  for (const domain of desired.domains) {
    const found = webhookDrift(await registry.read(domain), desired.url, desired.types);
    for (const each of found) emit(...driftOf(domain, each));
    all.push(...found);
  }
  const drift = all.length;
  const run = (command: string) => `npm run ledger -- ${command} ${targetRefText(deployment.ref)}`;
  const types = desired.types.length;
  emit(
    { event: 'checked', domains: desired.domains.length, types, drift },
    drift === 0
      ? `As wanted: ${counted(types, 'type')} of ${counted(desired.domains.length, 'domain')} come to this stack.`
      : `${counted(drift, 'difference')}. What to do:`,
    ...driftFixes(all, run).map((fix, nth) => `  ${nth + 1}. ${fix}`),
  );
  return drift === 0 ? 0 : 1;
}

interface SyncOptions extends DomainOptions, WriteKeyOptions {
  readonly account?: boolean;
  readonly plan?: boolean;
  readonly remove?: readonly string[];
  readonly yes?: boolean;
}

const SYNC_EXAMPLES = `
Adds this stack's URL to each event type that lacks it, and keeps the other URLs. It removes only what --remove names.
Mailgun takes up to 10 minutes to apply a change. URLs that another tool registers meanwhile stay.
With --account it registers the URL once for all domains of the account and its subaccounts, in each region. Run again
after 10 minutes, it takes the URL off the domains, where it is double. Webhooks of domains that are not in the ledger are
refused; those of a subaccount carry the signature of the parent's key too (keys set --parent).

Examples:
  npm run ledger -- webhooks sync --env prod --plan
  npm run ledger -- webhooks sync --env prod
  npm run ledger -- webhooks sync --env prod --account
  npm run ledger -- webhooks sync --env prod --remove https://old.example.com/mailgun --yes`;

export const syncCommand = (context: CliContext, run: Run) =>
  ledgerCommand('sync', "register the stack's URL for every event type that is needed")
    .option(...DOMAIN_OPTION)
    .option('--account', 'register once for the whole account, in place of each domain')
    .option('--plan', 'only show what would be changed')
    .option('--remove <url>', 'take this URL off every type; may be repeated', repeatedUrl)
    .option(...WRITE_KEY_OPTION)
    .option('--yes', 'do not ask before removing')
    .addHelpText('after', SYNC_EXAMPLES)
    .action(run<SyncOptions>((options) => sync(context, options)));

function repeatedUrl(value: string, values?: string[]): string[] {
  if (!URL.canParse(value)) throw new UsageError(`--remove takes a URL, not "${value}"`);
  return repeated(value, values);
}

async function sync(context: CliContext, options: SyncOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<WebhooksSyncLine>(context, options.json);
  const desired = desiredWebhooks(deployment, options);
  const { plan = false, remove = [] } = options;
  for (const url of remove) {
    if (url === desired.url) throw new UsageError("--remove names this stack's own URL");
  }
  if (options.account && options.domain !== undefined) throw new UsageError('--account is for all domains');
  const ask = await (plan ? openMailgun(deployment) : openMailgunToWrite(context, deployment, options));
  const registry = openRegistry(ask);
  let changes = 0;
  const make = async (steps: readonly Step[]) => {
    const removals = steps.filter(({ line }) => line.change === 'remove').map(({ line }) => changeText(line));
    if (!plan && removals.length > 0) {
      await confirm(context, options.yes, `At Mailgun, ${removals.join(', ')}?`);
    }
    for (const step of steps) {
      if (!plan) await step.run(registry);
      emit(step.line, `${plan ? 'would ' : ''}${changeText(step.line)}`);
      changes += 1;
    }
  };
  const regions = groupBy(desired.domains, (domain) => deployment.mailgunUrl(domain));
  if (options.account) {
    for (const [any = ''] of regions.values()) {
      const registered = await registry.read(any);
      const added = additionsToAccount(any, registered, desired, remove);
      if (!plan && added.some(({ line }) => line.change === 'add'))
        await confirmAccount(context, options, ask, deployment);
      await make([...removalsFromAccount(any, registered, remove), ...added]);
    }
  }
  let drift = 0;
  for (const domains of regions.values()) {
    const [any = ''] = domains;
    const atAccount = options.account ? await registry.atAccount(any, desired.url) : [];
    for (const domain of domains) {
      const registered = await registry.read(domain);
      await make([
        ...removalsFromDomain(domain, registered, remove),
        ...(options.account
          ? doublesOfDomain(domain, registered, atAccount, desired.url, context.now())
          : additionsToDomain(domain, registered, desired, remove)),
        // Named alone, a domain is no reason to change all others.
        ...(options.domain === undefined && !options.account ? removalsFromAccount(domain, registered, remove) : []),
      ]);
      const left = webhookDrift(plan ? registered : await registry.read(domain), desired.url, desired.types);
      const open = plan ? left.filter(({ kind }) => kind !== 'missing') : left;
      for (const each of open) emit(...driftOf(domain, each));
      // Other receivers may be there for good.
      drift += open.filter(({ kind }) => kind !== 'foreign').length;
    }
  }
  emit(
    { event: plan ? 'planned' : 'synced', changes, drift },
    changes === 0
      ? 'Nothing to change.'
      : `${counted(changes, 'change')}${plan ? ' to make; nothing was changed' : ' made'}.`,
  );
  return drift === 0 ? 0 : 1;
}

/** Asks before webhooks of all domains come here, where some belong to no ledger. */
async function confirmAccount(
  context: CliContext,
  { yes }: SyncOptions,
  ask: MailgunRequest,
  deployment: Deployment,
): Promise<void> {
  const drift = await readDomainDrift(ask, deployment);
  if (drift.notInLedger.length === 0) return;
  const says = domainDriftText(drift, deployment.domains.length);
  await confirm(context, yes, `${says}. Webhooks of those would be refused; register for the whole account?`);
}

export interface DomainOptions extends TargetOptions {
  readonly domain?: string;
}

export const DOMAIN_OPTION = ['--domain <name>', 'only this sending domain (all of the stack)'] as const;

export function desiredWebhooks(deployment: Deployment, { domain }: DomainOptions): DesiredWebhooks {
  if (domain !== undefined) checkSendingDomain(deployment, domain);
  return {
    domains: domain === undefined ? deployment.domains : [domain],
    url: deployment.output('WebhookUrl'),
    types: deployment.output('WebhookEventTypes').split(','),
  };
}

/** Returns a difference as both commands print it. */
export function driftOf(domain: string, { kind, type, level, url }: Drift): [DriftLine, string] {
  const line: DriftLine = { event: 'drift', domain, kind, type, level: level ?? null, url: url ?? null };
  const where = [level && `at the ${level}`, url ?? (level && "this stack's URL")].filter(Boolean).join(': ');
  return [line, [domain, kind.padEnd(8), type.padEnd(14), where].join('  ').trimEnd()];
}
