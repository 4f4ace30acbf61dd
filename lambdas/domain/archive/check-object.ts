import { canonicalJson } from '../canonical-json.ts';
import type { JsonObject } from '../json.ts';
import { type ArchiveRow, columnsOf, commitmentOf, leafOf } from './archive-row.ts';
import type { ChainFault } from './chain.ts';
import type { Manifest } from './manifest.ts';
import { createMerkleTree } from './merkle.ts';

/** Maximum number of faulty rows named per object. */
const MAX_NAMED_ROWS = 20;

/** The result of reading all rows of an object. */
interface ObjectFindings {
  faults: ChainFault[];
  rows: number;
  /** Rows without content, or with content from which an address was removed. */
  erased: number;
}

/**
 * Checks an object's rows, in their order, against its manifest: each commitment against salt and event, each column
 * against the event, and the root against all leaves.
 */
export function createObjectCheck({ domain, object, root }: Manifest) {
  const where = object?.key ?? '';
  const tree = createMerkleTree();
  const faults: ChainFault[] = [];
  let rows = 0;
  let erased = 0;
  let before: ArchiveRow | undefined;

  function name(row: ArchiveRow, what: string): void {
    if (faults.length < MAX_NAMED_ROWS) faults.push({ where: `row ${row.key} (${row.name}) of ${where}`, what });
  }

  return {
    add(row: ArchiveRow): void {
      rows += 1;
      if (row.salt === null) erased += 1;
      tree.add(leafOf(row, domain));
      if (before !== undefined && !isBefore(before, row)) name(row, 'is not in its place');
      before = row;
      if (row.event === null) return;
      if (row.salt !== null && commitmentOf(row.salt, row.event) !== row.commitment)
        name(row, 'holds another event than was committed to');
      const column = differingColumn(row);
      if (column !== undefined) name(row, `says otherwise in the column ${column} than its event`);
    },

    end(): ObjectFindings {
      if (rows !== object?.rows) faults.push({ where, what: `has ${rows} rows, not ${object?.rows ?? 0}` });
      if (tree.root() !== root) faults.push({ where, what: 'has rows of another Merkle root than the manifest' });
      return { faults, rows, erased };
    },
  };
}

/** Returns true where two rows are in the order of the archive: by time, then by name, none twice. */
export function isBefore(a: Pick<ArchiveRow, 'atMs' | 'name'>, b: Pick<ArchiveRow, 'atMs' | 'name'>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.name < b.name);
}

function differingColumn(row: ArchiveRow): string | undefined {
  const columns = columnsOf(JSON.parse(row.event ?? '{}') as JsonObject);
  return (Object.keys(columns) as (keyof typeof columns)[]).find(
    (column) => canonicalJson(columns[column]) !== canonicalJson(row[column]),
  );
}
