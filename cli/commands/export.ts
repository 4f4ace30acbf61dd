import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { z } from 'zod';
import type { ArchiveRow } from '../../lambdas/domain/archive/archive-row.ts';
import { erasedAs } from '../../lambdas/domain/archive/erased-row.ts';
import { daysOf } from '../../lambdas/domain/archive/object-keys.ts';
import { EVENT_NAMES } from '../../lambdas/domain/event-types.ts';
import { jsonIn } from '../../lambdas/domain/json.ts';
import { keyPart, recipientKey, utcDay } from '../../lambdas/domain/keys.ts';
import { shellWord } from '../../lambdas/domain/shell-word.ts';
import { openHistory, type ReadDay } from '../archive/history.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkTag,
  chosenDomains,
  ledgerCommand,
  openTarget,
  repeated,
  type TargetOptions,
  targetRefText,
  timeOption,
} from '../command.ts';
import { TargetUnavailableError, UsageError, usingFile } from '../errors.ts';
import { counted, createEmit, createProgress, type Emit, number } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { timeText } from '../time.ts';
import {
  type ExportedRow,
  FORMATS,
  type Format,
  headOf,
  lineOf,
  openTableFile,
  type TableFile,
} from './export/tables.ts';
import { checkAddress } from './suppressions.ts';

interface ExportOptions extends TargetOptions {
  readonly from?: number;
  readonly to?: number;
  readonly domain?: string;
  readonly type?: string[];
  readonly recipient?: string;
  readonly tag?: string;
  readonly format?: Format;
  readonly out?: string;
}

const EXAMPLES = `
Reads table and archive together: each event comes once, by domain and time. Events of erased recipients are rows
without content, so counts stay. Without --out the table goes to standard output (csv, ndjson). With --out each domain
has a folder with a file for each UTC day; to continue an interrupted export, give the same --out and target, and no
other option.
Memory does not grow with the range; temporary files hold one object of the archive at a time. Filters do not reduce
what is read.

Examples:
  npm run --silent ledger -- export --from 2026-11-01 --to 2026-12-01 --env prod > events.csv
  npm run ledger -- export --from 400d --format parquet --out ./events --env prod
  npm run ledger -- export --out ./events --env prod
  npm run --silent ledger -- export --from 7d --type failed --tag spring --format ndjson --local

Needs on AWS: dynamodb:Query on the table's indexes, dynamodb:BatchGetItem, secretsmanager:GetSecretValue on the erasure
key; with an archive s3:GetObject and s3:ListBucket on the bucket.`;

export const exportCommand: CommandBuilder = (context, run) =>
  ledgerCommand('export', 'write the events of table and archive as one table')
    .option('--from <time>', 'events since then', timeOption('from', context))
    .option('--to <time>', 'events before then (now)', timeOption('to', context))
    .option('--domain <name>', 'only this sending domain (all)')
    .addOption(
      new Option('--type <type>', 'only events of this type; may be repeated').argParser(
        (value: string, values?: string[]) => repeated(checkType(value), values),
      ),
    )
    .option('--recipient <address>', 'only events of this recipient, in any case')
    .option('--tag <tag>', 'only events under this tag, in any case', checkTag)
    .addOption(new Option('--format <format>', 'format of the table (csv)').choices(FORMATS))
    .option('--out <folder>', 'write files there, and continue where an earlier run stopped')
    .addHelpText('after', EXAMPLES)
    .action(run<ExportOptions>((options) => exportEvents(context, options)));

function checkType(type: string): string {
  if (EVENT_NAMES.includes(type)) return type;
  throw new UsageError(`--type must be one of ${EVENT_NAMES.join(', ')}`);
}

async function exportEvents(context: CliContext, options: ExportOptions): Promise<number> {
  const { out } = options;
  const begun =
    out === undefined ? undefined : await usingFile(`--out ${out} cannot be read`, () => readExportState(out));
  if (begun === undefined) checkRequest(options);
  else checkNothingElse(options);
  const deployment = await openTarget(context, options);
  const request = begun?.request ?? requestOf(options, deployment, context.now());
  if (request.ledger !== deployment.stackName)
    throw new UsageError(`the export in ${options.out} is of ${request.ledger}, not of ${deployment.stackName}`);
  const readDay = await openHistory(deployment);
  if (options.out === undefined) return exportToOutput(context, request, readDay);
  const goOn = `npm run ledger -- export --out ${shellWord(options.out)} ${targetRefText(deployment.ref)}`;
  const state = begun ?? { v: 1, request, events: 0, files: 0, reached: {} };
  const emit = createEmit<ExportLine>(context, options.json);
  return exportToFolder(context, { folder: options.out, state, readDay, emit, goOn });
}

