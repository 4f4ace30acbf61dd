import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openApiDocument } from './document.ts';

// Writes docs/openapi.yaml (`npm run docs`); with --check it reports only whether the page is stale.

const PAGE = join(import.meta.dirname, '../../docs/openapi.yaml');

/** Returns the page as it should be. */
export function openApiPage(): string {
  const head = '# Generated from api/ by `npm run docs`; a test fails when it is stale.\n';
  return head + stringify(openApiDocument(), { lineWidth: 120, aliasDuplicateObjects: false, singleQuote: true });
}

if (import.meta.main) {
  const page = openApiPage();
  if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
  else if (readFileSync(PAGE, 'utf8') !== page) {
    console.error('docs/openapi.yaml is stale: run `npm run docs`');
    process.exit(1);
  }
}
