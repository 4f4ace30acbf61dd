import { paginateScan } from '@aws-sdk/lib-dynamodb';
import type { LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import type { ItemKey } from '../../../lambdas/domain/keys.ts';
import { unpackEvent } from '../../../lambdas/formats/packed-event.ts';

type Item = Record<string, unknown>;

/** Every item of the table. */
export async function allItems({ client, name }: LedgerTable): Promise<Item[]> {
  const items: Item[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: name, ConsistentRead: true })) {
    items.push(...Items);
  }
  return items;
}

/** Returns an item's whole text in lower case: events unpacked, and bytes as they are. */
function textOfItem(item: Item): string {
  const bytes = Object.values(item).filter((value) => value instanceof Uint8Array);
  const events = item.raw instanceof Uint8Array ? [unpackEvent(item.raw, item as unknown as ItemKey)] : [];
  const raw = bytes.map((each) => Buffer.from(each).toString('latin1')).join();
  return `${JSON.stringify([item, ...events])} ${raw}`.toLowerCase();
}

/** Returns the keys of items that contain the text. */
export async function itemsWith(table: LedgerTable, text: string): Promise<string[]> {
  const found = (await allItems(table)).filter((item) => textOfItem(item).includes(text.toLowerCase()));
  return found.map(({ pk, sk }) => `${pk} ${sk}`);
}
