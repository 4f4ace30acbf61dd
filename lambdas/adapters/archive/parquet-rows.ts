import zlib from 'node:zlib';
import { type AsyncBuffer, asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { ArchiveRow } from '../../domain/archive/archive-row.ts';
import { COLUMNS } from '../../domain/archive/columns.ts';

/** Yields the rows of a file, a row group at a time. Throws where it is not one of the archive's. */
export async function* readParquet(path: string): AsyncGenerator<ArchiveRow[]> {
  const fields = COLUMNS.map(({ field }) => field);
  for (const group of await openRowGroups(await asyncBufferFromFile(path))) yield group.read(fields);
}

/** A row group of a file of the archive. */
export interface RowGroup {
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
