import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import LightRunner from 'jest-light-runner';
import type { Config, OnTestFailure, OnTestStart, OnTestSuccess, Test, TestRunnerOptions } from 'jest-runner';
import type { TestWatcher } from 'jest-watcher';
import type { FileOutcome, FileToRun } from './file-process.ts';

/**
 * Runs each integration test in a process of its own, and all others in threads that share their modules. Handlers read
 * their environment once, and native modules do not survive the end of a thread. Both run at the same time, so that
 * these use the cores that those leave idle.
 */
export default class SideBySideRunner {
  readonly #globalConfig: Config.GlobalConfig;

  constructor(globalConfig: Config.GlobalConfig) {
    this.#globalConfig = globalConfig;
  }

  async runTests(
    tests: Test[],
    watcher: TestWatcher,
    onStart: OnTestStart,
    onResult: OnTestSuccess,
    onFailure: OnTestFailure,
    { serial }: TestRunnerOptions,
  ): Promise<void> {
    const isIsolated = ({ context }: Test) => context.config.displayName?.name === 'integration';
    const isolated = tests.filter(isIsolated);
    const others = tests.filter((test) => !isIsolated(test));
    const { maxWorkers } = this.#globalConfig;
    // They compute, while integration tests mostly wait for other processes.
    const threads = Math.ceil(maxWorkers / (isolated.length > 0 ? 3 : 1.5));
    const light = new LightRunner({ ...this.#globalConfig, maxWorkers: threads });
    const queue = isolated.values();
    const runQueued = async () => {
      for (const test of queue) {
        if (watcher.isInterrupted()) return;
        await onStart(test);
        const outcome = await runInProcess({
          globalConfig: this.#globalConfig,
          config: test.context.config,
          path: test.path,
        });
        if ('result' in outcome) await onResult(test, outcome.result);
        else await onFailure(test, outcome.error);
      }
    };
    const runs = [
      ...Array.from({ length: maxWorkers }, () => runQueued),
      () => light.runTests(others, watcher, onStart, onResult, onFailure),
    ];
    await withTemporaryFolder(async () => {
      if (serial) for (const run of runs) await run();
      else await Promise.all(runs.map((run) => run()));
    });
  }
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Gives all tests one folder for temporary files, and removes it: the CDK removes its own at the end of a process, which
 * a thread does not have.
 */
async function withTemporaryFolder(run: () => Promise<void>): Promise<void> {
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-tests-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  // `--bail` ends the process, and so does Ctrl-C.
  process.once('exit', remove);
  const stop = (signal: NodeJS.Signals) => {
    remove();
    forget();
    process.kill(process.pid, signal);
  };
  const forget = () => {
    process.off('exit', remove);
    for (const signal of SIGNALS) process.off(signal, stop);
  };
  for (const signal of SIGNALS) process.once(signal, stop);
  process.env.TMPDIR = folder;
  try {
    await run();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    forget();
    remove();
  }
}

/** Longer than any file takes on a busy machine: what ends here hangs, before its tests or in a loop. */
const LIMIT_SECONDS = Number(process.env.TEST_FILE_SECONDS ?? 1800);
/** A process that it leaves behind may keep its output open. */
const OUTPUT_MS = 2000;

/**
 * Runs one file, and prints what it printed if a test of it failed or its process ended before all were done; otherwise
 * only what was played once more.
 */
async function runInProcess(file: FileToRun): Promise<FileOutcome> {
  const child = fork(join(import.meta.dirname, 'file-process.ts'), { serialization: 'advanced', silent: true });
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => printed.push(chunk));
  const closed = once(child, 'close').catch(() => {});
  let end = '';
  const timer = setTimeout(() => {
    end = `was ended after ${LIMIT_SECONDS} s: it hangs`;
    child.kill('SIGKILL');
  }, 1000 * LIMIT_SECONDS);
  const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(([[code, signal]]) => {
    clearTimeout(timer);
    throw new Error(`The process of the test ${end || `ended by ${signal ?? `exit code ${code}`}`}`);
  });
  // Where the process cannot take it, it has ended.
  child.send(file, () => {});
  const received: Promise<FileOutcome> = once(child, 'message').then(([outcome]) => outcome);
  const outcome = await Promise.race([received, ended]).catch((error) => ({ error }));
  await Promise.race([closed, sleep(OUTPUT_MS, undefined, { ref: false })]);
  const output = Buffer.concat(printed);
  const isFailed = 'error' in outcome || outcome.result.numFailingTests > 0;
  process.stderr.write(isFailed ? output : repetitionsIn(output.toString()));
  return outcome;
}

/** Returns the lines that say what passed only when it was played once more. */
const repetitionsIn = (output: string) => (output.match(/^ *once more: .+\n/gm) ?? []).join('');
