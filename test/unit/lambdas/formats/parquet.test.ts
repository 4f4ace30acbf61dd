import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ArchiveRow } from '../../../../lambdas/domain/archive/archive-row.ts';
import { COLUMNS } from '../../../../lambdas/domain/archive/columns.ts';
import { erasedRow } from '../../../../lambdas/domain/archive/erased-row.ts';
import {
  openParquetWriter,
  type ParquetFileWriter,
  readParquet,
  removeLeftovers,
} from '../../../../lambdas/formats/parquet.ts';
import { archiveRow } from '../../../support/archive/archive.ts';
import { ERASURE_KEY } from '../../../support/fixtures/erasures.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';

const ROWS: ArchiveRow[] = [
  archiveRow(1, {
    tags: [],
    'delivery-status': { code: 550, 'mx-host': 'mx.example.org', message: 'no — «nicht» 😀' },
  }),
  erasedRow(archiveRow(2), DOMAIN, ERASURE_KEY),
  archiveRow(3, { tags: ['a', 'B', 'a'], recipient: undefined, 'user-variables': { 'lone surrogate': '\ud800' } }),
  archiveRow(4, {
    'delivery-status': { code: 4_294_967_296 },
    url: 'https://example.org/?a=1',
    'recipient-provider': 'Gmail',
  }),
];

const written: ParquetFileWriter[] = [];
afterEach(() => {
  for (const writer of written.splice(0)) writer.remove();
});

test('files of processes that were killed are removed, and those of running ones stay', () => {
  const ended = spawnSync(process.execPath, ['-e', '']).pid;
  const named = (pid: number) => join(tmpdir(), `mailgun-ledger-${pid}-${randomUUID()}.parquet`);
  const [killed, own, running] = [named(ended), named(process.pid), named(process.ppid)] as const;
  try {
    for (const path of [killed, own, running]) writeFileSync(path, '');
    removeLeftovers();
    expect([killed, own, running].map((path) => existsSync(path))).toEqual([false, false, true]);
  } finally {
    rmSync(running, { force: true });
  }
});

function write(groups: readonly ArchiveRow[][]) {
  const writer = openParquetWriter();
  written.push(writer);
  for (const group of groups) writer.add(group);
  return { writer, file: writer.end() };
}

async function rowsIn(path: string): Promise<ArchiveRow[][]> {
  const groups: ArchiveRow[][] = [];
  for await (const group of readParquet(path)) groups.push(group);
  return groups;
}

test('a written file is read back by row group, and its hash and size are right', async () => {
  const { file } = write([ROWS.slice(0, 3), ROWS.slice(3)]);

  const bytes = readFileSync(file.path);
  expect(await rowsIn(file.path)).toEqual([ROWS.slice(0, 3), ROWS.slice(3)]);
  expect(file.bytes).toBe(bytes.length);
  expect(file.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('an unfinished file is removed too', () => {
  const { writer, file } = write([ROWS]);
  writer.remove();
  expect(existsSync(file.path)).toBe(false);
  expect(() => openParquetWriter().remove()).not.toThrow();
});

test('DuckDB reads every column with its type, times in UTC and nulls as nulls', async () => {
  const { file } = write([ROWS.slice(0, 2), ROWS.slice(2)]);
  const duckdb = await (await DuckDBInstance.create()).connect();
  const all = async (sql: string) => (await duckdb.runAndReadAll(sql)).getRowObjectsJson();

  const types = await all(`DESCRIBE SELECT * FROM read_parquet('${file.path}')`);
  const rows = await all(`SELECT *, epoch_ms("time") AS ms FROM read_parquet('${file.path}') ORDER BY "time"`);

  const named = {
    time: 'TIMESTAMP WITH TIME ZONE',
    text: 'VARCHAR',
    integer: 'INTEGER',
    boolean: 'BOOLEAN',
    texts: 'VARCHAR[]',
  };
  expect(types.map(({ column_name, column_type }) => [column_name, column_type])).toEqual(
    COLUMNS.map(({ name, type }) => [name, named[type]]),
  );
  expect(rows.map(({ ms }) => Number(ms))).toEqual(ROWS.map(({ atMs }) => atMs));
  for (const { name, field, type } of COLUMNS.filter((column) => column.type !== 'time')) {
    expect({ name, type, values: rows.map((row) => row[name]) }).toEqual({
      name,
      type,
      values: ROWS.map((row) => row[field]),
    });
  }
  duckdb.closeSync();
});

test('a file whose rows all lack a value reads like one whose rows have it', async () => {
  const { file } = write([[erasedRow(archiveRow(1), DOMAIN, ERASURE_KEY)]]);
  const { file: other } = write([[archiveRow(2, { reason: 'bounce' })]]);
  const duckdb = await (await DuckDBInstance.create()).connect();
  const { rows } = {
    rows: (
      await duckdb.runAndReadAll(`SELECT reason FROM read_parquet(['${file.path}', '${other.path}']) ORDER BY "time"`)
    ).getRowObjectsJson(),
  };
  expect(rows).toEqual([{ reason: null }, { reason: 'bounce' }]);
  duckdb.closeSync();
});
