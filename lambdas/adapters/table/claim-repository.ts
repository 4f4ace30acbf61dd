import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { claimItemKey } from '../../domain/keys.ts';
import { judgeClaim } from '../../domain/webhooks/claim.ts';
import type { Claims } from '../../ingest/ports.ts';
import type { LedgerTable } from './ledger-table.ts';

/** Creates the repository of claims; one conditional put claims a token. */
export function createClaimRepository({ client, name }: LedgerTable): Claims {
  return {
    async claim(claim, nowSeconds) {
      try {
        await client.send(
          new PutCommand({
            TableName: name,
            Item: { ...claimItemKey(claim.key), id: claim.id, hash: claim.hash, expiresAt: claim.expiresAt },
            // TTL deletes up to days late, so an expired claim may still be there.
            ConditionExpression: 'attribute_not_exists(pk) OR expiresAt <= :now',
            ExpressionAttributeValues: { ':now': nowSeconds },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return 'claimed';
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException) || error.Item === undefined) throw error;
        return judgeClaim({ id: error.Item.id?.S ?? '', hash: error.Item.hash?.S ?? '' }, claim);
      }
    },
  };
}
