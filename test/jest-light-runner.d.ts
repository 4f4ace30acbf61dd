declare module 'jest-light-runner' {
  import type { Config, OnTestFailure, OnTestStart, OnTestSuccess, Test, TestRunnerContext } from 'jest-runner';
  import type { TestWatcher } from 'jest-watcher';

  export default class LightRunner {
    constructor(globalConfig: Config.GlobalConfig, context: TestRunnerContext);
    runTests(
      tests: Test[],
      watcher: TestWatcher,
      onStart: OnTestStart,
      onResult: OnTestSuccess,
      onFailure: OnTestFailure,
    ): Promise<void>;
  }
}
