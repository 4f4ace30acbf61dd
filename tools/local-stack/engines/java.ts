import { execFile } from 'node:child_process';
import { CannotStart } from '../cannot-start.ts';

const NEEDED = 17;

/** Fails with the command that mends it, unless `java` on the path is new enough for DynamoDB Local. */
export async function requireJava(): Promise<void> {
  const version = await javaVersion();
  if (version !== undefined && version >= NEEDED) return;
  const found = version === undefined ? 'found none' : `found ${version}`;
  throw new CannotStart(
    `DynamoDB Local needs Java ${NEEDED} or later, ${found}. Install it: ` +
      '`sudo apt-get install default-jre-headless` (Debian 12 or later), `brew install --cask temurin` (macOS).',
    2,
  );
}

function javaVersion(): Promise<number | undefined> {
  return new Promise((resolve) => {
    execFile('java', ['-version'], (error, _stdout, stderr) => {
      resolve(error ? undefined : parseJavaVersion(stderr));
    });
  });
}

/** The major version that `java -version` tells; before 9 it was written `1.<major>`. */
export function parseJavaVersion(output: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? [];
  if (first === undefined) return undefined;
  return Number(first === '1' ? second : first);
}
