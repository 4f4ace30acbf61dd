import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AssemblyCache } from '../../../../../tools/local-stack/template/assembly-cache.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailgun-ledger-assemblies-'));
  put('project/cdk.json', '{}');
  put('project/package-lock.json', 'packages');
  put('project/node_modules/.package-lock.json', 'installed');
  put('project/lambdas/ingest/handler.ts', 'export const status = 200;');
  put('made/template.json', 'first');
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const open = (options: unknown = { overlay: 1 }) =>
  new AssemblyCache({ project: join(root, 'project'), kept: join(root, 'kept') }, options);
const kept = () => readdirSync(join(root, 'kept'));

/** Returns the content of the copied assembly; undefined without a copy. */
function copied(options?: unknown): string | undefined {
  const folder = join(root, 'copy');
  const found = open(options).copyTo(folder);
  const content = found ? readFileSync(join(folder, 'template.json'), 'utf8') : undefined;
  expect(existsSync(folder)).toBe(found);
  rmSync(folder, { recursive: true, force: true });
  return content;
}

test('the cache is empty until the first assembly is kept, and not for other inputs', () => {
  expect(open().isEmpty()).toBe(true);
  mkdirSync(join(root, 'kept'));
  expect(open().isEmpty()).toBe(true);
  open().keep(join(root, 'made'));

  expect(open({ overlay: 2 }).isEmpty()).toBe(false);
});

test('an assembly is reused while nothing has changed', () => {
  expect(copied()).toBeUndefined();
  open().keep(join(root, 'made'));

  expect(copied()).toBe('first');
  expect(kept()).toHaveLength(1);
});

test.each([
  { name: 'a line of a source', change: () => put('project/lambdas/ingest/handler.ts', 'export const status = 201;') },
  { name: 'a file of the same name elsewhere', change: () => put('project/lambdas/handler.ts', '') },
  { name: 'a new folder', change: () => put('project/new/file.ts', 'new') },
  { name: 'a file that is gone', change: () => rmSync(join(root, 'project/lambdas/ingest/handler.ts')) },
  { name: 'the lock file', change: () => put('project/package-lock.json', 'others') },
  { name: 'an installed package', change: () => put('project/node_modules/.package-lock.json', 'others') },
  { name: 'cdk.json', change: () => put('project/cdk.json', '{ "app": "" }') },
])('another assembly is made after a change of $name', ({ change }) => {
  open().keep(join(root, 'made'));
  change();

  expect(copied()).toBeUndefined();
});

test('the arguments of the app are an input', () => {
  open().keep(join(root, 'made'));

  expect(copied({ overlay: 2 })).toBeUndefined();
});

test('tests and documents are not inputs', () => {
  open().keep(join(root, 'made'));
  put('project/test/unit/a.test.ts', 'new');
  put('project/docs/page.md', 'new');

  expect(copied()).toBe('first');
});

test('an assembly is not kept if a source changed meanwhile', () => {
  const cache = open();
  put('project/lambdas/ingest/handler.ts', 'export const status = 201;');
  cache.keep(join(root, 'made'));
  put('project/lambdas/ingest/handler.ts', 'export const status = 200;');

  expect(copied()).toBeUndefined();
  expect(kept()).toEqual([]);
});

test('of two runs that make the same assembly, the slower one changes nothing', () => {
  const [quick, slow] = [open(), open()];
  quick.keep(join(root, 'made'));
  put('made/template.json', 'second');
  slow.keep(join(root, 'made'));

  expect(copied()).toBe('first');
  expect(kept()).toHaveLength(1);
});

test('using a copy does not change the kept assembly', () => {
  open().keep(join(root, 'made'));
  open().copyTo(join(root, 'copy'));
  put('copy/template.json', 'spoilt');
  rmSync(join(root, 'copy'), { recursive: true });

  expect(copied()).toBe('first');
});

test('a folder that cannot be written to only costs the reuse', () => {
  put('kept', 'a file');

  open().keep(join(root, 'made'));

  expect(copied()).toBeUndefined();
});

test('the least recently used assemblies are removed', () => {
  for (let overlay = 0; overlay < 64; overlay += 1) open({ overlay }).keep(join(root, 'made'));
  open({ overlay: 0 }).copyTo(join(root, 'used'));
  open({ overlay: 64 }).keep(join(root, 'made'));

  expect(kept()).toHaveLength(64);
  expect([copied({ overlay: 0 }), copied({ overlay: 64 })]).toEqual(['first', 'first']);
});
