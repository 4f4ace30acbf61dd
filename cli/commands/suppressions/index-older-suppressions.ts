import { paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { conditionalWrite } from '../../../lambdas/adapters/table/ledger-table.ts';
import { type SuppressionItem, suppressionItem } from '../../../lambdas/adapters/table/recipients.ts';
import { INDEXES } from '../../../lambdas/contract.ts';
import { SUPPRESSION_PREFIX, suppressionIndexKey } from '../../../lambdas/domain/keys.ts';
import { type CliContext, ledgerCommand, openTarget, type Run, type TargetOptions } from '../../command.ts';
import { tableOf } from '../../ledger.ts';
import { counted, createEmit, number } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';

/** The line of `suppressions index --json`. */
export type SuppressionsIndexLine = {
  event: 'indexed';
  /** Suppressions of the table, lifted ones included, and those that the list lacked. */
  stored: number;
  indexed: number;
};

const PROGRESS_ITEMS = 10_000;

const EXAMPLES = `
Run it once after an update from a version before 0.2.0, whose suppressions are not on the list. It reads the whole
table, changes nothing else of a suppression, and can be interrupted and repeated at any time.

Examples:
  npm run ledger -- suppressions index --env prod
  npm run ledger -- suppressions index --local --json`;

export const indexCommand = (context: CliContext, run: Run) =>
  ledgerCommand('index', 'enter what an older version stored into the list of suppressions')
    .addHelpText('after', EXAMPLES)
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
export interface ScannedSuppression extends SuppressionItem {
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
      yield { ...suppressionItem(item), isListed: item[INDEXES.byRecipient.partitionKey] !== undefined };
    }
  }
}
