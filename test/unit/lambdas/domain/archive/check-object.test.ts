import type { ArchiveRow } from '../../../../../lambdas/domain/archive/archive-row.ts';
import { createObjectCheck } from '../../../../../lambdas/domain/archive/check-object.ts';
import { erasedRow, rowWithoutAddress } from '../../../../../lambdas/domain/archive/erased-row.ts';
import type { Manifest } from '../../../../../lambdas/domain/archive/manifest.ts';
import { archiveRow, chainOf } from '../../../../support/archive/archive.ts';
import { ERASURE_KEY } from '../../../../support/fixtures/erasures.ts';
import { DOMAIN } from '../../../../support/fixtures/webhooks.ts';

const ROWS = [1, 2, 3, 4, 5].map((nth) => archiveRow(nth));
const MANIFEST = chainOf([ROWS])[0]?.manifest as Manifest;
const KEY = 'events/domain=mg.example.com/day=2026-02-02/1769999400-0.parquet';

function check(rows: readonly ArchiveRow[]) {
  const object = createObjectCheck(MANIFEST);
  for (const row of rows) object.add(row);
  return object.end();
}

const changed = (nth: number, over: Partial<ArchiveRow>) =>
  ROWS.map((row, each) => (each === nth ? { ...row, ...over } : row));

test('sealed rows pass the check of an object', () => {
  expect(check(ROWS)).toEqual({ faults: [], rows: 5, erased: 0 });
});

test('rows of erased recipients pass the check of an object', () => {
  const rows = ROWS.map((row) => erasedRow(row, DOMAIN, ERASURE_KEY));
  expect(check(rows)).toEqual({ faults: [], rows: 5, erased: 5 });
  expect(check([rowWithoutAddress(ROWS[0] as ArchiveRow, 'ada@example.org'), ...ROWS.slice(1)]).faults).toEqual([]);
});

test.each<{ name: string; rows: readonly ArchiveRow[]; where: string; what: RegExp }>([
  {
    name: 'swapped rows',
    rows: [...ROWS].toSpliced(1, 2, ROWS[2] as ArchiveRow, ROWS[1] as ArchiveRow),
    where: `row delivered#event-2 (name-0002) of ${KEY}`,
    what: /not in its place/,
  },
  { name: 'a removed row', rows: ROWS.slice(1), where: KEY, what: /4 rows, not 5/ },
  {
    name: 'a duplicate row',
    rows: ROWS.toSpliced(1, 0, ROWS[0] as ArchiveRow),
    where: `row delivered#event-1 (name-0001) of ${KEY}`,
    what: /not in its place/,
  },
  {
    name: 'another event',
    rows: changed(2, { event: (ROWS[2] as ArchiveRow).event?.replace('250', '251') ?? '' }),
    where: `row delivered#event-3 (name-0003) of ${KEY}`,
    what: /another event/,
  },
  {
    name: 'another commitment',
    rows: changed(2, { commitment: 'ab'.repeat(32) }),
    where: KEY,
    what: /another Merkle root/,
  },
  {
    name: 'another commitment without a salt',
    rows: changed(2, { commitment: 'ab'.repeat(32), salt: null }),
    where: KEY,
    what: /another Merkle root/,
  },
  {
    name: 'another type',
    rows: changed(2, { type: 'failed' }),
    where: `row delivered#event-3 (name-0003) of ${KEY}`,
    what: /column type/,
  },
  {
    name: 'another column',
    rows: changed(2, { provider: 'Gmail' }),
    where: `row delivered#event-3 (name-0003) of ${KEY}`,
    what: /column provider/,
  },
  {
    name: 'another time',
    rows: changed(2, { atMs: (ROWS[2] as ArchiveRow).atMs + 1 }),
    where: KEY,
    what: /another Merkle root/,
  },
])('the check of an object reports $name', ({ rows, where, what }) => {
  expect(check(rows).faults).toContainEqual({ where, what: expect.stringMatching(what) });
});

test('the check of an object reports only some of many wrong rows', () => {
  const rows = Array.from({ length: 30 }, (_, nth) => ({ ...archiveRow(nth), provider: 'Gmail' }));
  expect(check(rows).faults.filter(({ what }) => what.includes('column provider'))).toHaveLength(20);
});
