import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../../support/cli/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'named-'));
const file = join(folder, 'file');
writeFileSync(file, '');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const none = join(folder, 'none');
const EXPORT = ['export', '--from', '2026-11-22', '--local', '--out'];

test.each([
  [['verify', none], `${none} cannot be read: there is none at this path; check it`],
  [['verify', folder], `${folder} cannot be read: it is a folder; name a file`],
  [['verify', file], `${file} is not a certificate`],
  [[...EXPORT, file], `--out ${file} cannot be read: it is a file, or lies under one; name a folder`],
])('%j exits with 2 and says what to do', async (args, message) => {
  const { exitCode, lines, errors } = await runCommand(args);
  expect({ exitCode, lines, errors }).toEqual({ exitCode: 2, lines: [], errors: [message] });
});
