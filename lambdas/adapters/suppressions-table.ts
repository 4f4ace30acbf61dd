import type { Suppressions } from '../domain/read-ports.ts';
import type { StoredSuppression } from '../domain/suppression.ts';
import { readPartition } from './read-partition.ts';
import { storedSuppression } from './stored-suppression.ts';
import type { LedgerTable } from './table-client.ts';

/** Reads the suppressions of a recipient, which are one partition: one read, unless it holds over a megabyte. */
export function createSuppressionsTable(table: LedgerTable): Suppressions {
  return {
    // Strongly: it may have been lifted, or come about, a moment ago.
    async list(recipientKey) {
      const found: StoredSuppression[] = [];
      for await (const item of readPartition(table, `SUP#${recipientKey}`)) found.push(storedSuppression(item));
      return found;
    },
  };
}
