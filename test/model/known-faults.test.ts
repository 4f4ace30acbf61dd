import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { KNOWN_FAULTS } from './known-faults.ts';

const ROOT = join(import.meta.dirname, '../..');

test.each(KNOWN_FAULTS)('the line that prevents this fault is there exactly once: $fault', ({ file, right, wrong }) => {
  expect(readFileSync(join(ROOT, file), 'utf8').split(right)).toHaveLength(2);
  expect(wrong).not.toBe(right);
});
