import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { asciiJson } from '../../domain/json.ts';
import { bounceClassesKey } from '../../domain/keys.ts';
import { CLASSES_KEPT_SECONDS, type KnownClasses, type ReadClasses } from '../../domain/ledger/bounce-classes.ts';
import type { ClassesStore } from '../../reconcile/ports.ts';
import { conditionalWrite, type LedgerTable } from './ledger-table.ts';

/** Stores Mailgun's classes, one item per domain; TTL removes it once no run refreshes it. */
export function createBounceClassesTable({ client, name }: LedgerTable): ClassesStore {
  return {
    async read(domain) {
      const Key = bounceClassesKey(domain);
      const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
      if (Item === undefined) return undefined;
      const { triedAt, note, read } = Item as { triedAt: number; note: string | null; read: string };
      return { triedAt, note, read: JSON.parse(read) as ReadClasses | null };
    },

    async write(domain, next: KnownClasses, previous) {
      const isWritten = await conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: {
              ...bounceClassesKey(domain),
              ...next,
              read: asciiJson(next.read),
              expiresAt: Math.floor(next.triedAt / 1000) + CLASSES_KEPT_SECONDS,
            },
            ConditionExpression: previous ? 'triedAt = :triedAt' : 'attribute_not_exists(pk)',
            ...(previous && { ExpressionAttributeValues: { ':triedAt': previous.triedAt } }),
          }),
        ),
      );
      // The SDK repeats a write whose reply was lost, and then finds its own.
      return isWritten || (await this.read(domain))?.triedAt === next.triedAt;
    },
  };
}
