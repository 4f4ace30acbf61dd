declare module 'jest-light-runner' {
  import type { SerializableError, TestContext, TestResult } from '@jest/test-result';
  import type { Config } from 'jest-runner';
  import type { TestWatcher } from 'jest-watcher';

  type TestFile = { path: string; context: Pick<TestContext, 'config'> };

  export default class LightRunner {
    constructor(globalConfig: Config.GlobalConfig);
    runTests<T extends TestFile>(
      tests: T[],
      watcher: TestWatcher | undefined,
      onStart: (test: T) => Promise<void>,
      onResult: (test: T, result: TestResult) => Promise<void>,
      onFailure: (test: T, error: SerializableError) => Promise<void>,
    ): Promise<void>;
  }
}
