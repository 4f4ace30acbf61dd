import { createRequire } from 'node:module';
import LightRunner from 'jest-light-runner';
import type { OnTestFailure, OnTestStart, OnTestSuccess, Test, TestRunnerOptions } from 'jest-runner';
import type { TestWatcher } from 'jest-watcher';

// Its types describe the CommonJS file.
const { CallbackTestRunner, default: TestRunner }: typeof import('jest-runner') = createRequire(import.meta.url)(
  'jest-runner',
);

/**
 * Runs integration tests by jest's own runner and all others by the light one, at the same time, so that these use the
 * cores that those leave idle; jest runs one runner after the other.
 */
export default class SideBySideRunner extends CallbackTestRunner {
  async runTests(
    tests: Test[],
    watcher: TestWatcher,
    onStart: OnTestStart,
    onResult: OnTestSuccess,
    onFailure: OnTestFailure,
    options: TestRunnerOptions,
  ): Promise<void> {
    const isIsolated = ({ context }: Test) => context.config.displayName?.name === 'integration';
    const integration = tests.filter(isIsolated);
    const others = tests.filter((test) => !isIsolated(test));
    const isolated = new TestRunner(this._globalConfig, this._context);
    isolated.on('test-file-start', ([test]) => onStart(test));
    isolated.on('test-file-success', ([test, result]) => onResult(test, result));
    isolated.on('test-file-failure', ([test, error]) => onFailure(test, error));
    const { maxWorkers } = this._globalConfig;
    // These compute, while integration tests mostly wait for other processes: half of them fill the cores.
    const threads = integration.length === 0 ? maxWorkers : Math.ceil(maxWorkers / 2);
    const light = new LightRunner({ ...this._globalConfig, maxWorkers: threads }, this._context);
    const runs = [
      () => isolated.runTests(integration, watcher, options),
      () => light.runTests(others, watcher, onStart, onResult, onFailure),
    ];
    if (options.serial) for (const run of runs) await run();
    else await Promise.all(runs.map((run) => run()));
  }
}
