import { execFile } from 'node:child_process';

const MIN_VERSION = 17;

/** Returns why the `java` on the path cannot run DynamoDB Local, or undefined if it can. */
export async function whyNoJava(): Promise<string | undefined> {
  const version = await javaVersion();
  if (version !== undefined && version >= MIN_VERSION) return undefined;
  return `needs Java ${MIN_VERSION} or later, found ${version ?? 'none'}`;
}

function javaVersion(): Promise<number | undefined> {
  return new Promise((resolve) => {
    execFile('java', ['-version'], (error, _stdout, stderr) => {
      resolve(error ? undefined : parseJavaVersion(stderr));
    });
  });
}

/** Returns the major version from the output of `java -version`; before 9 it is `1.<major>`. */
export function parseJavaVersion(output: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? [];
  if (first === undefined) return undefined;
  return Number(first === '1' ? second : first);
}
