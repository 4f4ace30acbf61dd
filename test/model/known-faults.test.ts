import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KNOWN_FAULTS } from './known-faults.ts';

const ROOT = join(import.meta.dirname, '../..');
const SUITES = globSync('test/{unit,model}/**/*.test.ts', { cwd: ROOT });

test.each(KNOWN_FAULTS)('the line that prevents this fault is there exactly once: $fault', ({ file, right, wrong }) => {
  expect(readFileSync(join(ROOT, file), 'utf8').split(right)).toHaveLength(2);
  expect(wrong).not.toBe(right);
});

test.each(KNOWN_FAULTS)('there are tests that must notice this fault: $fault', ({ tests }) => {
  expect(SUITES.filter((suite) => new RegExp(tests).test(suite))).not.toEqual([]);
});
