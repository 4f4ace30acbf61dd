import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import type { StoredSuppression, Suppressions } from '../domain/read-ports.ts';
import type { LedgerTable } from './table-client.ts';

/** Reads the suppressions of a recipient, which are one partition: one read, unless it holds over a megabyte. */
export function createSuppressionsTable({ client, name }: LedgerTable): Suppressions {
  return {
    async list(recipientKey) {
      const found: StoredSuppression[] = [];
      const pages = paginateQuery(
        { client },
        {
          TableName: name,
          // It may have been lifted, or come about, a moment ago.
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': `SUP#${recipientKey}` },
        },
      );
      for await (const { Items = [] } of pages) {
        for (const { domain, kind, scope, reason, since, lastAt = since, eventKey, liftedAt } of Items) {
          const times = { sinceMs: since, lastAtMs: lastAt, liftedAtMs: liftedAt ?? null };
          found.push({ domain, kind, scope, reason: reason ?? null, eventKey, ...times });
        }
      }
      return found;
    },
  };
}
