import { availableParallelism } from 'node:os';

const project = (name) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/dist'],
});

export default {
  // Two to a core: most files wait for other processes more than they compute. A worker and its stacks take half a gigabyte.
  maxWorkers: Math.min(8, 2 * availableParallelism()),
  testTimeout: 90_000,
  // To free the memory of a hundred files takes a worker longer than half a second, which looks like an open handle.
  workerGracefulExitTimeout: 10_000,
  testSequencer: '<rootDir>/test/longest-first.ts',
  projects: ['unit', 'infra', 'model', 'integration'].map(project),
};
