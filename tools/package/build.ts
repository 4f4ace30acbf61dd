import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assets } from '../../lib/assets/built.ts';

// Builds what `npm pack` packs: dist/ has the repository's layout, compiled, with generated files.

const ROOT = join(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');
/** Read at run time: the runbook by the command line, the schemas by their importers. */
const DOCUMENTS = ['docs/runbook.md', 'docs/schemas'];

rmSync(DIST, { recursive: true, force: true });
const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.package.json'], { cwd: ROOT, stdio: 'inherit' });
for (const handler of globSync('lambdas/*/handler.ts', { cwd: ROOT })) {
  const name = dirname(handler).slice('lambdas/'.length);
  assets.writeFunction(name, join(DIST, 'assets/functions', name));
}
mkdirSync(join(DIST, 'assets/page'), { recursive: true });
assets.writePage(join(DIST, 'assets/page'));
for (const path of DOCUMENTS) cpSync(join(ROOT, path), join(DIST, path), { recursive: true });

const { version, type } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
// The nearest package.json defines `#assets`.
const manifest = { version, type, imports: { '#assets': './lib/assets/packaged.js' } };
writeFileSync(join(DIST, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
