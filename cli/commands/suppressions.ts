import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { Option } from 'commander';
import { parseAddress } from '../../api/address.ts';
import { conditionalWrite } from '../../lambdas/adapters/table/ledger-table.ts';
import {
  createRecipientHistory,
  readSuppressionItems,
  recipientKeys,
  type SuppressionItem,
  suppressionItem,
} from '../../lambdas/adapters/table/recipient-repository.ts';
import { RESTORED_ATTRIBUTE, UNKNOWN_DOMAIN } from '../../lambdas/contract.ts';
import { SUPPRESSION_KINDS } from '../../lambdas/domain/event-types.ts';
import { nameInEventKey } from '../../lambdas/domain/keys.ts';
import { isSuppressing } from '../../lambdas/domain/status/suppression.ts';
import { isCauseOf } from '../../lambdas/read-api/recipients/suppression-causes.ts';
import { type CauseEntry, createCauseEntries } from '../../lambdas/read-api/recipients/suppressions.ts';
import {
  type MailgunRequest,
  messageOf,
  openMailgunToWrite,
  WRITE_KEY_OPTION,
  type WriteKeyOptions,
} from '../access.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkDomain,
  commandGroup,
  confirm,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { confirmedCheckOf, tableOf } from '../ledger.ts';
import { counted, createEmit, type Emit, plain, utc } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { iso } from '../time.ts';
import { compareCommand } from './suppressions/compare.ts';
import { LISTS } from './suppressions/differences.ts';
import { indexCommand, listCommand } from './suppressions/list.ts';

/** The lines of `suppressions show --json`. */
export type SuppressionsShowLine =
  | {
      event: 'suppression';
      domain: string;
      kind: SuppressionItem['kind'];
      /** `*`, or the tag that was unsubscribed from. */
      scope: string;
      reason: string | null;
      since: string;
      lastAt: string;
      liftedAt: string | null;
      eventKey: string;
      /** Not lifted, or an event later than the lift suppressed again. */
      active: boolean;
      /** The events that it rests on, newest first, of the newest messages to the address. */
      causes: readonly CauseEntry[];
    }
  /** `known`: whether a suppression or a message of it is stored at all. */
  | { event: 'recipient'; recipient: string; suppressed: boolean; known: boolean };

/** The lines of `suppressions lift --json`. */
export type SuppressionsLiftLine =
  /** The result of `--plan`; `atMailgun`: whether Mailgun's own entry would be deleted too. */
  | {
      event: 'would-lift';
      domain: string;
      kind: SuppressionItem['kind'];
      scope: string;
      since: string;
      atMailgun: boolean;
    }
  | { event: 'plan'; recipient: string; count: number }
  /** A suppression for an unknown domain, which may be the named one: it stays active. */
  | { event: 'left'; domain: string; kind: SuppressionItem['kind']; scope: string; since: string }
  | {
      event: 'lifted';
      domain: string;
      kind: SuppressionItem['kind'];
      scope: string;
      liftedAt: string;
      /** The outcome of Mailgun's own entry; null where it was not to be touched. */
      atMailgun: 'deleted' | 'not-there' | null;
    }
  | { event: 'done'; recipient: string; lifted: number; alreadyLifted: number };

const NEEDS = `dynamodb:Query on the table; show and list also on its indexes, list also dynamodb:BatchGetItem; lift also
dynamodb:UpdateItem; index the same and dynamodb:Scan; compare dynamodb:Scan, and with --fix
dynamodb:GetItem, BatchGetItem and UpdateItem, and secretsmanager:GetSecretValue on the erasure key; compare and
--also-at-mailgun also secretsmanager:GetSecretValue on the API key`;

export const suppressionsCommand: CommandBuilder = (context, run) =>
  commandGroup('suppressions', 'list, show, lift and compare the reasons not to send to an address', NEEDS)
    .addCommand(listCommand(context, run))
    .addCommand(showCommand(context, run))
    .addCommand(liftCommand(context, run))
    .addCommand(compareCommand(context, run))
    .addCommand(indexCommand(context, run));

const SHOW_EXAMPLES = `
Examples:
  npm run ledger -- suppressions show ada@example.org --env prod
  npm run ledger -- suppressions show ada@example.org --local --json`;

const showCommand = (context: CliContext, run: Run) =>
  ledgerCommand('show', 'list the suppressions of an address')
    .argument('<address>', 'the recipient, in any case')
    .option('--all', 'show the key of the event that caused each too')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(run<ShowOptions>((options, address = '') => show(context, options, address)));

interface ShowOptions extends TargetOptions {
  readonly all?: boolean;
}

