import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { bundleAhead, bundleFunction } from '../../../lib/bundle.ts';

const ROOT = join(import.meta.dirname, '../../..');
const HANDLERS = globSync('lambdas/*/handler.ts', { cwd: ROOT });
const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-bundle-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a stack trace from a bundle names the source line', () => {
  const source = join(folder, 'fails.ts');
  writeFileSync(source, `\nexport function failing(): never {\n  throw new Error('as it should');\n}\nfailing();\n`);
  const bundle = join(folder, 'out', 'index.js');
  bundleFunction(source, bundle);
  let said = '';
  try {
    execFileSync(process.execPath, ['--enable-source-maps', bundle], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    said = (error as { stderr: string }).stderr;
  }
  expect(said).toMatch(/fails\.ts:3:/);
});

test("a bundle's source map contains neither source code nor mappings of packages", () => {
  const bundle = join(folder, 'ingest', 'index.js');
  bundleFunction(join(ROOT, 'lambdas/ingest/handler.ts'), bundle);
  const map = JSON.parse(readFileSync(`${bundle}.map`, 'utf8'));
  expect(map).not.toHaveProperty('sourcesContent');
  expect(map.sources.length).toBeGreaterThan(10);
  expect(map.sources.filter((source: string) => !source.startsWith('lambdas/'))).toEqual([]);
});

test('equal sources in different folders give the same bundle and source map', () => {
  const [here, there] = ['one', 'deeper/than/one'].map((name) => {
    const bundle = join(folder, name, 'index.js');
    bundleFunction(join(ROOT, 'lambdas/ingest/handler.ts'), bundle);
    return [bundle, `${bundle}.map`].map((file) => readFileSync(file, 'utf8'));
  });
  expect(here).toEqual(there);
});

test('every function is bundled', () => {
  expect(HANDLERS).toHaveLength(8);
});

// The source map leaves out packages, so esbuild's metafile is read.
test.each(HANDLERS)('the bundle of %s holds only code of functions and of production packages', (handler) => {
  const files = bundleFunction(join(ROOT, handler), join(folder, handler, 'index.js')).map((file) =>
    relative(ROOT, file),
  );

  expect(files).toContain(handler);
  expect(files.some((file) => file.startsWith('node_modules/'))).toBe(true);
  expect(files.filter((file) => !mayBeDeployed(file))).toEqual([]);
});

/** A file of the functions, or of a package that the lock file knows and that is not for development only. */
function mayBeDeployed(file: string): boolean {
  const [name] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? [];
  if (name === undefined) return /^(lambdas|api)\//.test(file);
  return packages[name] !== undefined && packages[name].dev !== true;
}

test('bundles built in parallel equal bundles built one at a time', async () => {
  const entries = HANDLERS.map((handler) => join(ROOT, handler));
  const write = (name: string) =>
    entries.map((entry, index) => {
      const bundle = join(folder, name, String(index), 'index.js');
      bundleFunction(entry, bundle);
      return [readFileSync(bundle, 'utf8'), readFileSync(`${bundle}.map`, 'utf8')];
    });
  const alone = write('alone');
  await bundleAhead(entries);

  expect(write('ahead')).toEqual(alone);
});

test('a function that does not bundle fails with the file and the error', async () => {
  const broken = join(folder, 'broken.ts');
  writeFileSync(broken, 'export const handler = ;');
  await bundleAhead([broken]);

  expect(() => bundleFunction(broken, join(folder, 'broken', 'index.js'))).toThrow(/broken\.ts:1:23: ERROR/);
});

test.each([
  ['lambdas/ingest/handler.ts', true],
  ['node_modules/@middy/core/index.js', true],
  ['node_modules/a/node_modules/@middy/core/index.js', false],
  ['node_modules/@jest/globals/build/index.js', false],
  ['api/routes.ts', true],
  ['test/support/fixtures/webhooks.ts', false],
  ['tools/local-ledger/main.ts', false],
])('mayBeDeployed(%s) is %p', (file, expected) => {
  expect(mayBeDeployed(file)).toBe(expected);
});
