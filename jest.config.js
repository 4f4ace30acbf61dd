import { availableParallelism } from 'node:os';

const project = (name) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  // By jest-light-runner: Node.js loads sources and tests itself. Jest's own takes three times as long to compute.
  runner: '<rootDir>/test/side-by-side-runner.ts',
  transform: {},
  setupFilesAfterEnv: ['<rootDir>/test/time-limit.ts'],
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/dist'],
});

export default {
  // Two to a core: most files wait for other processes more than they compute. A worker and its stacks take half a gigabyte.
  maxWorkers: Math.min(8, 2 * availableParallelism()),
  testTimeout: 180_000,
  // To free the memory of a hundred files takes a worker longer than half a second, which looks like an open handle.
  workerGracefulExitTimeout: 10_000,
  reporters: ['default', '<rootDir>/test/failure-summary.ts'],
  testSequencer: '<rootDir>/test/longest-first.ts',
  projects: ['unit', 'infra', 'model', 'integration'].map(project),
};
