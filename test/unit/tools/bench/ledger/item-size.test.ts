import { storedBytes } from '../../../../../tools/bench/ledger/item-size.ts';

const KEYS = { pk: { S: 'abc' }, sk: { S: 'ü' } };
const KEY_BYTES = 2 + 3 + 2 + 2;

test('an item is billed by its names, its values and 100 bytes', () => {
  const values = { n: { N: '-1234500' }, b: { B: 'AAEC' }, none: { NULL: true as const }, yes: { BOOL: false } };
  expect(storedBytes(KEYS)).toEqual({ items: 100 + KEY_BYTES, entries: 0 });
  expect(storedBytes({ ...KEYS, ...values }).items).toBe(100 + KEY_BYTES + (1 + 5) + (1 + 3) + (4 + 1) + (3 + 1));
});

test('lists and maps are billed by 3 bytes, and one for each element', () => {
  const counts = { M: { delivered: { N: '12' } } };
  expect(storedBytes({ ...KEYS, counts, list: { L: [{ S: 'ab' }] } }).items).toBe(
    100 + KEY_BYTES + 6 + (3 + 1 + 9 + 2) + 4 + (3 + 1 + 2),
  );
});

test('an entry of an index is billed apart, by the keys of both alone, and only where the item has its keys', () => {
  const dayKey = { S: 'day' };
  const inIndex = 6 + 3 + (2 + 3);
  expect(storedBytes({ ...KEYS, dayKey, raw: { B: 'AAEC' } })).toEqual({
    items: 100 + KEY_BYTES + 6 + 3 + (3 + 3),
    entries: 0,
  });
  expect(storedBytes({ ...KEYS, dayKey, at: { N: '1234' }, raw: { B: 'AAEC' } })).toEqual({
    items: 100 + KEY_BYTES + inIndex + (3 + 3),
    entries: 100 + KEY_BYTES + inIndex,
  });
});
