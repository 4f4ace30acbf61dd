import { HOUR_MS } from '../../lambdas/contract.ts';
import { domainDriftText } from '../../lambdas/domain/webhooks/domain-drift.ts';
import { type Drift, type DriftKind, webhookDrift } from '../../lambdas/domain/webhooks/webhook-drift.ts';
import {
  ApiKeyRefusedError,
  type MailgunRequest,
  openMailgun,
  openMailgunToWrite,
  WRITE_KEY_OPTION,
  type WriteKeyOptions,
  waitingOut,
} from '../access.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkSendingDomain,
  commandGroup,
  confirm,
  interruptible,
  ledgerCommand,
  openTarget,
  type Run,
  repeated,
  type TargetOptions,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { counted, createEmit, groupBy, printedCommand, timeAgo } from '../output.ts';
import { type Deployment, type LogEntry, readLogs } from '../target/types.ts';
import { driftFixes, openRegistry, readDomainDrift } from './webhooks/registry.ts';
import {
  additionsToAccount,
  additionsToDomain,
  afterChanges,
  changeText,
  type DesiredWebhooks,
  doublesAtAccount,
  doublesOfDomain,
  lackingAtAccount,
  removalsFromAccount,
  removalsFromDomain,
  type SyncStep,
  type WebhookChange,
} from './webhooks/steps.ts';

type DriftLine = {
  event: 'drift';
  /** Null: for all domains of the account. */
  domain: string | null;
  kind: DriftKind;
  type: string;
  level: 'domain' | 'account' | null;
  /** URL if it is not this stack's own, which may be secret. */
  url: string | null;
};

/** The lines of `webhooks check --json`. */
export type WebhooksCheckLine =
  | DriftLine
  /** A domain whose registrations cannot be read. */
  | { event: 'unread'; domain: string; why: string }
  | { event: 'checked'; domains: number; types: number; drift: number };

/** The lines of `webhooks sync --json`; with `--plan` what would be done. */
export type WebhooksSyncLine =
  | WebhookChange
  | DriftLine
  | { event: 'planned' | 'synced'; changes: number; drift: number };

const NEEDS = `secretsmanager:GetSecretValue on the API key, which must be allowed to read webhooks, and for sync to
change them; check also logs:FilterLogEvents`;

export const webhooksCommand: CommandBuilder = (context, run) =>
  commandGroup('webhooks', 'compare and register the webhooks at Mailgun', NEEDS)
    .addCommand(checkCommand(context, run))
    .addCommand(syncCommand(context, run));

const CHECK_EXAMPLES = `
What may be wrong, by kind:
  missing   this stack does not get a type that it needs         webhooks sync adds it
  no-room   the same, and three other URLs are registered        webhooks sync --remove <url>
  double    this stack is registered twice for one type          webhooks sync --account, or delete one of both
            the same under the other spelling that is named      webhooks sync --remove <url>
  foreign   another receiver gets the type too                   fine if it is known; else sync --remove <url>
  unwanted  this stack gets a type that it does not need         delete it at Mailgun, or configure eventTypes

If nothing differs, it shows what the webhook URL returned in the last two hours, and the next command.

Examples:
  npm run ledger -- webhooks check --env prod
  npm run ledger -- webhooks check --local --json`;

const checkCommand = (context: CliContext, run: Run) =>
  ledgerCommand('check', 'show how the webhooks registered at Mailgun differ from what the stack needs')
    .option(...DOMAIN_OPTION)
    .addHelpText('after', CHECK_EXAMPLES)
    .action(run<DomainOptions>(interruptible(context, (options) => check(context, options))));

