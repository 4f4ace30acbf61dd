import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const AUDIT = join(import.meta.dirname, '../../.ci/audit');
const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs it with an npm that says this. */
function audit(says: string, exitCode: number) {
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\necho '${says}' >&2\nexit ${exitCode}\n`, { mode: 0o755 });
  const { status, stdout } = spawnSync(AUDIT, { encoding: 'utf8', env: { PATH: `${folder}:${process.env.PATH}` } });
  return { status, skipped: /^SKIPPED: /m.test(stdout), shown: stdout.includes(says) };
}

test.each([
  ['passes where nothing is known', 'found 0 vulnerabilities', 0, { status: 0, skipped: false }],
  ['fails on a vulnerability', '1 high severity vulnerability', 1, { status: 1, skipped: false }],
  ['says so where nobody can tell', 'npm error audit endpoint returned an error', 1, { status: 0, skipped: true }],
  ['fails where npm itself does', 'npm error code EUSAGE', 1, { status: 1, skipped: false }],
])('the audit %s', (_, says, exitCode, expected) => {
  expect(audit(says, exitCode)).toEqual({ ...expected, shown: true });
});
