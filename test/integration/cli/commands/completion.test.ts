import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

// A real bash loads the script, and completes by calling the real command.

const ROOT = join(import.meta.dirname, '../../../..');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'completion-'));
  const program = join(folder, 'mailgun-ledger');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'bin/mailgun-ledger.ts')}' "$@"\n`);
  chmodSync(program, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Returns bash's completions for these words. Its package bash-completion would split the line; here the words are
 * given.
 */
async function completions(words: readonly string[]): Promise<string[]> {
  const script = `
    _get_comp_words_by_ref() { words=("\${WORDS[@]}"); cur="\${WORDS[-1]}"; }
    compopt() { :; }
    source <(mailgun-ledger completion bash)
    WORDS=(mailgun-ledger "$@")
    __mailgun_ledger_complete
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', ...words], { env });
  return stdout.trimEnd().split('\n');
}

test.each([
  [['dl'], ['dlq']],
  [['dlq', 're'], ['redrive']],
  [
    ['logs', '--l'],
    ['--local', '--limit'],
  ],
])('bash completes %j to %j', async (words, offered) => {
  expect((await completions(words)).sort()).toEqual([...offered].sort());
});

test('bash offers the sub-commands of a command', async () => {
  expect(await completions(['dlq', ''])).toEqual(expect.arrayContaining(['list', 'show', 'redrive', 'discard']));
});