async function check(context: CliContext, options: DomainOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<WebhooksCheckLine>(context, options.json);
  const desired = desiredWebhooks(deployment, options);
  const registry = openRegistry(waitingOut(context, await openMailgun(deployment)));
  const all: Drift[] = [];
  const unread: [domain: string, error: TargetUnavailableError][] = [];
  for (const domain of desired.domains) {
    const registered = await registry.read(domain).catch((error: unknown) => {
      // A key that is refused for one domain is refused for all.
      if (!(error instanceof TargetUnavailableError) || error instanceof ApiKeyRefusedError) throw error;
      return error;
    });
    if (registered instanceof TargetUnavailableError) {
      unread.push([domain, registered]);
      continue;
    }
    const found = webhookDrift(registered, desired.url, desired.types);
    for (const each of found) emit(...driftOf(domain, each));
    all.push(...found);
  }
  const read = desired.domains.length - unread.length;
  if (read === 0) throw unread[0]?.[1];
  for (const [domain, { message: why }] of unread) {
    emit({ event: 'unread', domain, why }, `${domain}  not known: ${why}`);
  }
  const drift = all.length;
  const run = (command: string) => printedCommand(deployment, command);
  const types = desired.types.length;
  emit(
    { event: 'checked', domains: read, types, drift },
    drift === 0
      ? `${unread.length === 0 ? 'As wanted' : 'The others are as wanted'}: ${counted(types, 'type')} of ${counted(read, 'domain')} come to this stack.`
      : `${counted(drift, 'difference')}. What to do:`,
    ...driftFixes(all, run).map((fix, nth) => `  ${nth + 1}. ${fix}`),
    // Correct registrations do not explain why an event came without its webhook.
    ...(drift === 0 ? await responsesText(deployment, context.now()) : []),
  );
  return drift + unread.length === 0 ? 0 : 1;
}

interface SyncOptions extends DomainOptions, WriteKeyOptions {
  readonly account?: boolean;
  readonly plan?: boolean;
  readonly remove?: readonly string[];
  readonly yes?: boolean;
}

const SYNC_EXAMPLES = `
Adds this stack's URL to each event type that lacks it, and keeps the other URLs. It removes only what --remove names;
where that is this stack's own URL, it adds nothing.
Mailgun takes up to 10 minutes to apply a change. URLs that another tool registers meanwhile stay.
With --account it registers the URL once for all domains of the account and its subaccounts, in each region, and changes
no registration that is there. Run again after 10 minutes, where it adds nothing more, it takes the URL off each domain
all of whose types come by the account, and deletes a second registration at the account. Mailgun does not show when one
was changed by hand: wait 10 minutes then too. Webhooks of domains that are not in the ledger are refused, except where
domains is "account" in cdk.json: there the ledger takes each domain of the account. Those of a
subaccount carry the signature of the parent's key too (keys set --parent).

Examples:
  npm run ledger -- webhooks sync --env prod --plan
  npm run ledger -- webhooks sync --env prod
  npm run ledger -- webhooks sync --env prod --account
  npm run ledger -- webhooks sync --env prod --remove https://old.example.com/mailgun --yes`;

const syncCommand = (context: CliContext, run: Run) =>
  ledgerCommand('sync', "register the stack's URL for every event type that is needed")
    .option(...DOMAIN_OPTION)
    .option('--account', 'register once for the whole account, in place of each domain')
    .option('--plan', 'only show what would be changed')
    .option('--remove <url>', 'take this URL off every type; may be repeated', repeatedUrl)
    .option(...WRITE_KEY_OPTION)
    .option('--yes', 'do not ask before removing, nor before webhooks of domains in no ledger come here')
    .addHelpText('after', SYNC_EXAMPLES)
    .action(run<SyncOptions>((options) => sync(context, options)));

function repeatedUrl(value: string, values?: string[]): string[] {
  if (!URL.canParse(value)) throw new UsageError(`--remove takes a URL, not "${value}"`);
  return repeated(value, values);
}

