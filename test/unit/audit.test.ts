import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const AUDIT = join(import.meta.dirname, '../../.ci/audit');
const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Said {
  readonly output: string;
  readonly exitCode: number;
}

const SOUND: Said = { output: 'found 0 vulnerabilities', exitCode: 0 };
const VERIFIED: Said = { output: '900 packages have verified registry signatures', exitCode: 0 };

/** Runs it with an npm that prints this on vulnerabilities and on signatures. */
function audit(vulnerabilities: Said, signatures: Said) {
  const print = ({ output, exitCode }: Said) => `echo '${output}' >&2; exit ${exitCode}`;
  const script = `#!/bin/sh\ncase "$2" in signatures) ${print(signatures)};; *) ${print(vulnerabilities)};; esac\n`;
  writeFileSync(join(folder, 'npm'), script, { mode: 0o755 });
  const { status, stdout } = spawnSync(AUDIT, { encoding: 'utf8', env: { PATH: `${folder}:${process.env.PATH}` } });
  const shown = [vulnerabilities, signatures].every(({ output }) => stdout.includes(output));
  return { status, skipped: /^SKIPPED: /m.test(stdout), shown };
}

test.each([
  ['passes where nothing is known', SOUND, VERIFIED, { status: 0, skipped: false }],
  [
    'fails on a vulnerability',
    { output: '1 high severity vulnerability', exitCode: 1 },
    VERIFIED,
    { status: 1, skipped: false },
  ],
  [
    'reports it if no vulnerability can be known',
    { output: 'npm error audit endpoint returned an error', exitCode: 1 },
    VERIFIED,
    { status: 0, skipped: true },
  ],
  [
    'fails where npm itself does',
    { output: 'npm error code EUSAGE', exitCode: 1 },
    VERIFIED,
    { status: 1, skipped: false },
  ],
  [
    'fails on a signature that does not verify',
    SOUND,
    { output: '1 package has an invalid registry signature', exitCode: 1 },
    { status: 1, skipped: false },
  ],
  [
    'fails on a forged package though nothing else could be looked at',
    { output: 'npm error audit endpoint returned an error', exitCode: 1 },
    { output: '1 package has an invalid attestation', exitCode: 1 },
    { status: 1, skipped: true },
  ],
  [
    'reports it if the keys of signatures cannot be fetched',
    SOUND,
    { output: 'npm error network request to https://keys.example failed', exitCode: 1 },
    { status: 0, skipped: true },
  ],
  [
    'reports it if the registry has no signatures',
    SOUND,
    {
      output: 'npm error found no dependencies to audit that were installed from a supported registry',
      exitCode: 1,
    },
    { status: 0, skipped: true },
  ],
])('the audit %s', (_, vulnerabilities, signatures, expected) => {
  expect(audit(vulnerabilities, signatures)).toEqual({ ...expected, shown: true });
});
