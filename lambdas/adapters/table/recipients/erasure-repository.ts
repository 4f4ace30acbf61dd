import { markerKey } from '../../../domain/keys.ts';
import { erasureHash, olderErasureHashes } from '../../../domain/recipients/erasure.ts';
import type { ErasureKey, Erasures } from '../../../process/ports.ts';
import { createBatchedGet } from '../batched-get.ts';
import type { LedgerTable } from '../ledger-table.ts';

/** Looks for the markers of recipients; nearly every event names one recipient, so a batch of events is one call. */
export function createErasureRepository(table: LedgerTable, key: ErasureKey): Erasures {
  const marker = createBatchedGet(table, { ConsistentRead: true, ProjectionExpression: 'pk, sk' });
  return {
    async among(addresses) {
      if (addresses.length === 0) return [];
      const secret = await key.read();
      const isErased = async (address: string) => {
        const hashes = [erasureHash(secret, address), ...olderErasureHashes(secret, address)];
        const found = await Promise.all(hashes.map((hash) => marker(markerKey(hash))));
        return found.some((item) => item !== undefined);
      };
      const erased = await Promise.all(addresses.map(isErased));
      return addresses.filter((_, index) => erased[index]);
    },
  };
}
