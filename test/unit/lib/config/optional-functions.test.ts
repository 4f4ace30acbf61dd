import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OPTIONAL_FUNCTIONS } from '../../../../lib/config/optional-functions.ts';

const LAMBDAS = join(import.meta.dirname, '../../../../lambdas');

test('a function is optional by the name of its folder', () => {
  const folders = globSync('*/handler.ts', { cwd: LAMBDAS }).map(dirname);

  expect(folders).toEqual(expect.arrayContaining(Object.keys(OPTIONAL_FUNCTIONS)));
});
