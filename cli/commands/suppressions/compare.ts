import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { createErasureRepository, writeSuppression } from '../../../lambdas/adapters/table/event-repository.ts';
import { conditionalWrite, type LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import { RESTORED_ATTRIBUTE, UNKNOWN_DOMAIN } from '../../../lambdas/contract.ts';
import { eventKeyOf } from '../../../lambdas/domain/keys.ts';
import {
  type MailgunRequest,
  messageOf,
  openMailgunToWrite,
  readErasureKey,
  WRITE_KEY_OPTION,
  type WriteKeyOptions,
} from '../../access.ts';
import {
  type CliContext,
  checkSendingDomain,
  confirm,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
} from '../../command.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { counted, createEmit, number } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import { createComparison, type Difference, LISTS, type ListKind, readList, requestPatiently } from './differences.ts';
import { storedSuppressions } from './list.ts';

/** The lines of `suppressions compare --json`. */
export type SuppressionsCompareLine =
  | {
      event: 'difference';
      difference: Difference['difference'];
      domain: string;
      kind: ListKind;
      recipient: string;
      scopes: string[];
    }
  | {
      event: 'compared';
      /** Entries of Mailgun's lists, and suppressions of the table. */
      listed: number;
      stored: number;
      differences: number;
      fixed: number;
      /** Listed at Mailgun, and not brought in, since the recipient is erased. */
      erased: number;
    };

interface CompareOptions extends TargetOptions, WriteKeyOptions {
  readonly domain?: string;
  readonly fix?: boolean;
  readonly alsoAtMailgun?: boolean;
  readonly yes?: boolean;
}

const AT_ONCE = 10;

const EXAMPLES = `
The differences, and what --fix does:
  not-here        Mailgun lists what is not suppressed here     brings it in, also from before this stack
  too-wide        Mailgun lists an unsubscribe from tags only   narrows ours to those tags
  not-at-mailgun  suppressed here, and not on Mailgun's list    with --also-at-mailgun adds it there; else nothing
  lifted-here     lifted here, and still on Mailgun's list      nothing: suppressions lift --also-at-mailgun, or leave it

An API key of the role Analyst may not read these lists, so give another one with --write-key, also without --fix.
Without --fix it only shows what would be done. It holds Mailgun's lists in memory and reads the whole table once. If
you interrupt it, run the same command again to continue.

Examples:
  npm run ledger -- suppressions compare --env prod
  npm run ledger -- suppressions compare --env prod --fix
  npm run ledger -- suppressions compare --local --fix --also-at-mailgun --yes --json`;

export const compareCommand = (context: CliContext, run: Run) =>
  ledgerCommand('compare', "compare our suppressions with Mailgun's own lists, in both directions")
    .option('--domain <name>', 'only this sending domain (all of the stack)')
    .option('--fix', 'bring in what Mailgun lists, and narrow what is too wide')
    .option('--also-at-mailgun', "with --fix: add to Mailgun's lists what is suppressed here only")
    .option(...WRITE_KEY_OPTION)
    .option('--yes', 'do not ask')
    .addHelpText('after', EXAMPLES)
    .action(run<CompareOptions>((options) => compare(context, options)));

async function compare(context: CliContext, options: CompareOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  if (options.domain !== undefined) checkSendingDomain(deployment, options.domain);
  const domains = options.domain === undefined ? deployment.domains : [options.domain];
  const emit = createEmit<SuppressionsCompareLine>(context, options.json);
  // A key of role Analyst may not even read suppressions.
  const callMailgun = await openMailgunToWrite(context, deployment, options);
  const { differences, listed, stored } = await findDifferences(context, callMailgun, deployment, domains);
  for (const each of differences) emit(lineOf(each), textOf(each));
  const counts = { fixed: 0, erased: 0 };
  if (options.fix && differences.length > 0) {
    await confirm(context, options.yes, `Fix what can be fixed of ${counted(differences.length, 'difference')}?`);
    const erasureKey = await readErasureKey(deployment);
    const sendToMailgun = options.alsoAtMailgun ? callMailgun : undefined;
    const tools: FixTools = { context, table: tableOf(deployment), erasureKey, sendToMailgun };
    for (let from = 0; from < differences.length && !context.signal.aborted; from += AT_ONCE) {
      const some = differences.slice(from, from + AT_ONCE);
      // All are awaited before one that failed ends it.
      const results = await Promise.allSettled(some.map((each) => fix(each, tools)));
      for (const result of results) {
        if (result.status === 'rejected') throw result.reason;
        if (result.value !== 'left') counts[result.value] += 1;
      }
    }
  }
  emit(
    { event: 'compared', listed, stored, differences: differences.length, ...counts },
    `${number(listed)} listed at Mailgun, ${number(stored)} stored here: ${counted(differences.length, 'difference')}` +
      `${options.fix ? `, ${counts.fixed} fixed` : ''}` +
      `${counts.erased > 0 ? `, ${counts.erased} of erased recipients left out` : ''}.`,
  );
  return counts.fixed + counts.erased === differences.length ? 0 : 1;
}

async function findDifferences(
  context: CliContext,
  callMailgun: MailgunRequest,
  deployment: Deployment,
  domains: readonly string[],
) {
  const comparison = createComparison(domains);
  let [listed, stored] = [0, 0];
  for (const domain of domains) {
    for (const kind of Object.keys(LISTS) as ListKind[]) {
      for await (const page of readList(context, callMailgun, deployment, domain, kind)) {
        for (const entry of page) comparison.addListed(domain, kind, entry);
        listed += page.length;
      }
      context.printError(`${domain}: ${LISTS[kind]} read, ${number(listed)} entries so far`);
    }
  }
  for await (const item of storedSuppressions(deployment)) {
    comparison.addOurs(item);
    stored += 1;
  }
  return { differences: comparison.differences(), listed, stored };
}

function lineOf({ difference, domain, kind, recipient, scopes }: Difference): SuppressionsCompareLine {
  return { event: 'difference', difference, domain, kind, recipient, scopes: [...scopes] };
}

function textOf({ difference, domain, kind, recipient, scopes }: Difference): string {
  const what = scopes.includes('*') ? kind : `${kind} from ${scopes.join(', ')}`;
  return `${difference.padEnd(14)}  ${domain}  ${recipient}  ${what}`;
}

/** The dependencies to fix a difference; `sendToMailgun` only where Mailgun's lists are to be changed too. */
interface FixTools {
  readonly context: Pick<CliContext, 'now' | 'sleep'>;
  readonly table: LedgerTable;
  readonly erasureKey: string;
  readonly sendToMailgun: MailgunRequest | undefined;
}

/** `erased`: the recipient is, so that nothing of them may come back. */
type FixResult = 'fixed' | 'left' | 'erased';

/** Fixes one difference; each step may be the last before a crash, and may be repeated. */
async function fix(difference: Difference, tools: FixTools): Promise<FixResult> {
  switch (difference.difference) {
    case 'not-here':
      return bringIn(difference, tools);
    case 'too-wide':
      await narrow(difference, tools);
      return 'fixed';
    case 'not-at-mailgun':
      return tools.sendToMailgun === undefined ? 'left' : addAtMailgun(difference, tools.sendToMailgun, tools);
    case 'lifted-here':
      return 'left';
    default:
      return difference satisfies never;
  }
}

/** Mailgun's reasons for addresses on its own lists. */
const REASONS = { bounce: 'suppress-bounce', complaint: 'suppress-complaint', unsubscribe: 'suppress-unsubscribe' };

type Of<Kind extends Difference['difference']> = Extract<Difference, { difference: Kind }>;

async function bringIn({ domain, kind, recipient, scopes, sinceMs }: Of<'not-here'>, tools: FixTools) {
  const { table, erasureKey, context } = tools;
  const erasures = createErasureRepository(table, { read: async () => erasureKey });
  if ((await erasures.among([recipient])).length > 0) return 'erased';
  const entry = { recipient, domain, atMs: sinceMs ?? context.now(), eventKey: eventKeyOf('listed', kind) };
  for (const scope of scopes) {
    await writeSuppression(table, entry, { kind, scope, reason: REASONS[kind], source: 'mailgun' });
  }
  return 'fixed';
}

/**
 * Narrows a suppression: first adds the tags, then lifts the whole, so that an interruption leaves everything
 * suppressed.
 */
async function narrow({ domain, kind, recipient, scopes, item }: Of<'too-wide'>, { table }: FixTools) {
  const { eventKey, reason, sinceMs, lastAtMs, pk, sk } = item;
  for (const atMs of new Set([sinceMs, lastAtMs])) {
    for (const scope of scopes) {
      await writeSuppression(table, { recipient, domain, atMs, eventKey }, { kind, scope, reason, source: 'mailgun' });
    }
  }
  // Lifted at its latest event, it stays so when that event comes in again; a later unsubscribe counts.
  await conditionalWrite(() =>
    table.client.send(
      new UpdateCommand({
        TableName: table.name,
        Key: { pk, sk },
        ConditionExpression:
          'attribute_exists(pk) AND (attribute_not_exists(liftedAt) OR liftedAt < :at) ' +
          'AND (attribute_not_exists(lastAt) OR lastAt = :at)',
        UpdateExpression: `SET liftedAt = :at REMOVE ${RESTORED_ATTRIBUTE}`,
        ExpressionAttributeValues: { ':at': lastAtMs },
      }),
    ),
  );
}

async function addAtMailgun(
  { domain, kind, recipient, scopes, listedScopes }: Of<'not-at-mailgun'>,
  callMailgun: MailgunRequest,
  { context }: FixTools,
): Promise<FixResult> {
  // A suppression for an unknown domain belongs to no list.
  if (domain === UNKNOWN_DOMAIN) return 'left';
  // An entry may replace that of its address, so it names the tags that are there, too.
  const tags = kind === 'unsubscribe' ? { tags: [...new Set([...listedScopes, ...scopes])] } : {};
  const path = `/v3/${encodeURIComponent(domain)}/${LISTS[kind]}`;
  const response = await requestPatiently(context, callMailgun, domain, 'POST', path, [
    { address: recipient, ...tags },
  ]);
  if (response.status === 200) return 'fixed';
  throw new TargetUnavailableError(`Mailgun did not add to the ${LISTS[kind]} of ${domain}: ${messageOf(response)}`);
}
