import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { bundleAhead, bundleFunction } from '../../../lib/bundle.ts';

const ROOT = join(import.meta.dirname, '../../..');
const HANDLERS = globSync('lambdas/*/handler.ts', { cwd: ROOT });
const INGEST = 'lambdas/ingest/handler.ts';
const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-bundle-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Files of each handler's bundle, by handler: each is bundled alone once. */
const bundled = new Map<string, readonly string[]>();
const bundleOf = (handler: string) => join(folder, handler, 'index.js');

/** Bundles a handler alone, unless it is; returns the files of the bundle. */
function bundle(handler: string): readonly string[] {
  const files = bundled.get(handler) ?? bundleFunction(join(ROOT, handler), bundleOf(handler));
  bundled.set(handler, files);
  return files;
}

const contentsOf = (path: string) => [path, `${path}.map`].map((file) => readFileSync(file, 'utf8'));

test('a stack trace from a bundle names the source line', () => {
  const source = join(folder, 'fails.ts');
  writeFileSync(source, `\nexport function failing(): never {\n  throw new Error('as it should');\n}\nfailing();\n`);
  const output = join(folder, 'out', 'index.js');
  bundleFunction(source, output);
  let said = '';
  try {
    execFileSync(process.execPath, ['--enable-source-maps', output], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    said = (error as { stderr: string }).stderr;
  }
  expect(said).toMatch(/fails\.ts:3:/);
});

test("a bundle's source map contains neither source code nor mappings of packages", () => {
  bundle(INGEST);
  const map = JSON.parse(readFileSync(`${bundleOf(INGEST)}.map`, 'utf8'));
  expect(map).not.toHaveProperty('sourcesContent');
  expect(map.sources.length).toBeGreaterThan(10);
  expect(map.sources.filter((source: string) => !source.startsWith('lambdas/'))).toEqual([]);
});

test('equal sources in different folders give the same bundle and source map', () => {
  bundle(INGEST);
  const deeper = join(folder, 'deeper/than/that/index.js');
  bundleFunction(join(ROOT, INGEST), deeper);

  expect(contentsOf(deeper)).toEqual(contentsOf(bundleOf(INGEST)));
});

test('every function is bundled', () => {
  expect(HANDLERS).toHaveLength(8);
});

// The source map leaves out packages, so esbuild's metafile is read.
test.each(HANDLERS)('the bundle of %s holds only code of functions and of production packages', (handler) => {
  const files = bundle(handler).map((file) => relative(ROOT, file));

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
  for (const handler of HANDLERS) bundle(handler);
  await bundleAhead(HANDLERS.map((handler) => join(ROOT, handler)));

  const differing = HANDLERS.filter((handler) => {
    const ahead = join(folder, 'ahead', handler, 'index.js');
    bundleFunction(join(ROOT, handler), ahead);
    return !isDeepStrictEqual(contentsOf(ahead), contentsOf(bundleOf(handler)));
  });
  expect(differing).toEqual([]);
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