async function sync(context: CliContext, options: SyncOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<WebhooksSyncLine>(context, options.json);
  const { plan = false, remove = [] } = options;
  const { domains: named, url: own, types } = desiredWebhooks(deployment, options);
  const leaves = remove.includes(own);
  const desired = { domains: named, url: own, types: leaves ? [] : types };
  if (options.account && options.domain !== undefined) throw new UsageError('--account is for all domains');
  const toAccount = options.account === true && !leaves;
  const opened = await (plan ? openMailgun(deployment) : openMailgunToWrite(context, deployment, options));
  const callMailgun = waitingOut(context, opened);
  const registry = openRegistry(callMailgun);
  let changes = 0;
  const removed = new Set<string>();
  const make = async (steps: readonly SyncStep[]) => {
    const removals = steps.filter(({ line }) => line.change !== 'add').map(({ line }) => changeText(line));
    if (!plan && removals.length > 0) {
      await confirm(context, options.yes, `At Mailgun, ${removals.join(', ')}?`);
    }
    for (const step of steps) {
      if (step.line.change === 'remove') removed.add(step.line.url ?? own);
      if (!plan) await step.run(registry);
      emit(step.line, `${plan ? 'would ' : ''}${changeText(step.line)}`);
      changes += 1;
    }
  };
  const regions = [...groupBy(desired.domains, (domain) => deployment.mailgunUrl(domain)).values()];
  if (toAccount) {
    const lacking = regions.map(async ([any = '']) => lackingAtAccount(await registry.read(any), desired, remove));
    if ((await Promise.all(lacking)).some(({ free }) => free.length > 0)) {
      await confirmAccount(context, options, callMailgun, deployment);
    }
  }
  let drift = 0;
  const full = new Set<string>();
  let isWaiting = false;
  for (const domains of regions) {
    const [any = ''] = domains;
    const before = await registry.read(any);
    const lacking = toAccount ? lackingAtAccount(before, desired, remove) : { free: [], full: [] };
    const hooks = toAccount ? await registry.atAccount(any, own) : [];
    // Mailgun does not act yet on what this run adds, so it takes nothing of this stack away.
    const mayLeave = toAccount && lacking.free.length === 0;
    const atAccount = [
      // A command for one domain must not change all others.
      ...(options.domain === undefined ? removalsFromAccount(any, before, own, remove) : []),
      ...additionsToAccount(any, own, lacking.free),
      ...(mayLeave ? doublesAtAccount(any, hooks, desired, context.now()) : []),
    ];
    await make(atAccount);
    for (const type of lacking.full) {
      full.add(type);
      drift += 1;
      emit(...driftOf(null, { kind: 'no-room', type, level: 'account' }));
    }
    for (const domain of domains) {
      const registered = await registry.read(domain);
      const expected = plan ? afterChanges(registered, atAccount, own) : registered;
      const steps = [
        ...removalsFromDomain(domain, expected, own, remove),
        ...(toAccount ? [] : additionsToDomain(domain, expected, desired, remove)),
        ...(mayLeave
          ? doublesOfDomain(domain, expected, await registry.atAccount(any, own), desired, context.now())
          : []),
      ];
      await make(steps);
      const after = plan ? afterChanges(expected, steps, own) : await registry.read(domain);
      const left = webhookDrift(after, own, desired.types);
      for (const each of left) emit(...driftOf(domain, each));
      isWaiting ||= toAccount && left.some(({ kind, url }) => kind === 'double' && url === undefined);
      // Other URLs may be there on purpose.
      drift += left.filter(({ kind }) => kind !== 'foreign').length;
    }
  }
  // An earlier run may have removed it, so this is no error.
  for (const url of remove.filter((each) => !removed.has(each))) context.printError(`${url} is not registered`);
  emit(
    { event: plan ? 'planned' : 'synced', changes, drift },
    changes === 0
      ? 'Nothing to change.'
      : `${counted(changes, 'change')}${plan ? ' to make; nothing was changed' : ' made'}.`,
    ...(changes > 0 && !plan ? ['The alarm webhook-drift, if it is on, ends after the next hourly comparison.'] : []),
    ...whyDouble([...full], isWaiting),
  );
  return drift === 0 ? 0 : 1;
}

/** Returns why this stack stays registered at domains as well as at the account. */
function whyDouble(full: readonly string[], isWaiting: boolean): string[] {
  if (full.length > 0) {
    const types = full.join(', ');
    return [`The account has no room for ${types}, so domains with such types keep this stack: --remove makes room.`];
  }
  if (!isWaiting) return [];
  return ['What is double goes when this runs again, 10 minutes after the newest registration at the account.'];
}

/** Warns, and asks if it can, before webhooks of all domains are sent here, some of which may have no ledger. */
async function confirmAccount(
  context: CliContext,
  { plan, yes }: SyncOptions,
  callMailgun: MailgunRequest,
  deployment: Deployment,
): Promise<void> {
  // The ledger takes what the account has.
  if (deployment.discovered !== undefined) return;
  // Those of another environment would be posted here too.
  const noHolder = () => undefined;
  const drift = await readDomainDrift(callMailgun, deployment, noHolder).catch((error: unknown) => {
    // A key that may write webhooks need not read domains.
    if (error instanceof ApiKeyRefusedError) return undefined;
    throw error;
  });
  if (drift?.notInLedger.length === 0) return;
  const names = drift && domainDriftText(drift, deployment.domains.length);
  const says = `${names ?? 'Mailgun does not list its domains to this key'}. Webhooks of domains in no ledger are refused`;
  if (plan || yes) context.printError(says);
  else await confirm(context, yes, `${says}; register for the whole account?`);
}

