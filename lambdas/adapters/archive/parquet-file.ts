import { type BinaryLike, createHash, randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import type { ArchiveRow } from '../../domain/archive/archive-row.ts';
import { COLUMNS, type Column } from '../../domain/archive/columns.ts';

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

export const temporaryPath = () => join(tmpdir(), `mailgun-ledger-${randomUUID()}.parquet`);

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