function checkRequest({ from, format, out, json }: ExportOptions): void {
  if (from === undefined) throw new UsageError('--from is missing; --help shows examples');
  if (out === undefined && format === 'parquet') throw new UsageError('--format parquet needs --out <folder>');
  if (out === undefined && json) throw new UsageError('--json goes with --out; --format ndjson prints events as JSON');
}

/** Refuses a folder with files of another export. */
function checkNothingElse({ from, to, domain, type, recipient, tag, format, out }: ExportOptions): void {
  if ([from, to, domain, type, recipient, tag, format].every((given) => given === undefined)) return;
  throw new UsageError(
    `${out} holds an unfinished export: continue with --out and the target alone, or use another folder`,
  );
}

function requestOf(options: ExportOptions, deployment: Deployment, nowMs: number): ExportRequest {
  const { from = 0, to = Math.floor(nowMs / 1000), domain, type = [], recipient, tag, format = 'csv' } = options;
  if (from >= to) throw new UsageError('--from must be before --to');
  const domains = chosenDomains(deployment, domain);
  const filters = {
    types: type,
    recipient: recipient === undefined ? null : checkAddress(recipient),
    tag: tag ?? null,
  };
  return { ledger: deployment.stackName, format, from, to, domains, ...filters };
}

/** The lines of `export --out --json`. */
export type ExportLine =
  | { event: 'progress'; domain: string; reached: string; events: number }
  | { event: 'resume'; commands: string[] }
  | { event: 'exported'; complete: boolean; events: number; files: number };

/** Prints the table, the domains one after the other; returns the exit code. */
export async function exportToOutput(context: CliContext, request: ExportRequest, readDay: ReadDay): Promise<number> {
  const format = request.format === 'ndjson' ? 'ndjson' : 'csv';
  for (const line of headOf(format)) context.print(line);
  let events = 0;
  const report = createProgress(context);
  for (const domain of request.domains) {
    for (const { fromMs, toMs } of daysOf(request.from * 1000, request.to * 1000)) {
      // Days without events yield no rows.
      if (context.signal.aborted) return interrupted(context);
      for await (const rows of exportedRows(readDay, request, domain, fromMs, toMs)) {
        for (const row of rows) context.print(lineOf(format, row));
        events += rows.length;
        if (context.signal.aborted) return interrupted(context);
        report(() => context.printError(`${domain}  ${utcDay(fromMs)}  ${counted(events, 'event')}`));
      }
    }
  }
  return finish(events);
}

function interrupted(context: CliContext): number {
  context.printError('Interrupted: the table ends early. An export with --out can be continued.');
  return 1;
}

/** An export into a folder, from where it has come to. */
interface FolderExport {
  folder: string;
  state: ExportState;
  readDay: ReadDay;
  emit: Emit<ExportLine>;
  /** The command that continues an interrupted export. */
  goOn: string;
}

/** Writes a file for each domain and day that has events, and after each how far it has come; returns the exit code. */
export async function exportToFolder(
  context: CliContext,
  { folder, state, readDay, emit, goOn }: FolderExport,
): Promise<number> {
  const { request } = state;
  const inFolder = <T>(write: () => T) => usingFile(`--out ${folder} cannot be written`, write);
  await inFolder(() => writeExportState(folder, state));
  const report = createProgress(context);
  for (const domain of request.domains) {
    const start = Math.max(request.from * 1000, state.reached[domain] ?? 0);
    for (const { fromMs, toMs } of daysOf(start, request.to * 1000)) {
      const rows = exportedRows(readDay, request, domain, fromMs, toMs);
      const written = await writeDay(
        context,
        await inFolder(() => openDay(join(folder, keyPart(domain)), utcDay(fromMs), request.format)),
        rows,
        inFolder,
        (so) => report(() => progress(domain, fromMs, state.events + so)),
      );
      if (written === undefined) {
        emit({ event: 'resume', commands: [goOn] }, 'Continue with:', `  ${goOn}`);
        emit({ event: 'exported', complete: false, events: state.events, files: state.files });
        return 1;
      }
      state.events += written;
      state.files += written > 0 ? 1 : 0;
      state.reached[domain] = toMs;
      await inFolder(() => writeExportState(folder, state));
      report(() => progress(domain, toMs, state.events));
    }
  }
  const { events, files } = state;
  emit(
    { event: 'exported', complete: true, events, files },
    `Exported: ${number(events)} events in ${counted(files, 'file')} to ${folder}.`,
  );
  return finish(events);

  function progress(domain: string, atMs: number, events: number) {
    const reached = timeText(Math.floor(atMs / 1000));
    emit({ event: 'progress', domain, reached, events }, `${domain}  until ${reached}  ${number(events)} events`);
  }
}

