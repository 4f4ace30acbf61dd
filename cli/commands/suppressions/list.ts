import { Option } from 'commander';
import { createSuppressionList } from '../../../lambdas/adapters/table/recipients.ts';
import { csvLine } from '../../../lambdas/domain/csv.ts';
import { SUPPRESSION_KINDS, type SuppressionKind } from '../../../lambdas/domain/event-types.ts';
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
import { UsageError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { counted, createEmit, utc } from '../../output.ts';
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
  ledgerCommand('list', 'list the addresses that must not be sent to')
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
  return context.signal.aborted ? 1 : 0;
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
