import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const AUDIT = join(import.meta.dirname, '../../.ci/audit');
const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Said {
  readonly says: string;
  readonly exitCode: number;
}

const SOUND: Said = { says: 'found 0 vulnerabilities', exitCode: 0 };
const VERIFIED: Said = { says: '900 packages have verified registry signatures', exitCode: 0 };

/** Runs it with an npm that says this of vulnerabilities, and of signatures. */
function audit(vulnerabilities: Said, signatures: Said) {
  const print = ({ says, exitCode }: Said) => `echo '${says}' >&2; exit ${exitCode}`;
  const script = `#!/bin/sh\ncase "$2" in signatures) ${print(signatures)};; *) ${print(vulnerabilities)};; esac\n`;
  writeFileSync(join(folder, 'npm'), script, { mode: 0o755 });
  const { status, stdout } = spawnSync(AUDIT, { encoding: 'utf8', env: { PATH: `${folder}:${process.env.PATH}` } });
  const shown = [vulnerabilities, signatures].every(({ says }) => stdout.includes(says));
  return { status, skipped: /^SKIPPED: /m.test(stdout), shown };
}

test.each([
  ['passes where nothing is known', SOUND, VERIFIED, { status: 0, skipped: false }],
  [
    'fails on a vulnerability',
    { says: '1 high severity vulnerability', exitCode: 1 },
    VERIFIED,
    { status: 1, skipped: false },
  ],
  [
    'says so where no vulnerability can be known',
    { says: 'npm error audit endpoint returned an error', exitCode: 1 },
    VERIFIED,
    { status: 0, skipped: true },
  ],
  [
    'fails where npm itself does',
    { says: 'npm error code EUSAGE', exitCode: 1 },
    VERIFIED,
    { status: 1, skipped: false },
  ],
  [
    'fails on a signature that does not verify',
    SOUND,
    { says: '1 package has an invalid registry signature', exitCode: 1 },
    { status: 1, skipped: false },
  ],
  [
    'fails on a forged package though nothing else could be looked at',
    { says: 'npm error audit endpoint returned an error', exitCode: 1 },
    { says: '1 package has an invalid attestation', exitCode: 1 },
    { status: 1, skipped: true },
  ],
  [
    'says so where the keys of signatures cannot be fetched',
    SOUND,
    { says: 'npm error network request to https://keys.example failed', exitCode: 1 },
    { status: 0, skipped: true },
  ],
  [
    'says so where the registry has no signatures',
    SOUND,
    { says: 'npm error found no dependencies to audit that were installed from a supported registry', exitCode: 1 },
    { status: 0, skipped: true },
  ],
])('the audit %s', (_, vulnerabilities, signatures, expected) => {
  expect(audit(vulnerabilities, signatures)).toEqual({ ...expected, shown: true });
});
