import { type BinaryLike, createHash, randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib from 'node:zlib';
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  type SchemaElement,
} from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import type { ArchiveRow } from '../domain/archive/archive-row.ts';
import { COLUMNS, type Column } from '../domain/archive/columns.ts';

/** A file of this machine, until it is removed. */
export interface ParquetFile {
  path: string;
  /** Hex. */
  sha256: string;
  bytes: number;
}

export interface ParquetFileWriter<Row = ArchiveRow> {
  /** Adds rows as one row group. */
  add(rows: readonly Row[]): void;
  /** Writes the footer. */
  end(): ParquetFile;
  remove(): void;
}

/** The lowest level that is not larger: a higher one takes ten times as long for a tenth less. */
const ZSTD = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 } };
const PAGE_BYTES = 1_048_576;

/** Opens a temporary Parquet file of the archive; holds one row group in memory at a time. */
export function openParquetWriter(path = temporaryPath()): ParquetFileWriter {
  return openTableWriter(path, COLUMNS);
}

/** Opens a Parquet file with these columns; holds one row group in memory at a time. */
export function openTableWriter<Row>(path: string, columns: readonly Column<Row>[]): ParquetFileWriter<Row> {
  const file = openSync(path, 'w');
  let isOpen = true;
  const hash = createHash('sha256');
  const writer = new ByteWriter();
  const flush = () => {
    const bytes = writer.getBytes();
    hash.update(bytes as BinaryLike);
    for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from);
    writer.index = 0;
  };
  const close = () => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  const parquet = new ParquetWriter({
    writer: Object.assign(writer, { flush, finish: flush }),
    schema: [{ name: 'event', num_children: columns.length }, ...columns.flatMap(elementsOf)],
    codec: 'ZSTD',
    compressors: { ZSTD: (bytes) => zlib.zstdCompressSync(bytes, ZSTD) },
    createdBy: 'mailgun-ledger',
  });
  return {
    add(rows) {
      parquet.write({
        columnData: columns.map((column) => dataOf(column, rows)),
        rowGroupSize: rows.length,
        pageSize: PAGE_BYTES,
      });
    },
    end() {
      parquet.finish();
      close();
      return { path, sha256: hash.digest('hex'), bytes: writer.offset };
    },
    remove() {
      close();
      rmSync(path, { force: true });
    },
  };
}

export const temporaryPath = () => join(tmpdir(), `mailgun-ledger-${process.pid}-${randomUUID()}.parquet`);

/**
 * Removes the temporary files of processes that were killed: a function's next process finds them where it has little
 * room. To be called before this process writes any.
 */
export function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(/^mailgun-ledger-(\d+)-.*\.parquet$/.exec(name)?.[1]);
    if (pid === process.pid || (pid > 0 && !isRunning(pid))) rmSync(join(tmpdir(), name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function dataOf<Row>({ name, field, type, isDistinct }: Column<Row>, rows: readonly Row[]): ColumnSource {
  const values: unknown[] = rows.map((row) => row[field]);
  const data = type === 'time' ? values.map((ms) => BigInt(ms as number) * 1000n) : values;
  return { name, data: data as ColumnSource['data'], statistics: type !== 'texts' && isDistinct !== true };
}

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;

/** Declares a column's type: readers would guess it from values that happen to be null. */
function elementsOf({ name, type, isOptional }: Pick<Column, 'name' | 'type' | 'isOptional'>): SchemaElement[] {
  const repetition_type = isOptional ? 'OPTIONAL' : 'REQUIRED';
  switch (type) {
    case 'text':
      return [{ name, repetition_type, ...TEXT }];
    case 'integer':
      return [{ name, repetition_type, type: 'INT32' }];
    case 'boolean':
      return [{ name, repetition_type, type: 'BOOLEAN' }];
    case 'time': {
      const logical_type = { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } as const;
      return [{ name, repetition_type, type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type }];
    }
    case 'texts':
      return [
        { name, repetition_type, converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', repetition_type: 'REQUIRED', ...TEXT },
      ];
    default:
      return type satisfies never;
  }
}

/** Yields the rows of a file, a row group at a time. Throws where it is not one of the archive's. */
export async function* readParquet(path: string): AsyncGenerator<ArchiveRow[]> {
  const fields = COLUMNS.map(({ field }) => field);
  for (const group of await openRowGroups(await asyncBufferFromFile(path))) yield group.read(fields);
}

/** A row group of a file of the archive. */
interface RowGroup {
  /** Returns these fields of its rows, and reads no other column. */
  read<Field extends keyof ArchiveRow>(fields: readonly Field[]): Promise<Pick<ArchiveRow, Field>[]>;
}

/** Reads a file's footer, at first up to `footerBytes`, and returns its row groups. */
export async function openRowGroups(file: AsyncBuffer, footerBytes?: number): Promise<RowGroup[]> {
  const metadata = await parquetMetadataAsync(file, footerBytes === undefined ? {} : { initialFetchSize: footerBytes });
  let position = 0;
  return metadata.row_groups.map(({ num_rows }): RowGroup => {
    const rowStart = position;
    const rowEnd = position + Number(num_rows);
    position = rowEnd;
    return {
      async read(fields) {
        const wanted = COLUMNS.filter(({ field }) => (fields as readonly string[]).includes(field));
        const columns = wanted.map(({ name }) => name);
        const rows = await parquetReadObjects({ file, metadata, columns, rowStart, rowEnd, compressors });
        return rows.map((row) => fieldsIn(row, wanted));
      },
    };
  });
}

const compressors = {
  ZSTD(bytes: Uint8Array) {
    // A name that is imported from the module would keep the whole command line from starting on Node 20.
    if (zlib.zstdDecompressSync === undefined) throw new Error('reading the archive takes Node 22.15 or later');
    return zlib.zstdDecompressSync(bytes);
  },
};

function fieldsIn<Field extends keyof ArchiveRow>(
  record: Record<string, unknown>,
  columns: typeof COLUMNS,
): Pick<ArchiveRow, Field> {
  const entries = columns.map(({ name, field, type, isOptional }) => {
    const value = record[name] ?? null;
    if (value === null && !isOptional) throw new Error(`a row without ${name}`);
    return [field, type === 'time' ? (value as Date).getTime() : value];
  });
  return Object.fromEntries(entries) as Pick<ArchiveRow, Field>;
}
