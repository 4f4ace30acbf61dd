import type { PublishableRows } from '../domain/publish-ports.ts';
import type { Row, StatusRow, SuppressionRow } from '../domain/published.ts';
import { batchGet } from './batch-get.ts';
import { readPartition } from './read-partition.ts';
import { rowOf } from './row-of.ts';
import type { LedgerTable } from './table-client.ts';

/** Reads statuses and suppressions as they stand, to publish them once more. */
export function createPublishableRowsTable(table: LedgerTable): PublishableRows {
  return {
    async statuses(keys) {
      const Keys = keys.map(({ partition, sort }) => ({ pk: partition, sk: sort }));
      const items = await batchGet(table, { Keys, ConsistentRead: true });
      return items.map(rowOf).filter(isStatus);
    },

    async suppressions(recipientKey) {
      const rows: SuppressionRow[] = [];
      for await (const item of readPartition(table, `SUP#${recipientKey}`)) {
        const row = rowOf(item);
        if (row?.type === 'suppression') rows.push(row);
      }
      return rows;
    },
  };
}

const isStatus = (row: Row | undefined): row is StatusRow => row?.type === 'status';
