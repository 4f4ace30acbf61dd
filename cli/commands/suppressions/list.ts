import { paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { Option } from 'commander';
import { conditionalWrite } from '../../../lambdas/adapters/table/ledger-table.ts';
import {
  createSuppressionList,
  isWithdrawn,
  type SuppressionItem,
  suppressionItem,
} from '../../../lambdas/adapters/table/recipient-repository.ts';
import { INDEXES } from '../../../lambdas/contract.ts';
import { csvLine } from '../../../lambdas/domain/csv.ts';
import { SUPPRESSION_KINDS, type SuppressionKind } from '../../../lambdas/domain/event-types.ts';
import { SUPPRESSION_PREFIX, suppressionIndexKey } from '../../../lambdas/domain/keys.ts';
import { isSuppressing } from '../../../lambdas/domain/status/suppression.ts';
import {
  type CliContext,
  chosenDomains,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
  timeOption,
} from '../../command.ts';
import { InterruptedError, UsageError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { counted, createEmit, number, utc } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';

/** The lines of `suppressions list --json`. */
export type SuppressionsListLine =
  | {
      event: 'suppression';
      recipient: string;
      domain: string;
      kind: SuppressionKind;
      scope: string;
      reason: string | null;
      /** `mailgun`: the address is on a list of Mailgun's own. */
      source: 'event' | 'mailgun';
      since: string;
      lastAt: string;
      eventKey: string;
    }
  | { event: 'listed'; domains: string[]; count: number };

interface ListOptions extends TargetOptions {
  readonly domain?: string;
  readonly kind?: SuppressionKind;
  /** Epoch seconds. */
  readonly since?: number;
  readonly csv?: boolean;
}

const PAGE_ITEMS = 1000;
const COLUMNS = ['recipient', 'domain', 'kind', 'scope', 'reason', 'source', 'since', 'lastAt', 'eventKey'] as const;

const EXAMPLES = `
Lists the suppressions in force by domain and kind, the newest first. An event without a domain suppresses for every
domain; --domain - lists these. To list what a version before 0.2.0 stored, run "suppressions index" once.

Examples:
  npm run ledger -- suppressions list --env prod --csv > suppressed.csv
  npm run ledger -- suppressions list --env prod --kind bounce --since 7d
  npm run ledger -- suppressions list --local --json`;

export const listCommand = (context: CliContext, run: Run) =>
  ledgerCommand('list', 'list the addresses not to send to')
    .option('--domain <name>', 'only of this sending domain, - for events that name none (all)')
    .addOption(new Option('--kind <kind>', 'only of this kind (all)').choices(SUPPRESSION_KINDS))
    .option('--since <time>', 'only what is suppressed since then or later (all)', timeOption('since', context))
    .option('--csv', 'print a table for a spreadsheet')
    .addHelpText('after', EXAMPLES)
    .action(run<ListOptions>((options) => list(context, options)));

async function list(context: CliContext, options: ListOptions): Promise<number> {
  const { domain, kind, since = 0, csv, json } = options;
  if (csv && json) throw new UsageError('--csv and --json cannot be combined');
  const deployment = await openTarget(context, options);
  const domains = chosenDomains(deployment, domain);
  const kinds = kind === undefined ? SUPPRESSION_KINDS : [kind];
  const emit = createEmit<SuppressionsListLine>(context, json);
  if (csv) context.print(csvLine(COLUMNS));
  let count = 0;
  for await (const suppression of suppressionsOf(deployment, domains, kinds, since * 1000, context.signal)) {
    const line = lineOf(suppression);
    count += 1;
    if (csv) context.print(csvLine(COLUMNS.map((column) => line[column])));
    else emit(line, textOf(line));
  }
  // Progress and total are not part of the table.
  const text = `${counted(count, 'suppression')} in force of ${domains.join(', ')}.`;
  if (csv) context.printError(text);
  else emit({ event: 'listed', domains, count }, text);
  if (context.signal.aborted) throw new InterruptedError();
  return 0;
}

type Page = Awaited<ReturnType<ReturnType<typeof createSuppressionList>['newest']>>;
type ListedSuppression = NonNullable<Page['found'][number]['suppression']>;

/** Yields active suppressions, a page at a time, so that memory does not grow with the list. */
async function* suppressionsOf(
  deployment: Deployment,
  domains: readonly string[],
  kinds: readonly SuppressionKind[],
  sinceMs: number,
  signal: AbortSignal,
): AsyncGenerator<ListedSuppression> {
  const lists = createSuppressionList(tableOf(deployment));
  for (const domain of domains) {
    for (const kind of kinds) {
      let after: Page['found'][number]['place'] | undefined;
      for (let hasMore = true; hasMore && !signal.aborted; ) {
        const page = await lists.newest(domain, kind, sinceMs, PAGE_ITEMS, after);
        for (const { suppression } of page.found) {
          if (suppression && isSuppressing(suppression) && suppression.sinceMs >= sinceMs) yield suppression;
        }
        hasMore = page.hasMore;
        after = page.found.at(-1)?.place;
      }
    }
  }
}

type SuppressionLine = SuppressionsListLine & { event: 'suppression' };

function lineOf(suppression: ListedSuppression): SuppressionLine {
  const { recipient, domain, kind, scope, reason, source, eventKey } = suppression;
  const times = { since: iso(suppression.sinceMs), lastAt: iso(suppression.lastAtMs) };
  return { event: 'suppression', recipient, domain, kind, scope, reason, source, ...times, eventKey };
}

function textOf({ recipient, domain, kind, scope, reason, since }: SuppressionLine): string {
  const what = scope === '*' ? kind : `${kind} from ${scope}`;
  return `${domain}  ${what.padEnd(11)}  since ${utc(Date.parse(since))}  ${recipient}${reason === null || reason === kind ? '' : `  (${reason})`}`;
}

/** The line of `suppressions index --json`. */
export type SuppressionsIndexLine = {
  event: 'indexed';
  /** Suppressions of the table, lifted ones included, and those that the list lacked. */
  stored: number;
  indexed: number;
};

const PROGRESS_ITEMS = 10_000;

const INDEX_EXAMPLES = `
Run it once after an update from a version before 0.2.0, whose suppressions are not on the list. It reads the whole
table, changes nothing else of a suppression, and can be interrupted and repeated at any time.

Examples:
  npm run ledger -- suppressions index --env prod
  npm run ledger -- suppressions index --local --json`;

export const indexCommand = (context: CliContext, run: Run) =>
  ledgerCommand('index', 'add the suppressions of an older version to the list')
    .addHelpText('after', INDEX_EXAMPLES)
    .action(run<TargetOptions>((options) => index(context, options)));

async function index(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const table = tableOf(deployment);
  const emit = createEmit<SuppressionsIndexLine>(context, options.json);
  let [stored, indexed] = [0, 0];
  for await (const item of storedSuppressions(deployment)) {
    if (context.signal.aborted) break;
    stored += 1;
    if (!item.isListed && (await enter(table, item))) indexed += 1;
    if (stored % PROGRESS_ITEMS === 0) context.printError(`${number(stored)} suppressions read so far`);
  }
  const done = context.signal.aborted ? 'interrupted; the same command again goes on' : 'all are on the list';
  emit({ event: 'indexed', stored, indexed }, `${counted(stored, 'suppression')}, ${indexed} entered: ${done}.`);
  return context.signal.aborted ? 1 : 0;
}

/** Writes the keys of the index as process writes them, unless it has since; false where the item is gone. */
function enter({ client, name }: ReturnType<typeof tableOf>, { pk, sk, domain, kind, sinceMs }: SuppressionItem) {
  const { byRecipient } = INDEXES;
  return conditionalWrite(() =>
    client.send(
      new UpdateCommand({
        TableName: name,
        Key: { pk, sk },
        ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(#indexKey)',
        UpdateExpression: 'SET #indexKey = :indexKey, #indexAt = :since',
        ExpressionAttributeNames: { '#indexKey': byRecipient.partitionKey, '#indexAt': byRecipient.sortKey },
        ExpressionAttributeValues: { ':indexKey': suppressionIndexKey(domain, kind), ':since': sinceMs },
      }),
    ),
  );
}

/** A suppression, and whether the index lists it: what versions before 0.2.0 stored it does not. */
interface ScannedSuppression extends SuppressionItem {
  readonly isListed: boolean;
}

/** Yields every suppression of the table, which is read whole: the index may lack older ones, and is behind at times. */
export async function* storedSuppressions(deployment: Deployment): AsyncGenerator<ScannedSuppression> {
  const { client, name } = tableOf(deployment);
  const pages = paginateScan(
    { client },
    {
      TableName: name,
      ConsistentRead: true,
      FilterExpression: 'begins_with(pk, :prefix)',
      ExpressionAttributeValues: { ':prefix': SUPPRESSION_PREFIX },
    },
  );
  for await (const { Items = [] } of pages) {
    for (const item of Items) {
      if (isWithdrawn(item)) continue;
      yield { ...suppressionItem(item), isListed: item[INDEXES.byRecipient.partitionKey] !== undefined };
    }
  }
}
