import { INDEXES, TABLE } from '../../../lambdas/contract.ts';

/** A value as DynamoDB's API writes it; `B` in base64. */
type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: Readonly<Record<string, AttributeValue>> };

/** An item as DynamoDB's API writes it. */
export type TypedItem = Readonly<Record<string, AttributeValue>>;

/** Billed for each item and each entry of an index, beyond its attributes. */
const OVERHEAD_BYTES = 100;
/** Bytes of a list or map, and of each of its elements. */
const NESTING_BYTES = 3;
const ELEMENT_BYTES = 1;

/** Bytes that AWS bills as storage; point-in-time recovery is billed by those of items alone. */
export interface StoredBytes {
  readonly items: number;
  /** In global indexes. */
  readonly entries: number;
}

/**
 * Returns the bytes that AWS bills as storage for an item and for its index entries. By AWS's manual: names in UTF-8,
 * one byte for a number plus one per two digits, and only both keys in a keys-only index. Engines count differently.
 */
export function storedBytes(item: TypedItem): StoredBytes {
  const entries = Object.values(INDEXES).flatMap(({ partitionKey, sortKey }) =>
    item[partitionKey] === undefined || item[sortKey] === undefined ? [] : [[partitionKey, sortKey]],
  );
  const bytesWith = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + bytesOf(name, item[name]), OVERHEAD_BYTES);
  return {
    items: bytesWith(Object.keys(item)),
    entries: entries.reduce((sum, keys) => sum + bytesWith([...keys, TABLE.partitionKey, TABLE.sortKey]), 0),
  };
}

function bytesOf(name: string, value: AttributeValue | undefined): number {
  return Buffer.byteLength(name) + (value === undefined ? 0 : bytesOfValue(value));
}

function bytesOfValue(value: AttributeValue): number {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('B' in value) return Buffer.from(value.B, 'base64').length;
  if ('L' in value) return value.L.reduce((sum, each) => sum + ELEMENT_BYTES + bytesOfValue(each), NESTING_BYTES);
  if ('M' in value) {
    return Object.entries(value.M).reduce(
      (sum, [name, each]) => sum + ELEMENT_BYTES + bytesOf(name, each),
      NESTING_BYTES,
    );
  }
  if (!('N' in value)) return 1;
  const digits = value.N.replace(/\D/g, '').replace(/^0+|0+$/g, '');
  return 1 + Math.ceil(digits.length / 2) + (value.N.startsWith('-') ? 1 : 0);
}
