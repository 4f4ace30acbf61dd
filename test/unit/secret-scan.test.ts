import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Patterns of real secrets; keys in tests do not match them. */
const SECRETS: Readonly<Record<string, RegExp>> = {
  "Mailgun's older keys": /\bkey-[0-9a-f]{32}\b/,
  "Mailgun's keys": /\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b/,
  'AWS access keys': /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
  'AWS secret keys': /aws_secret_access_key\s*[=:]\s*['"]?[A-Za-z0-9/+]{40}\b/i,
  'private keys': /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  'tokens of GitHub': /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b/,
};

const secretsIn = (text: string) => Object.keys(SECRETS).filter((kind) => SECRETS[kind]?.test(text));

test('no tracked file contains a secret', () => {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean);
  const found = files.flatMap((file) => secretsIn(textOf(file)).map((kind) => `${file}: ${kind}`));

  expect(files.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

/** Empty where it is tracked and has just been deleted. */
function textOf(file: string): string {
  try {
    return readFileSync(join(ROOT, file), 'utf8');
  } catch {
    return '';
  }
}

// Put together here, so that this file holds none.
const hex = (length: number) => '0123456789abcdef'.repeat(4).slice(0, length);

test.each([
  ["Mailgun's older keys", `key-${hex(32)}`],
  ["Mailgun's keys", `${hex(32)}-${hex(8)}-${hex(8)}`],
  ['AWS access keys', `AKIA${'A1B2'.repeat(4)}`],
  ['AWS secret keys', `AWS_SECRET_ACCESS_KEY=${hex(40)}`],
  ['private keys', `-----BEGIN RSA ${'PRIVATE'} KEY-----`],
  ['private keys', `-----BEGIN ${'PRIVATE'} KEY-----`],
  ['tokens of GitHub', `ghp_${hex(36)}`],
])('the scan finds %s: %s', (kind, secret) => {
  expect(secretsIn(`{"a":"${secret}"}`)).toEqual([kind]);
});

test.each(['key-of-the-test-01', 'key-0123', hex(32), `sha256:${hex(64)}`])('the scan ignores %s', (text) => {
  expect(secretsIn(text)).toEqual([]);
});
