import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { ArchiveRow } from '../../../lambdas/domain/archive/archive-row.ts';
import { COLUMNS, type Column } from '../../../lambdas/domain/archive/columns.ts';
import { csvLine } from '../../../lambdas/domain/csv.ts';
import { openTableWriter } from '../../../lambdas/formats/parquet.ts';
import { iso } from '../../time.ts';

export const FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

/** A row of the archive with its domain, which stands in the key there. */
export type ExportedRow = Omit<ArchiveRow, 'name' | 'salt' | 'commitment'> & { domain: string };

/** Columns that only proofs need are left out. */
const isExported = (column: Column): column is Column & { field: keyof ExportedRow } =>
  !['name', 'salt', 'commitment'].includes(column.field);

const EXPORTED: readonly Column<ExportedRow>[] = [
  { name: 'domain', field: 'domain', type: 'text' },
  ...COLUMNS.filter(isExported),
];

/** Returns the first line of a table in the format, where it has one. */
export function headOf(format: Format): string[] {
  return format === 'csv' ? [csvLine(EXPORTED.map(({ name }) => name))] : [];
}

/** Returns a row as a line. Times are ISO 8601 in UTC; in CSV a list is JSON. */
export function lineOf(format: 'csv' | 'ndjson', row: ExportedRow): string {
  const values = EXPORTED.map(({ field, type }) => {
    const value = row[field];
    return type === 'time' ? iso(value as number) : value;
  });
  if (format === 'csv') return csvLine(values.map(asCell));
  const named = EXPORTED.map(({ name, field }, nth) => [
    name,
    field === 'event' && row.event !== null ? JSON.parse(row.event) : values[nth],
  ]);
  return JSON.stringify(Object.fromEntries(named));
}

function asCell(value: ExportedRow[keyof ExportedRow]): string | number | null {
  if (typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? JSON.stringify(value) : value;
}

/** A file that appears under its name once it is whole. */
export interface TableFile {
  add(rows: readonly ExportedRow[]): void;
  /** Moves the file into place; without rows there is none. */
  end(): void;
  /** Removes what is not in place yet. */
  discard(): void;
}

const GROUP_ROWS = 10_000;

export function openTableFile(path: string, format: Format): TableFile {
  const part = `${path}.part`;
  const writer = format === 'parquet' ? parquetTo(part) : linesTo(part, format);
  let rows = 0;
  return {
    add(group) {
      rows += group.length;
      writer.add(group);
    },
    end() {
      writer.end();
      if (rows > 0) renameSync(part, path);
    },
    discard: () => writer.remove(),
  };
}

function linesTo(path: string, format: 'csv' | 'ndjson') {
  const file = openSync(path, 'w');
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  const write = (lines: readonly string[]) => {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from);
  };
  let head = headOf(format);
  return {
    add(rows: readonly ExportedRow[]) {
      write([...head, ...rows.map((row) => lineOf(format, row))]);
      head = [];
    },
    end: close,
    remove() {
      close();
      rmSync(path, { force: true });
    },
  };
}

/** Writes Parquet; rows are buffered until a row group is full, which is compressed as a whole. */
function parquetTo(path: string) {
  const writer = openTableWriter(path, EXPORTED);
  let waiting: ExportedRow[] = [];
  const flush = () => {
    if (waiting.length > 0) writer.add(waiting);
    waiting = [];
  };
  return {
    add(rows: readonly ExportedRow[]) {
      waiting.push(...rows);
      if (waiting.length >= GROUP_ROWS) flush();
    },
    end() {
      flush();
      writer.end();
    },
    remove: writer.remove,
  };
}
