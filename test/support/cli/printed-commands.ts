import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PREFIX = 'npm run ledger -- ';

export const readDoc = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../docs', `${name}.md`), 'utf8');

/** Returns the lines of fenced `sh` blocks in order, with backslash continuations joined. */
export function shellLines(markdown: string): string[] {
  return [...markdown.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].flatMap(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  );
}

/** Returns the ledger commands in backticks in tables. */
export function tableCommands(markdown: string): string[] {
  const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
  return rows
    .flatMap((row) => [...row.matchAll(/`([^`]+)`/g)])
    .map(([, code = '']) => code)
    .filter(isLedger);
}

export const isLedger = (line: string): boolean => line.startsWith(PREFIX);

/** Returns true if the line has a placeholder to fill in; a redirect from a file is `< name`, with a blank. */
export const hasPlaceholder = (line: string): boolean => /<\S[^>]*>/.test(line);
