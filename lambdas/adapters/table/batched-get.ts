import DataLoader from 'dataloader';
import { BATCH_KEYS, type BatchRequest, batchGet, type Item, type LedgerTable } from './ledger-table.ts';

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** How all items of a batch are read: the consistency, and the attributes, `pk` and `sk` among them. */
export type HowToRead = Omit<BatchRequest, 'Keys'>;

/** Reads of the records of one batch are short; what the table leaves unread for longer comes back with its message. */
const MAX_ROUNDS = 4;

/** Reads single items; those asked for at the same moment, as by the records of a batch, cost one call together. */
export function createBatchedGet(table: LedgerTable, how: HowToRead): (key: ItemKey) => Promise<Item | undefined> {
  const loader = new DataLoader<ItemKey, Item | undefined>(
    async (keys) => {
      const Keys = [...new Map(keys.map(({ pk, sk }) => [nameOf({ pk, sk }), { pk, sk }])).values()];
      const items = await batchGet(table, { ...how, Keys }, MAX_ROUNDS);
      const byName = new Map(items.map((item) => [nameOf(item as unknown as ItemKey), item]));
      return keys.map((key) => byName.get(nameOf(key)));
    },
    // Nothing is kept: the next batch reads again.
    { cache: false, maxBatchSize: BATCH_KEYS },
  );
  return (key) => loader.load(key);
}

const nameOf = ({ pk, sk }: ItemKey) => JSON.stringify([pk, sk]);
