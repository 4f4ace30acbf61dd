import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shortLivedEngine } from '../support/stacks/short-lived-engine.ts';

const TEST = join(import.meta.dirname, '..');
const PATTERNS: string[] = JSON.parse(readFileSync(join(TEST, 'engine-bound.json'), 'utf8'));
const files = globSync('integration/**/*.test.ts', { cwd: TEST });

test.each(PATTERNS)('%s, which runs on the second engine as well, matches a test file', (pattern) => {
  expect(files.filter((file) => new RegExp(pattern).test(file))).not.toEqual([]);
});

test('the second run, which names its engine, overrides the one that tests prefer', async () => {
  expect(await shortLivedEngine({ LEDGER_ENGINE: 'dynamodb-local' })).toBeUndefined();
  expect(await shortLivedEngine({ LEDGER_ENGINE: '' })).toBe(await shortLivedEngine({}));
});
