import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { FORMATS } from './tables.ts';

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
export type ExportState = z.infer<typeof state>;

const FILE = 'export.json';

/** Reads how far the export in a folder has come; undefined where none was begun there. */
export function readExportState(folder: string): ExportState | undefined {
  if (!existsSync(join(folder, FILE))) {
    if (existsSync(folder) && readdirSync(folder).length > 0)
      throw new UsageError(
        `--out takes a new or empty folder, or one with an export to go on with; ${folder} has files`,
      );
    return undefined;
  }
  const text = readFileSync(join(folder, FILE), 'utf8');
  const parsed = state.safeParse(jsonOf(text));
  if (!parsed.success) throw new UsageError(`${join(folder, FILE)} was written by another version`);
  return parsed.data;
}

/** Writes how far an export has come, in one step. */
export function writeExportState(folder: string, reached: ExportState): void {
  mkdirSync(folder, { recursive: true });
  const part = join(folder, `${FILE}.part`);
  writeFileSync(part, `${JSON.stringify(reached, null, 2)}\n`);
  renameSync(part, join(folder, FILE));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
