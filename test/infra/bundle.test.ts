import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bundleFunction } from '../../lib/bundle.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-bundle-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a stack names the line of the source', () => {
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

test('the map holds no source, and nothing of packages', () => {
  const bundle = join(folder, 'ingest', 'index.js');
  bundleFunction(join(import.meta.dirname, '../../lambdas/ingest/handler.ts'), bundle);
  const map = JSON.parse(readFileSync(`${bundle}.map`, 'utf8'));
  expect(map).not.toHaveProperty('sourcesContent');
  expect(map.sources.length).toBeGreaterThan(10);
  expect(map.sources.filter((source: string) => !source.includes('/lambdas/'))).toEqual([]);
});
