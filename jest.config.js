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
  // Processes of integration tests, which wait more than they compute. Each and its stacks take half a gigabyte.
  maxWorkers: Math.min(12, 3 * availableParallelism()),
  reporters: ['default', '<rootDir>/test/failure-summary.ts'],
  testSequencer: '<rootDir>/test/longest-first.ts',
  projects: ['unit', 'infra', 'model', 'integration'].map(project),
};