async function show(context: CliContext, options: ShowOptions, address: string): Promise<number> {
  const recipient = checkAddress(address);
  const deployment = await openTarget(context, options);
  const emit = createEmit<SuppressionsShowLine>(context, options.json);
  const items = await readSuppressions(deployment, recipient);
  const suppressed = items.some(isSuppressing);
  const standing = suppressed ? 'is suppressed' : items.length > 0 ? 'is not suppressed any more' : 'is not suppressed';
  const known = items.length > 0 || (await hasMail(deployment, recipient));
  const unknown = known ? '' : ', and no mail to it is stored: check its spelling';
  emit({ event: 'recipient', recipient, suppressed, known }, `${recipient} ${standing}${unknown}.`);
  const readCauses = createCauseEntries(
    createRecipientHistory(tableOf(deployment)),
    confirmedCheckOf(deployment, context.now),
  );
  const found = items.length === 0 ? [] : await readCauses(recipientKeys(recipient));
  for (const item of items) {
    const { domain, kind, scope, reason, eventKey } = item;
    const causes = found.filter((each) => isCauseOf(each, item)).map(({ entry }) => entry);
    const active = isSuppressing(item);
    const liftedAt = item.liftedAtMs === null ? null : iso(item.liftedAtMs);
    const times = { since: iso(item.sinceMs), lastAt: iso(item.lastAtMs), liftedAt };
    const lifted =
      item.liftedAtMs === null ? '' : `, lifted ${utc(item.liftedAtMs)}${active ? ', suppressed again' : ''}`;
    emit(
      { event: 'suppression', domain, kind, scope, reason, ...times, eventKey, active, causes },
      `  ${domain}  ${describe(item)}${reason === null || reason === kind ? '' : ` (${reason})`}  since ${utc(item.sinceMs)}` +
        `${times.lastAt === times.since ? '' : `, last ${utc(item.lastAtMs)}`}${lifted}${options.all ? `  by ${eventKey}` : ''}`,
      ...causes.filter(({ confirmed }) => !confirmed).map(causeText),
    );
  }
  return 0;
}

function causeText({ eventKey, messageId, at, unconfirmed }: CauseEntry): string {
  const event = nameInEventKey(eventKey);
  const mark = unconfirmed ? "not on Mailgun's list, may be forged" : 'not compared yet';
  return `    ${event} ${utc(Date.parse(at))}  ${plain(messageId ?? 'no message id')}  ! ${mark}`;
}

async function hasMail(deployment: Deployment, recipient: string): Promise<boolean> {
  const history = createRecipientHistory(tableOf(deployment));
  const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  const pages = await Promise.all(recipientKeys(recipient).map((key) => history.newest(key, everything, 1)));
  return pages.some(({ places }) => places.length > 0);
}

