import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Bundle, BundleCache } from '../../../lib/bundle-cache.ts';

const ROOT = join(import.meta.dirname, '../../..');
const ENTRY = 'lambdas/ingest/handler.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailgun-ledger-bundles-'));
  put('package.json', '{ "type": "module" }');
  put('tsconfig.json', '{}');
  put('node_modules/.package-lock.json', 'installed');
  put('api/routes.ts', 'export const path = "/";');
  put(ENTRY, 'export const status = 200;');
  for (const name of ['bundle', 'bundle-cache', 'own-source-map'])
    cpSync(join(ROOT, 'lib', `${name}.ts`), join(root, 'project/lib', `${name}.ts`));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string): void {
  const file = join(root, 'project', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const open = () => new BundleCache(join(root, 'project'), join(root, 'kept'));
const kept = () => readdirSync(join(root, 'kept')).toSorted();
const bundleOf = (code: string, files: readonly string[] = [ENTRY]): Bundle => ({
  code,
  map: { sources: files, names: [], mappings: '' },
  files,
});
const keep = (bundle: Bundle, entry = ENTRY) => open().keep(new Map([[entry, bundle]]));

test('a bundle is reused while nothing has changed', () => {
  expect(open().read(ENTRY)).toBeUndefined();
  keep(bundleOf('→ first'));

  expect(open().read(ENTRY)).toEqual(bundleOf('→ first'));
  expect(open().read('lambdas/process/handler.ts')).toBeUndefined();
});

test.each([
  { name: 'a line of the function', change: () => put(ENTRY, 'export const status = 201;') },
  { name: 'a line of the API', change: () => put('api/routes.ts', 'export const path = "/x";') },
  { name: 'a new file', change: () => put('lambdas/ingest/handler/index.ts', '') },
  { name: 'a file that is gone', change: () => rmSync(join(root, 'project/api/routes.ts')) },
  { name: 'an installed package', change: () => put('node_modules/.package-lock.json', 'others') },
  { name: 'how bundles are made', change: () => put('lib/bundle.ts', '') },
  { name: 'how source maps are made', change: () => put('lib/own-source-map.ts', '') },
  { name: 'package.json', change: () => put('package.json', '{}') },
  { name: 'tsconfig.json', change: () => put('tsconfig.json', '{ "extends": "./other.json" }') },
  { name: 'the settings of one folder', change: () => put('lambdas/ingest/tsconfig.json', '{}') },
])('another bundle is made after a change of $name', ({ change }) => {
  keep(bundleOf('first'));
  change();

  expect(open().read(ENTRY)).toBeUndefined();
});

test('what no bundle may hold changes none', () => {
  keep(bundleOf('first'));
  put('lib/mailgun-ledger-stack.ts', 'new');
  put('lambdas/node_modules/package/index.js', 'new');

  expect(open().read(ENTRY)?.code).toBe('first');
});

test('a bundle with a file that is not an input is not kept', () => {
  keep(bundleOf('first', [ENTRY, 'dashboard/format.ts']));

  expect(open().read(ENTRY)).toBeUndefined();
});

test('a bundle whose files are not known is not kept', () => {
  keep(bundleOf('first', []));

  expect(open().read(ENTRY)).toBeUndefined();
});

test('a bundle with a file of a package is kept', () => {
  keep(bundleOf('first', [ENTRY, 'node_modules/zod/index.js']));

  expect(open().read(ENTRY)?.code).toBe('first');
});

test('a bundle is not kept if a source changed meanwhile', () => {
  const cache = open();
  put(ENTRY, 'export const status = 201;');
  cache.keep(new Map([[ENTRY, bundleOf('first')]]));
  put(ENTRY, 'export const status = 200;');

  expect(open().read(ENTRY)).toBeUndefined();
});

test.each([
  { name: 'cut', damage: (path: string) => truncateSync(path, 70) },
  { name: 'emptied', damage: (path: string) => truncateSync(path) },
  {
    name: 'altered',
    damage: (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace('first', 'wrong')),
  },
  {
    name: 'replaced by a folder',
    damage: (path: string) => {
      rmSync(path);
      mkdirSync(path);
    },
  },
])('a bundle that was $name is not used', ({ damage }) => {
  keep(bundleOf('first'));
  const [name = ''] = kept();
  damage(join(root, 'kept', name));

  expect(open().read(ENTRY)).toBeUndefined();
});

test('a damaged bundle is replaced, and so is one that another run has kept', () => {
  keep(bundleOf('first'));
  const [name = ''] = kept();
  truncateSync(join(root, 'kept', name), 70);
  keep(bundleOf('second'));
  keep(bundleOf('third'));

  expect(open().read(ENTRY)?.code).toBe('third');
  expect(kept()).toEqual([name]);
});

test('a folder that cannot be written to only costs the reuse', () => {
  writeFileSync(join(root, 'kept'), 'a file');
  keep(bundleOf('first'));

  expect(open().read(ENTRY)).toBeUndefined();
});

test('the least recently used bundles are removed, and what a killed run left', () => {
  keep(bundleOf('first'), 'lambdas/0/handler.ts');
  const [first = ''] = kept();
  for (let index = 1; index < 32; index += 1) keep(bundleOf('first'), `lambdas/${index}/handler.ts`);
  writeFileSync(join(root, 'kept', 'left.4711'), 'half');
  for (const name of kept()) utimesSync(join(root, 'kept', name), 1000, 1000);
  for (const name of [first, 'left.4711']) utimesSync(join(root, 'kept', name), 999, 999);
  open().read('lambdas/0/handler.ts');
  keep(bundleOf('first'), 'lambdas/32/handler.ts');

  expect(kept()).toHaveLength(32);
  expect(kept()).not.toContain('left.4711');
  expect(open().read('lambdas/0/handler.ts')).toBeDefined();
  expect(open().read('lambdas/32/handler.ts')).toBeDefined();
});

describe('bundles made ahead', () => {
  /** Bundles in the copied project as the app does, and returns what runs. */
  async function bundled(): Promise<string> {
    symlinkSync(join(ROOT, 'node_modules/esbuild'), join(root, 'project/node_modules/esbuild'));
    symlinkSync(join(ROOT, 'node_modules/@jridgewell'), join(root, 'project/node_modules/@jridgewell'));
    const url = join(root, 'project/lib/bundle.ts');
    const { bundleAhead, bundleFunction }: typeof import('../../../lib/bundle.ts') = await import(url);
    const write = async () => {
      await bundleAhead([join(root, 'project', ENTRY)], open());
      bundleFunction(join(root, 'project', ENTRY), join(root, 'out/index.js'));
      return readFileSync(join(root, 'out/index.js'), 'utf8');
    };
    bundledAgain = write;
    return write();
  }
  let bundledAgain: () => Promise<string>;

  test('come from the cache while nothing has changed', async () => {
    expect(await bundled()).toContain('200');
    keep(bundleOf('from the cache'));

    expect(await bundledAgain()).toBe('from the cache');
  });

  test('hold a changed line at once', async () => {
    put(ENTRY, 'import { path } from "../../api/routes.ts"; export const status = [200, path];');
    expect(await bundled()).toContain('"/"');
    put('api/routes.ts', 'export const path = "/other";');

    expect(await bundledAgain()).toContain('"/other"');
  });
});