function openDay(folder: string, day: string, format: Format): TableFile {
  mkdirSync(folder, { recursive: true });
  return openTableFile(join(folder, `${day}.${format}`), format);
}

/**
 * Writes the file of a day, which appears when complete; returns the number of its events, undefined if interrupted.
 * What writes the file runs in `inFolder`, which words its errors.
 */
async function writeDay(
  { signal }: CliContext,
  file: TableFile,
  groups: AsyncIterable<ExportedRow[]>,
  inFolder: (write: () => void) => Promise<void>,
  onRows: (events: number) => void,
): Promise<number | undefined> {
  let events = 0;
  try {
    if (signal.aborted) return undefined;
    for await (const rows of groups) {
      if (signal.aborted) return undefined;
      await inFolder(() => file.add(rows));
      events += rows.length;
      onRows(events);
    }
    await inFolder(() => file.end());
    return events;
  } finally {
    file.discard();
  }
}

/** Anything that narrows a question and matches nothing is an error. */
function finish(events: number): number {
  if (events === 0) throw new TargetUnavailableError('no event matches; check --from, --to and the filters');
  return 0;
}

async function* exportedRows(
  readDay: ReadDay,
  request: ExportRequest,
  domain: string,
  fromMs: number,
  toMs: number,
): AsyncGenerator<ExportedRow[]> {
  const fits = filterOf(request);
  for await (const chunk of readDay(domain, fromMs, toMs)) {
    yield chunk.flatMap(({ row }) => (fits(row) ? [exportedRow(row, domain)] : []));
  }
}

function exportedRow(row: ArchiveRow, domain: string): ExportedRow {
  const { name: _name, salt: _salt, commitment: _commitment, ...rest } = row;
  return { domain, ...rest, ...(erasedAs(row) !== undefined && { event: null }) };
}

function filterOf({ types, recipient, tag }: ExportRequest): (row: ArchiveRow) => boolean {
  const key = recipient === null ? undefined : recipientKey(recipient);
  return (row) =>
    (types.length === 0 || types.includes(row.type)) &&
    (key === undefined || (row.recipient !== null && recipientKey(row.recipient) === key)) &&
    (tag === null || row.tags.includes(tag));
}

const request = z.strictObject({
  ledger: z.string(),
  format: z.enum(FORMATS),
  /** Epoch seconds. */
  from: z.int(),
  to: z.int(),
  domains: z.array(z.string()),
  types: z.array(z.string()),
  recipient: z.string().nullable(),
  tag: z.string().nullable(),
});

/** The range and form of an export. */
export type ExportRequest = z.infer<typeof request>;

const state = z.strictObject({
  v: z.literal(1),
  request,
  events: z.int(),
  files: z.int(),
  /** By domain, epoch milliseconds before which everything is in the folder. */
  reached: z.record(z.string(), z.int()),
});

/** An export as far as it has come. */
type ExportState = z.infer<typeof state>;

const FILE = 'export.json';
const PART = `${FILE}.part`;

/** Reads how far the export in a folder has come; undefined where none was begun there. */
export function readExportState(folder: string): ExportState | undefined {
  if (!existsSync(join(folder, FILE))) {
    // A run that was killed while it began leaves the part alone.
    if (existsSync(folder) && readdirSync(folder).some((name) => name !== PART))
      throw new UsageError(
        `--out takes a new or empty folder, or one with an export to go on with; ${folder} has files`,
      );
    return undefined;
  }
  const text = readFileSync(join(folder, FILE), 'utf8');
  const parsed = state.safeParse(jsonIn(text));
  if (!parsed.success) throw new UsageError(`${join(folder, FILE)} was written by another version`);
  return parsed.data;
}

/** Writes how far an export has come, in one step. */
function writeExportState(folder: string, reached: ExportState): void {
  mkdirSync(folder, { recursive: true });
  const part = join(folder, PART);
  writeFileSync(part, `${JSON.stringify(reached, null, 2)}\n`);
  renameSync(part, join(folder, FILE));
}
