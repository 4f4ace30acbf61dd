import { availableParallelism } from 'node:os';

const project = (name, runner) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  runner: '<rootDir>/test/side-by-side-runner.ts',
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/dist'],
  ...runner,
});

// By jest-light-runner: Node.js loads sources and tests itself. Jest's own takes three times as long to compute.
const bare = { transform: {}, setupFilesAfterEnv: ['<rootDir>/test/time-limit.ts'] };

// By jest's own runner, a process for each worker, and modules of its own for each file: handlers read their
// environment once, and native modules do not survive the end of a thread.
const isolated = { transform: { '\\.ts$': '<rootDir>/test/strip-types.ts' }, extensionsToTreatAsEsm: ['.ts'] };

export default {
  // Two to a core: most files wait for other processes more than they compute. A worker and its stacks take half a gigabyte.
  maxWorkers: Math.min(8, 2 * availableParallelism()),
  testTimeout: 180_000,
  // To free the memory of a hundred files takes a worker longer than half a second, which looks like an open handle.
  workerGracefulExitTimeout: 10_000,
  reporters: ['default', '<rootDir>/test/failure-summary.ts'],
  testSequencer: '<rootDir>/test/longest-first.ts',
  projects: [project('unit', bare), project('infra', bare), project('model', bare), project('integration', isolated)],
};
