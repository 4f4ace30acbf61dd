import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

// A campaign may have more messages and people than memory should hold. They are put into files by their hash, so that
// what is equal is in one file, and then read file by file; a file that is too large is divided once more.

const FILES = 64;
/** Bytes read at once, and bytes that wait to be written: each is in memory several times. */
const MAX_BYTES = 8 * 2 ** 20;
const CHUNK_BYTES = 2 ** 18;
/** Hex digits of a key's hash, two for each division; what they do not tell apart is one key, and stays together. */
const HASH_LENGTH = 16;

/** Texts on disk, by the hash of a key. */
export interface Spill {
  add(key: string, line: string): void;
  /** Yields the lines of one file after the other; the lines of one key are in one file. */
  files(): Generator<string[], undefined>;
}

/**
 * Runs work with a temporary folder that only this user may read, and removes it whatever happens. Files beyond so many
 * bytes are divided before they are read.
 */
export async function withSpills<Result>(
  work: (create: (name: string) => Spill) => Promise<Result>,
  maxBytes = MAX_BYTES,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-report-'));
  try {
    return await work((name) => {
      const files = createFiles(join(folder, name), 0, maxBytes);
      return {
        add: (key, line) => files.add(`${createHash('sha256').update(key).digest('hex').slice(0, HASH_LENGTH)}${line}`),
        files: files.read,
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Files of lines that begin with the hash of their key, of which one byte names the file. */
function createFiles(path: string, byte: number, maxBytes: number) {
  const waiting: string[][] = Array.from({ length: FILES }, () => []);
  let waitingLength = 0;
  /** The hash of the first line of each file. */
  const hashes: string[] = [];
  const divisible = new Set<number>();
  const pathOf = (file: number) => `${path}-${file}`;
  const flush = () => {
    for (const [file, lines] of waiting.entries())
      if (lines.length > 0) appendFileSync(pathOf(file), lines.map((line) => `${line}\n`).join(''));
    for (const lines of waiting) lines.length = 0;
    waitingLength = 0;
  };
  const add = (line: string) => {
    const file = Number.parseInt(line.slice(2 * byte, 2 * byte + 2), 16) % FILES;
    hashes[file] ??= line.slice(0, HASH_LENGTH);
    if (!line.startsWith(hashes[file])) divisible.add(file);
    (waiting[file] as string[]).push(line);
    waitingLength += line.length;
    if (waitingLength > maxBytes) flush();
  };
  function* read(): Generator<string[], undefined> {
    flush();
    for (let file = 0; file < FILES; file += 1) {
      const bytes = statSync(pathOf(file), { throwIfNoEntry: false })?.size;
      if (bytes === undefined) continue;
      if (bytes <= maxBytes || !divisible.has(file) || 2 * byte + 2 >= HASH_LENGTH) {
        yield readFileSync(pathOf(file), 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => line.slice(HASH_LENGTH));
        rmSync(pathOf(file));
      } else {
        const parts = createFiles(pathOf(file), byte + 1, maxBytes);
        for (const line of linesOf(pathOf(file))) parts.add(line);
        rmSync(pathOf(file));
        yield* parts.read();
      }
    }
    return undefined;
  }
  return { add, read };
}

/** Yields the lines of a file, of which a chunk is in memory at a time. */
function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(CHUNK_BYTES);
  try {
    let rest = '';
    for (let bytes = readSync(file, buffer); bytes > 0; bytes = readSync(file, buffer)) {
      const lines = `${rest}${decoder.write(buffer.subarray(0, bytes))}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    closeSync(file);
  }
}
