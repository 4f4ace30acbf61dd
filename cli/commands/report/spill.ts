import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// A campaign may have more messages and people than memory should hold. They are put into files by their hash, so that
// what is equal is in one file, and then read file by file.

const FILES = 64;
const MAX_WAITING_LINES = 1000;

/** Texts on disk, by the hash of a key. */
export interface Spill {
  add(key: string, line: string): void;
  /** Yields the lines of one file after the other; the lines of one key are in one file. */
  files(): Generator<string[], undefined>;
}

/** Runs work with a temporary folder that only this user may read, and removes it whatever happens. */
export async function withSpills<Result>(work: (create: (name: string) => Spill) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-report-'));
  try {
    return await work((name) => createSpill(join(folder, name)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function createSpill(path: string): Spill {
  const waiting: string[][] = Array.from({ length: FILES }, () => []);
  const pathOf = (file: number) => `${path}-${file}`;
  const flush = (file: number) => {
    const lines = waiting[file] ?? [];
    appendFileSync(pathOf(file), lines.map((line) => `${line}\n`).join(''));
    waiting[file] = [];
  };
  return {
    add(key, line) {
      const file = (createHash('sha256').update(key).digest()[0] ?? 0) % FILES;
      if ((waiting[file] as string[]).push(line) >= MAX_WAITING_LINES) flush(file);
    },
    *files() {
      for (let file = 0; file < FILES; file += 1) {
        flush(file);
        yield readFileSync(pathOf(file), 'utf8').split('\n').slice(0, -1);
        rmSync(pathOf(file));
      }
      return undefined;
    },
  };
}