interface LiftOptions extends TargetOptions, WriteKeyOptions {
  readonly domain?: string;
  readonly kind?: string;
  readonly alsoAtMailgun?: boolean;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const LIFT_EXAMPLES = `
A bounce, complaint or unsubscribe that happens after the lift suppresses again.
Without --also-at-mailgun, Mailgun may still refuse to send to the address. Mailgun has one unsubscribe entry per
address, so all its tags are removed. A suppression of an unknown domain that still applies is shown.

Examples:
  npm run ledger -- suppressions lift ada@example.org --env prod --plan
  npm run ledger -- suppressions lift ada@example.org --env prod --kind bounce --also-at-mailgun
  npm run ledger -- suppressions lift ada@example.org --local --domain mg.example.com --yes --json`;

const liftCommand = (context: CliContext, run: Run) =>
  ledgerCommand('lift', 'lift the suppressions of an address')
    .argument('<address>', 'the recipient, in any case')
    .option('--domain <name>', 'only of this sending domain, - for events that name none (all)')
    .addOption(new Option('--kind <kind>', 'only of this kind (all)').choices(SUPPRESSION_KINDS))
    .option('--plan', 'only show what would be lifted')
    .option('--also-at-mailgun', "delete the address from Mailgun's own lists too")
    .option(...WRITE_KEY_OPTION)
    .option('--yes', 'do not ask')
    .addHelpText('after', LIFT_EXAMPLES)
    .action(run<LiftOptions>((options, address = '') => lift(context, options, address)));

async function lift(context: CliContext, options: LiftOptions, address: string): Promise<number> {
  const recipient = checkAddress(address);
  const deployment = await openTarget(context, options);
  if (options.domain !== undefined) checkDomain(deployment, options.domain);
  const emit = createEmit<SuppressionsLiftLine>(context, options.json);
  const ofKind = (await readSuppressions(deployment, recipient)).filter(({ kind }) => kind === (options.kind ?? kind));
  const found = ofKind.filter(({ domain }) => domain === (options.domain ?? domain));
  // A suppression without a domain applies to every domain, the given one included.
  const left = ofKind.filter((item) => !found.includes(item) && item.domain === UNKNOWN_DOMAIN && isSuppressing(item));
  if (found.length === 0) {
    const instead = left.length === 0 ? '' : `, but one of an unknown domain: ${LIFT_UNKNOWN}`;
    throw new TargetUnavailableError(`${recipient} has no such suppression${instead}`);
  }
  // Mailgun's own entry may still be there, whatever is written here.
  const wanted = options.alsoAtMailgun ? found : found.filter(isSuppressing);
  const active = found.filter(isSuppressing);
  if (options.plan) {
    planLift(wanted, options.alsoAtMailgun ?? false, emit);
    reportLeft(left, emit);
    const text = wanted.length === 0 ? 'Nothing to lift: all were lifted before.' : 'Plan: nothing was changed.';
    emit({ event: 'plan', recipient, count: wanted.length }, text);
    return 0;
  }
  if (wanted.length > 0) {
    const what = wanted.map((item) => `${describe(item)} at ${item.domain}`).join(', ');
    await confirm(context, options.yes, `Lift ${what} of ${recipient}?`);
  }
  const callMailgun = options.alsoAtMailgun ? await openMailgunToWrite(context, deployment, options) : undefined;
  for (const item of wanted) {
    // Mailgun first: should it refuse, the address is still shown as suppressed, which it is.
    const atMailgun = callMailgun === undefined ? null : await deleteAtMailgun(callMailgun, item, deployment.domains);
    const atMs = active.includes(item) ? context.now() : (item.liftedAtMs ?? context.now());
    await liftSuppression(deployment, item, atMs);
    const { domain, kind, scope } = item;
    const mailgun = { deleted: ', deleted at Mailgun', 'not-there': ', not on Mailgun’s list' };
    emit(
      { event: 'lifted', domain, kind, scope, liftedAt: iso(atMs), atMailgun },
      `${domain}  ${describe(item)}: lifted${atMailgun === null ? '' : mailgun[atMailgun]}`,
    );
  }
  reportLeft(left, emit);
  const alreadyLifted = found.length - active.length;
  emit(
    { event: 'done', recipient, lifted: active.length, alreadyLifted },
    `${counted(active.length, 'suppression')} of ${recipient} lifted${alreadyLifted > 0 ? `, ${alreadyLifted} lifted before` : ''}.`,
  );
  return left.length === 0 ? 0 : 1;
}

const LIFT_UNKNOWN = '--domain - lifts it';

/** Reports what still suppresses although a domain was named, since it may be of any domain. */
function reportLeft(items: readonly SuppressionItem[], emit: Emit<SuppressionsLiftLine>): void {
  for (const item of items) {
    const { domain, kind, scope } = item;
    const since = iso(item.sinceMs);
    const text = `${domain}  ${describe(item)} since ${utc(item.sinceMs)} is of an unknown domain and still suppresses: ${LIFT_UNKNOWN}`;
    emit({ event: 'left', domain, kind, scope, since }, text);
  }
}

function planLift(items: readonly SuppressionItem[], atMailgun: boolean, emit: Emit<SuppressionsLiftLine>): void {
  for (const item of items) {
    const { domain, kind, scope } = item;
    const since = iso(item.sinceMs);
    const mailgun = atMailgun ? ", and delete the address from Mailgun's list" : '';
    emit(
      { event: 'would-lift', domain, kind, scope, since, atMailgun },
      `${domain}  would lift ${describe(item)} since ${utc(item.sinceMs)}${mailgun}`,
    );
  }
}

/** Deletes the entry on Mailgun's lists; for an unknown domain, on all of them. */
async function deleteAtMailgun(
  callMailgun: MailgunRequest,
  { domain: known, kind, recipient }: SuppressionItem,
  domains: readonly string[],
): Promise<'deleted' | 'not-there'> {
  let result: 'deleted' | 'not-there' = 'not-there';
  for (const domain of known === UNKNOWN_DOMAIN ? domains : [known]) {
    const path = `/v3/${encodeURIComponent(domain)}/${LISTS[kind]}/${encodeURIComponent(recipient)}`;
    const response = await callMailgun(domain, 'DELETE', path);
    if (response.status === 200) result = 'deleted';
    else if (response.status !== 404) {
      throw new TargetUnavailableError(`Mailgun did not delete the ${kind} of ${domain}: ${messageOf(response)}`);
    }
  }
  return result;
}

/** Returns all suppressions of an address, whatever its case and spelling. */
export async function readSuppressions(deployment: Deployment, address: string): Promise<SuppressionItem[]> {
  const items: SuppressionItem[] = [];
  for await (const item of readSuppressionItems(tableOf(deployment), address)) items.push(suppressionItem(item));
  return items;
}

/** Writes that it was lifted; of several lifts the latest counts. */
export async function liftSuppression(deployment: Deployment, { pk, sk }: SuppressionItem, atMs: number) {
  const { client, name } = tableOf(deployment);
  await conditionalWrite(() =>
    client.send(
      new UpdateCommand({
        TableName: name,
        Key: { pk, sk },
        ConditionExpression: 'attribute_exists(pk) AND (attribute_not_exists(liftedAt) OR liftedAt < :at)',
        UpdateExpression: `SET liftedAt = :at REMOVE ${RESTORED_ATTRIBUTE}`,
        ExpressionAttributeValues: { ':at': atMs },
      }),
    ),
  );
}

/** `bounce`, `unsubscribe from news` */
const describe = ({ kind, scope }: SuppressionItem) => (scope === '*' ? kind : `${kind} from ${scope}`);

/** Returns the address that a text holds, as the read API reads it. */
export function checkAddress(address: string): string {
  const parsed = parseAddress(address);
  if (parsed !== undefined) return parsed;
  throw new UsageError(`"${address}" is not an address like ada@example.org`);
}
