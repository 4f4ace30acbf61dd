import { Option } from 'commander';
import { EVENT_NAMES } from '../../lambdas/domain/event-types.ts';
import { shellWord } from '../../lambdas/domain/shell-word.ts';
import { openHistory } from '../archive/history.ts';
import {
  type CliContext,
  type CommandBuilder,
  chosenDomains,
  ledgerCommand,
  openTarget,
  repeated,
  type TargetOptions,
  targetRefText,
  timeOption,
} from '../command.ts';
import { UsageError } from '../errors.ts';
import { createEmit } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { FORMATS, type Format } from './export/tables.ts';
import {
  type ExportLine,
  type ExportRequest,
  exportToFolder,
  exportToOutput,
  readExportState,
} from './export/write-export.ts';

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
    .option('--tag <tag>', 'only events under this tag, in any case')
    .addOption(new Option('--format <format>', 'of the table (csv)').choices(FORMATS))
    .option('--out <folder>', 'write files there, and continue where an earlier run stopped')
    .addHelpText('after', EXAMPLES)
    .action(run<ExportOptions>((options) => exportEvents(context, options)));

function checkType(type: string): string {
  if (EVENT_NAMES.includes(type)) return type;
  throw new UsageError(`--type must be one of ${EVENT_NAMES.join(', ')}`);
}

async function exportEvents(context: CliContext, options: ExportOptions): Promise<number> {
  const begun = options.out === undefined ? undefined : readExportState(options.out);
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
  const filters = { types: type, recipient: recipient?.trim() ?? null, tag: tag?.trim().toLowerCase() ?? null };
  return { ledger: deployment.stackName, format, from, to, domains, ...filters };
}