interface DomainOptions extends TargetOptions {
  readonly domain?: string;
}

const DOMAIN_OPTION = ['--domain <name>', 'only this sending domain (all of the stack)'] as const;

const NO_DOMAINS =
  'no sending domain is known, so nothing can be compared: reconcile finds those of the account, and needs a Mailgun API key (keys status)';

export function desiredWebhooks(deployment: Deployment, { domain }: DomainOptions): DesiredWebhooks {
  if (domain !== undefined) checkSendingDomain(deployment, domain);
  else if (deployment.domains.length === 0) throw new TargetUnavailableError(NO_DOMAINS);
  return {
    domains: domain === undefined ? deployment.domains : [domain],
    url: deployment.output('WebhookUrl'),
    types: deployment.output('WebhookEventTypes').split(','),
  };
}

/** Returns a difference as both commands print it. */
function driftOf(domain: string | null, { kind, type, level, url }: Drift): [DriftLine, string] {
  const line: DriftLine = { event: 'drift', domain, kind, type, level: level ?? null, url: url ?? null };
  const where = [level && `at the ${level}`, url ?? (level && "this stack's URL")].filter(Boolean).join(': ');
  return [line, [domain ?? 'the whole account', kind.padEnd(8), type.padEnd(14), where].join('  ').trimEnd()];
}

const LOOKBACK_HOURS = 2;
const REFUSALS = `logs ingest --since ${LOOKBACK_HOURS}h --message "webhook refused"`;

/** Meaning of each status other than 200, and the next command; the first match counts. */
const NEXT: readonly (readonly [status: RegExp, why: string, command: string])[] = [
  [/^401$/, 'no signing key verifies them', 'keys status'],
  [/^406$/, 'refused permanently', REFUSALS],
  [/^429$/, 'more than throttle.webhook admits', `logs webhook-access --since ${LOOKBACK_HOURS}h --status 429`],
  [/^5/, 'runbook, webhook-errors', REFUSALS],
];
const ANY = [
  /^/,
  'no webhook, or of another URL',
  `logs webhook-access --since ${LOOKBACK_HOURS}h --status 4xx`,
] as const;

/** Returns what the webhook URL has returned lately, and the command that follows from each status. */
export async function responsesText(deployment: Deployment, nowMs: number): Promise<string[]> {
  const sinceMs = nowMs - LOOKBACK_HOURS * HOUR_MS;
  const entries = await readLogs(deployment, 'webhook-access', sinceMs);
  const run = (command: string) => printedCommand(deployment, command);
  if (typeof entries === 'string') return [`What the webhook URL returned is not known: ${entries}.`];
  if (entries.length === 0) {
    return [
      `No request has reached the webhook URL for ${LOOKBACK_HOURS} hours. If Mailgun sent mail, find out why: ${run('send-test')}`,
    ];
  }
  const byStatus = [...groupBy(entries, ({ facts }) => String(facts.status))].toSorted(
    ([, a], [, b]) => lastMs(b) - lastMs(a),
  );
  const meaningOf = (status: string) => {
    const [, why, command] = NEXT.find(([pattern]) => pattern.test(status)) ?? ANY;
    return status === '200' ? 'acknowledged' : `${why}; next: ${run(command)}`;
  };
  return [
    `The webhook URL returned in the last ${LOOKBACK_HOURS} hours:`,
    ...byStatus.map(
      ([status, those]) =>
        `  ${status}  ${counted(those.length, 'time')}, the last ${timeAgo(lastMs(those), nowMs)}: ${meaningOf(status)}`,
    ),
    ...(byStatus.every(([status]) => status === '200')
      ? [
          `All are acknowledged: what is missing waits to be stored (${run('status')}), is of a type that was not registered at the time, or was forged in place of Mailgun's (${run('unconfirmed')}).`,
        ]
      : []),
  ];
}

const lastMs = (entries: readonly LogEntry[]) => entries.reduce((last, { atMs }) => Math.max(last, atMs), 0);
