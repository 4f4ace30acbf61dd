import {
  type Drift,
  type DriftKind,
  MAX_URLS,
  type RegisteredWebhook,
  webhookDrift,
} from '../../lambdas/domain/webhooks/webhook-drift.ts';
import { openMailgun, openMailgunToWrite, WRITE_KEY_OPTION, type WriteKeyOptions } from '../access/mailgun-access.ts';
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
} from '../command.ts';
import { UsageError } from '../errors.ts';
import { groupBy } from '../group-by.ts';
import { counted, createEmit } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { openRegistry, type Registry } from './webhooks/registry.ts';

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
export type WebhooksSyncLine =
  | {
      event: 'change';
      /** Null: for all domains of the account. */
      domain: string | null;
      type: string;
      change: 'add' | 'remove';
      /** Of what is removed. */
      url: string | null;
    }
  | DriftLine
  | { event: 'planned' | 'synced'; changes: number; drift: number };

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
  double    registered for domain and account, or spelled twice  delete one of both at Mailgun
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
  let drift = 0;
  for (const domain of desired.domains) {
    const found = webhookDrift(await registry.read(domain), desired.url, desired.types);
    for (const each of found) emit(...driftOf(domain, each));
    drift += found.length;
  }
  const types = desired.types.length;
  emit(
    { event: 'checked', domains: desired.domains.length, types, drift },
    drift === 0
      ? `As wanted: ${counted(types, 'type')} of ${counted(desired.domains.length, 'domain')} come to this stack.`
      : `${counted(drift, 'difference')}; --help says what to do about each kind.`,
  );
  return drift === 0 ? 0 : 1;
}

interface SyncOptions extends DomainOptions, WriteKeyOptions {
  readonly plan?: boolean;
  readonly remove?: readonly string[];
  readonly yes?: boolean;
}

const SYNC_EXAMPLES = `
Adds this stack's URL to each event type that lacks it, and keeps the other URLs. It removes only what --remove names.
Mailgun takes up to 10 minutes to apply a change. URLs that another tool registers meanwhile stay.

Examples:
  npm run ledger -- webhooks sync --env prod --plan
  npm run ledger -- webhooks sync --env prod
  npm run ledger -- webhooks sync --env prod --remove https://old.example.com/mailgun --yes`;

export const syncCommand = (context: CliContext, run: Run) =>
  ledgerCommand('sync', "register the stack's URL for every event type that is needed")
    .option(...DOMAIN_OPTION)
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
  const registry = openRegistry(
    await (plan ? openMailgun(deployment) : openMailgunToWrite(context, deployment, options)),
  );
  let changes = 0;
  let drift = 0;
  for (const domain of desired.domains) {
    const registered = await registry.read(domain);
    const steps = [
      ...stepsOfDomain(domain, registered, desired, remove),
      // Named alone, a domain is no reason to change all others.
      ...(options.domain === undefined ? stepsOfAccount(domain, registered, remove) : []),
    ];
    const removals = steps.filter(({ line }) => line.change === 'remove').map(({ line }) => changeText(line));
    if (!plan && removals.length > 0) {
      await confirm(context, options.yes, `At Mailgun, ${removals.join(', ')}?`);
    }
    for (const step of steps) {
      if (!plan) await step.run(registry);
      emit(step.line, `${plan ? 'would ' : ''}${changeText(step.line)}`);
      changes += 1;
    }
    const left = webhookDrift(plan ? registered : await registry.read(domain), desired.url, desired.types);
    const open = plan ? left.filter(({ kind }) => kind !== 'missing') : left;
    for (const each of open) emit(...driftOf(domain, each));
    // Other receivers may be there for good.
    drift += open.filter(({ kind }) => kind !== 'foreign').length;
  }
  emit(
    { event: plan ? 'planned' : 'synced', changes, drift },
    changes === 0
      ? 'Nothing to change.'
      : `${counted(changes, 'change')}${plan ? ' to make; nothing was changed' : ' made'}.`,
  );
  return drift === 0 ? 0 : 1;
}

type Change = Extract<WebhooksSyncLine, { event: 'change' }>;

/** One change, and how it is made. */
interface Step {
  readonly line: Change;
  run(registry: Registry): Promise<void>;
}

function stepsOfDomain(
  domain: string,
  registered: readonly RegisteredWebhook[],
  { url: own, types }: DesiredWebhooks,
  remove: readonly string[],
): Step[] {
  const missing = webhookDrift(registered, own, types).filter(({ kind }) => kind === 'missing' || kind === 'no-room');
  const ofDomain = registered.filter(({ level }) => level === 'domain');
  const gone = ofDomain.filter(({ url }) => remove.includes(url));
  const isAdded = (type: string) => {
    const kept = ofDomain.filter((each) => each.type === type && !remove.includes(each.url));
    return missing.some((each) => each.type === type) && kept.length < MAX_URLS;
  };
  const added = types.filter(isAdded);
  const once = (index: number, run: Step['run']): Step['run'] => (index === 0 ? run : async () => {});
  // One call takes a URL off all types, and one adds ours to all: removed first, so that there is room.
  return [
    ...[...groupBy(gone, ({ url }) => url)].flatMap(([url, hooks]) =>
      hooks.map(({ type }, index) => ({
        line: { event: 'change', domain, type, change: 'remove', url } as const,
        run: once(index, (registry) => registry.removeFromDomain(domain, url)),
      })),
    ),
    ...added.map((type, index) => ({
      line: { event: 'change', domain, type, change: 'add', url: null } as const,
      run: once(index, (registry) => registry.addToDomain(domain, own, added)),
    })),
  ];
}

function stepsOfAccount(domain: string, registered: readonly RegisteredWebhook[], remove: readonly string[]): Step[] {
  const ofAccount = registered.filter(({ level, url }) => level === 'account' && remove.includes(url));
  return [...groupBy(ofAccount, ({ url }) => url)].map(([url, hooks]) => ({
    line: { event: 'change', domain: null, type: hooks.map(({ type }) => type).join(','), change: 'remove', url },
    run: (registry) => registry.removeFromAccount(domain, url),
  }));
}

function changeText({ domain, type, change, url }: Change): string {
  const at = domain ?? 'the whole account';
  return change === 'add' ? `add ${type} of ${at} to this stack` : `remove ${url} from ${type} of ${at}`;
}

export interface DomainOptions extends TargetOptions {
  readonly domain?: string;
}

export const DOMAIN_OPTION = ['--domain <name>', 'only this sending domain (all of the stack)'] as const;

/** What one stack wants of Mailgun. */
export interface DesiredWebhooks {
  readonly domains: readonly string[];
  readonly url: string;
  readonly types: readonly string[];
}

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
