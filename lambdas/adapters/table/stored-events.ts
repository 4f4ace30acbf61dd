import { type StoredEvents, type StoredFacts, storedName } from '../../domain/reconcile-ports.ts';
import { batchGet } from './batch-get.ts';
import type { LedgerTable } from './ledger-table.ts';

/** Looks events up by strong reads, up to a hundred at once. */
export function createStoredEventsTable(table: LedgerTable): StoredEvents {
  return {
    async lookUp(identities) {
      const found = new Map<string, StoredFacts>();
      const distinct = new Map(
        identities.map((each) => [storedName(each), { pk: each.partition, sk: each.eventSort }]),
      );
      const items = await batchGet(table, {
        Keys: [...distinct.values()],
        ConsistentRead: true,
        ProjectionExpression: 'pk, sk, #at, #source, webhookAt',
        ExpressionAttributeNames: { '#at': 'at', '#source': 'source' },
      });
      for (const { pk, sk, at, source, webhookAt } of items) {
        found.set(storedName({ partition: pk as string, eventSort: sk as string }), {
          atMs: at as number,
          source: source as StoredFacts['source'],
          broughtByWebhook: webhookAt !== undefined,
        });
      }
      return found;
    },
  };
}
