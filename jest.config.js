import { availableParallelism } from 'node:os';

const project = (name) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  // Node.js loads the sources itself: jest's own runner takes three times as long for a file that computes.
  runner: 'jest-light-runner',
  setupFilesAfterEnv: ['<rootDir>/test/time-limit.ts'],
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/dist'],
});

export default {
  // Two to a core: most files wait for other processes more than they compute. A worker and its stacks take half a gigabyte.
  maxWorkers: Math.min(8, 2 * availableParallelism()),
  reporters: ['default', '<rootDir>/test/failure-summary.ts'],
  testSequencer: '<rootDir>/test/longest-first.ts',
  projects: ['unit', 'infra', 'model', 'integration'].map(project),
};
