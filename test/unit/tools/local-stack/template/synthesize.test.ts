import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Disposables } from '../../../../../tools/local-stack/run/disposables.ts';
import type { StackRun } from '../../../../../tools/local-stack/run/run.ts';
import { synthesizeApp } from '../../../../../tools/local-stack/template/synthesize.ts';

let root: string;
let compileCache: string | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailgun-ledger-synthesize-'));
  mkdirSync(join(root, 'project'));
  writeFileSync(
    join(root, 'project/app.cjs'),
    `const { mkdirSync, writeFileSync } = require('node:fs');
    const { CDK_OUTDIR, NODE_COMPILE_CACHE } = process.env;
    mkdirSync(CDK_OUTDIR);
    const write = (name, content) => writeFileSync(CDK_OUTDIR + '/' + name, JSON.stringify(content));
    const properties = { stackName: NODE_COMPILE_CACHE ?? 'none', templateFile: 'template.json' };
    write('manifest.json', { artifacts: { stack: { type: 'aws:cloudformation:stack', properties } } });
    write('template.json', { Resources: {} });`,
  );
  compileCache = process.env.NODE_COMPILE_CACHE;
  process.env.NODE_COMPILE_CACHE = join(root, 'compiled');
});
afterEach(() => {
  if (compileCache === undefined) delete process.env.NODE_COMPILE_CACHE;
  else process.env.NODE_COMPILE_CACHE = compileCache;
  rmSync(root, { recursive: true });
});

/** Synthesizes an app whose stack has the name of its compile cache. */
async function synthesized(overlay: number, kept?: string): Promise<string> {
  const disposables = new Disposables();
  const run = {
    temporaryFolder: mkdtempSync(join(root, 'run-')),
    processReaper: { watch: () => {}, forget: () => {} },
    disposables,
  } as unknown as StackRun;
  const app = { folder: join(root, 'project'), command: 'node app.cjs', context: { overlay }, ...(kept && { kept }) };
  const { stackName } = await synthesizeApp(app, run);
  await disposables.close();
  return stackName;
}

test('an app fills a compile cache only where it is run again with other settings', async () => {
  const kept = join(root, 'kept');

  expect(await synthesized(1, kept)).toBe('none');
  expect(await synthesized(1, kept)).toBe('none');
  expect(await synthesized(2, kept)).toBe(join(root, 'compiled'));
});

test('an app whose assemblies are not kept has no compile cache', async () => {
  expect(await synthesized(1)).toBe('none');
  expect(await synthesized(2)).toBe('none');
});
