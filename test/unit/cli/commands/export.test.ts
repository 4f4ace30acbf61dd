import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import type { ReadDay } from '../../../../cli/archive/history.ts';
import type { CliContext } from '../../../../cli/command.ts';
import { FORMATS, type Format } from '../../../../cli/commands/export/tables.ts';
import {
  type ExportLine,
  type ExportRequest,
  exportToFolder,
  exportToOutput,
  readExportState,
} from '../../../../cli/commands/export.ts';
import { TargetUnavailableError, UsageError } from '../../../../cli/errors.ts';
import type { ArchiveRow } from '../../../../lambdas/domain/archive/archive-row.ts';
import { archiveRow } from '../../../support/archive/archive.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';

const DAY = 86_400;
const FROM = 1_769_990_400;
const PER_DAY = 3;
const OTHER = 'other.example.com';
const folder = mkdtempSync(join(tmpdir(), 'export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rowsOfDay = (fromMs: number): ArchiveRow[] =>
  Array.from({ length: PER_DAY }, (_, nth) =>
    archiveRow(nth, { tags: nth === 1 ? ['Spring'] : [], recipient: `R${nth}@Example.org` }, fromMs / 1000),
  );

/** Three days of a domain; another has none. The reading breaks off before the row that is numbered so. */
function history(breakAt = Number.POSITIVE_INFINITY): { readDay: ReadDay; days: number[] } {
  const days: number[] = [];
  let read = 0;
  return {
    days,
    async *readDay(domain, fromMs) {
      if (domain !== DOMAIN) return;
      days.push((fromMs / 1000 - FROM) / DAY);
      for (const row of rowsOfDay(fromMs)) {
        if (read++ === breakAt) throw new Error('the power is cut');
        yield [{ row, isStored: true }];
      }
    },
  };
}

const REQUEST: ExportRequest = {
  ledger: 'stack',
  format: 'csv',
  from: FROM,
  to: FROM + 3 * DAY,
  domains: [DOMAIN, OTHER],
  types: [],
  recipient: null,
  tag: null,
};

function context(over: Partial<CliContext> = {}) {
  const lines: string[] = [];
  const base = {
    print: (line: string) => lines.push(line),
    printError: () => {},
    now: () => 0,
    signal: new AbortController().signal,
  };
  return { lines, context: { ...base, ...over } as unknown as CliContext };
}

async function run(out: string, readDay: ReadDay, over: Partial<ExportRequest> = {}, signal?: AbortSignal) {
  const lines: ExportLine[] = [];
  const state = readExportState(out) ?? { v: 1, request: { ...REQUEST, ...over }, events: 0, files: 0, reached: {} };
  const emit = (line: ExportLine) => lines.push(line);
  const given = context(signal && { signal }).context;
  const exitCode = await exportToFolder(given, { folder: out, state, readDay, emit, goOn: 'go on' });
  return { exitCode, lines };
}

const filesIn = (out: string) => readdirSync(join(out, DOMAIN)).sort();
const DAYS = ['2026-02-02', '2026-02-03', '2026-02-04'];

async function eventsIn(path: string, format: Format): Promise<string[]> {
  if (format === 'parquet') {
    const compressors = { ZSTD: (bytes: Uint8Array) => zlib.zstdDecompressSync(bytes) };
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
    return rows.map(({ domain, key, time }) => `${domain} ${key} ${(time as Date).toISOString()}`);
  }
  const [first = '', ...lines] = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  if (format === 'csv') {
    const columns = first.split(',');
    return lines.map((line) => {
      const cells = line.split(',');
      const cell = (name: string) => cells[columns.indexOf(name)];
      return `${cell('domain')} ${cell('key')} ${cell('time')}`;
    });
  }
  return [first, ...lines].map((line) => {
    const { domain, key, time, event } = JSON.parse(line);
    expect(event.id).toBe(key.split('#')[1]);
    return `${domain} ${key} ${time}`;
  });
}

/** Writing to this device fails as on a full disk. */
const FULL = '/dev/full';

describe('on a full disk', () => {
  const without = existsSync(FULL) ? test : test.skip;

  without.each([...FORMATS, undefined])(
    'an export ends in a sentence, leaves no part of a file, and continues once there is room (%s)',
    async (format) => {
      const out = join(folder, `full-${format}`);
      // Under these names the file of a day, and how far the export has come, are written first.
      const part = join(out, format === undefined ? 'export.json.part' : `${DOMAIN}/${DAYS[1]}.${format}.part`);
      const { readDay } = history();
      const filling: ReadDay = (domain, fromMs, toMs) => {
        if (domain === DOMAIN && fromMs === FROM * 1000) symlinkSync(FULL, part);
        return readDay(domain, fromMs, toMs);
      };
      const first = run(out, filling, format && { format });
      await expect(first).rejects.toEqual(
        new TargetUnavailableError(`--out ${out} cannot be written: the disk is full; make room, then go on`),
      );
      if (format === undefined) rmSync(part);
      expect(filesIn(out)).toEqual([`${DAYS[0]}.${format ?? 'csv'}`]);

      const { exitCode, lines } = await run(out, history().readDay);
      expect({ exitCode, end: lines.at(-1) }).toEqual({
        exitCode: 0,
        end: { event: 'exported', complete: true, events: 3 * PER_DAY, files: 3 },
      });
    },
  );
});

test.each(FORMATS)('an export interrupted at any row continues, and ends with the same files in %s', async (format) => {
  for (let cut = 0; cut <= 3 * PER_DAY; cut += 1) {
    const out = join(folder, `${format}-${cut}`);
    const first = await run(out, history(cut).readDay, { format }).catch((error: Error) => error.message);
    if (cut < 3 * PER_DAY) expect(first).toBe('the power is cut');
    const again = history();

    const { exitCode, lines } = await run(out, again.readDay);

    expect(exitCode).toBe(0);
    expect(again.days).toEqual([0, 1, 2].slice(Math.floor(cut / PER_DAY)));
    expect(lines.at(-1)).toEqual({ event: 'exported', complete: true, events: 3 * PER_DAY, files: 3 });
    expect(filesIn(out)).toEqual(DAYS.map((day) => `${day}.${format}`));
    for (const [nth, day] of DAYS.entries()) {
      const expected = rowsOfDay((FROM + nth * DAY) * 1000);
      const found = await eventsIn(join(out, DOMAIN, `${day}.${format}`), format);
      expect(found).toEqual(expected.map(({ key, atMs }) => `${DOMAIN} ${key} ${new Date(atMs).toISOString()}`));
    }
  }
});

test('an export stopped by the operator prints the command that continues, and leaves no partial file', async () => {
  const stopping = new AbortController();
  const { readDay } = history();
  async function* stopped(...args: Parameters<ReadDay>) {
    if (args[1] === (FROM + DAY) * 1000) stopping.abort();
    yield* readDay(...args);
  }
  const out = join(folder, 'stopped');

  const { exitCode, lines } = await run(out, stopped, {}, stopping.signal);

  expect(exitCode).toBe(1);
  expect(lines).toContainEqual({ event: 'resume', commands: ['go on'] });
  expect(filesIn(out)).toEqual(['2026-02-02.csv']);
});

test('an export to a folder that cannot be made reads nothing, and says what to do', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const { readDay, days } = history();

  await expect(run(join(file, 'out'), readDay)).rejects.toEqual(
    new UsageError(`--out ${file}/out cannot be written: it is a file, or lies under one; name a folder`),
  );
  expect(days).toEqual([]);
});

test.each(['output', 'folder'])('an operator ends an export to %s also among days without events', async (to) => {
  const stop = new AbortController();
  let days = 0;
  const readDay: ReadDay = async function* () {
    days += 1;
    if (days === 2) stop.abort();
    yield* [];
  };

  const exitCode =
    to === 'output'
      ? await exportToOutput(context({ signal: stop.signal }).context, REQUEST, readDay)
      : (await run(join(folder, 'idle'), readDay, {}, stop.signal)).exitCode;

  expect({ exitCode, days }).toEqual({ exitCode: 1, days: 2 });
});

test.each<{ name: string; filter: Partial<ExportRequest>; keys: string[] }>([
  { name: 'a tag in any case', filter: { tag: 'spring' }, keys: ['delivered#event-1'] },
  { name: 'a recipient in any case', filter: { recipient: 'r2@example.ORG' }, keys: ['delivered#event-2'] },
  { name: 'types', filter: { types: ['delivered'] }, keys: [0, 1, 2].map((nth) => `delivered#event-${nth}`) },
])('only events of $name are printed', async ({ filter, keys }) => {
  const { context: given, lines } = context();
  const request = { ...REQUEST, ...filter, format: 'ndjson' as const, to: FROM + DAY };

  expect(await exportToOutput(given, request, history().readDay)).toBe(0);

  expect(lines.map((line) => JSON.parse(line).key)).toEqual(keys);
});

test.each(FORMATS)(
  'an export to %s that is killed leaves no half file, and a second run finishes it',
  async (format) => {
    const out = join(folder, `killed-${format}`);
    const module = (path: string) => JSON.stringify(new URL(`../../../../${path}`, import.meta.url).href);
    // The fifth row of the domain is the second of its second day.
    const script = `
    import { exportToFolder } from ${module('cli/commands/export.ts')};
    import { archiveRow } from ${module('test/support/archive/archive.ts')};
    let read = 0;
    async function* readDay(domain, fromMs) {
      if (domain !== ${JSON.stringify(DOMAIN)}) return;
      for (let nth = 0; nth < ${PER_DAY}; nth += 1) {
        if (read++ === 4) process.kill(process.pid, 'SIGKILL');
        yield [{ row: archiveRow(nth, {}, fromMs / 1000), isStored: true }];
      }
    }
    const context = { print() {}, printError() {}, now: () => 0, signal: new AbortController().signal };
    const state = { v: 1, request: ${JSON.stringify({ ...REQUEST, format })}, events: 0, files: 0, reached: {} };
    await exportToFolder(context, { folder: ${JSON.stringify(out)}, state, readDay, emit() {}, goOn: '' });`;
    const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect([killed.signal, killed.stderr]).toEqual(['SIGKILL', '']);
    expect(readdirSync(join(out, DOMAIN)).filter((name) => !name.endsWith('.part'))).toEqual([`2026-02-02.${format}`]);

    const { days, readDay } = history();
    const { lines } = await run(out, readDay, { format });
    expect(days).toEqual([1, 2]);
    expect(lines.at(-1)).toMatchObject({ event: 'exported', complete: true, events: 3 * PER_DAY, files: 3 });
    expect(filesIn(out)).toEqual(DAYS.map((day) => `${day}.${format}`));
  },
);

test('an export that is killed while it begins leaves a folder that a second run takes', () => {
  const out = join(folder, 'begun');
  mkdirSync(out);
  writeFileSync(join(out, 'export.json.part'), '{"v":');

  expect(readExportState(out)).toBeUndefined();
});

test('a filter that no event matches is an error', async () => {
  const request = { ...REQUEST, types: ['clicked'] };
  await expect(exportToOutput(context().context, request, history().readDay)).rejects.toThrow('no event matches');
  await expect(run(join(folder, 'none'), history().readDay, request)).rejects.toThrow('no event matches');
});

test('a folder with other files, or of another version, is refused', async () => {
  expect(() => readExportState(join(folder))).toThrow('has files');
  expect(readExportState(join(folder, 'new'))).toBeUndefined();
});
