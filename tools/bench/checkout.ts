import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Checks a commit of this repository out into a folder, which holds its files and no packages; returns the folder. */
export function checkOut(commit: string, folder: string): string {
  const found = execFileSync('git', ['-C', ROOT, 'rev-parse', '--verify', `${commit}^{commit}`], { encoding: 'utf8' });
  execFileSync('git', ['clone', '-q', '--shared', '--no-checkout', ROOT, folder]);
  execFileSync('git', ['-C', folder, 'checkout', '-q', '--detach', found.trim()]);
  return folder;
}
