import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { type SuppressionItem, suppressionItem } from '../../../lambdas/adapters/table/recipients.ts';
import { INDEXES } from '../../../lambdas/contract.ts';
import { SUPPRESSION_PREFIX } from '../../../lambdas/domain/keys.ts';
import { tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';

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
