import { on } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SerializableError, TestContext, TestResult } from '@jest/test-result';
import LightRunner from 'jest-light-runner';
import type { Config } from 'jest-runner';

// Runs test files, one after another, as the process that started this one sends them, and sends back what became of
// each. It ends after a file that failed or left something behind.

export type FileToRun = { globalConfig: Config.GlobalConfig; config: TestContext['config']; path: string };

/** The result of the file's tests, or why they could not run. */
export type FileOutcome = { result: TestResult } | { error: SerializableError };

/** Sent after an outcome, when the process can run another file. */
const FREE = 'free';

// Tests may not call it.
const exit = process.exit.bind(process);

// A test may wait for what does not keep a process alive.
process.channel?.ref();
process.once('disconnect', () => exit(1));
const send = (message: FileOutcome | typeof FREE) => new Promise<void>((done) => process.send?.(message, () => done()));

/** Connections take a moment to close. */
const CLOSING_MS = 2000;
const atFirst = whatIsOpen();
for await (const [file] of on(process, 'message')) {
  if (!(await run(file)) || !(await isClean())) break;
  await send(FREE);
}
// What it printed may still be on its way.
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((done) => stream.write('', () => done()));
exit();

/** Returns true if every test passed. */
async function run({ globalConfig, config, path }: FileToRun): Promise<boolean> {
  let isPassed = false;
  // With one worker the file runs in this process.
  await new LightRunner({ ...globalConfig, maxWorkers: 1 }).runTests(
    [{ path, context: { config } }],
    undefined,
    async () => {},
    (_, result) => {
      isPassed = result.numFailingTests === 0;
      return send({ result });
    },
    (_, { message, stack }) => send({ error: { message, stack } }),
  );
  return isPassed;
}

/** Returns false if servers, processes or timers of the file are still open. */
async function isClean(): Promise<boolean> {
  for (const untilMs = Date.now() + CLOSING_MS; whatIsOpen() !== atFirst; await sleep(20)) {
    if (Date.now() > untilMs) return false;
  }
  return true;
}

/** Returns the kinds of what keeps this process alive. */
function whatIsOpen(): string {
  return process.getActiveResourcesInfo().sort().join();
}
