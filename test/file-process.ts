import { once } from 'node:events';
import type { SerializableError, TestContext, TestResult } from '@jest/test-result';
import LightRunner from 'jest-light-runner';
import type { Config } from 'jest-runner';

// Runs one test file, sent by the process that started this one, and sends back what became of it.

export type FileToRun = { globalConfig: Config.GlobalConfig; config: TestContext['config']; path: string };

/** The result of the file's tests, or why they could not run. */
export type FileOutcome = { result: TestResult } | { error: SerializableError };

// Tests may not call it.
const exit = process.exit.bind(process);

const [file] = await once(process, 'message');
// A test may wait for what does not keep a process alive.
process.channel?.ref();
process.once('disconnect', () => exit(1));
const { globalConfig, config, path }: FileToRun = file;
const send = (outcome: FileOutcome) => new Promise<void>((done) => process.send?.(outcome, () => done()));
// With one worker the file runs in this process.
await new LightRunner({ ...globalConfig, maxWorkers: 1 }).runTests(
  [{ path, context: { config } }],
  undefined,
  async () => {},
  (_, result) => send({ result }),
  (_, { message, stack }) => send({ error: { message, stack } }),
);
// What it printed may still be on its way.
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((done) => stream.write('', () => done()));
exit();
