import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { CACHE_CONTROL, contentSecurityPolicy, HASHED_FOLDER, SECURITY_HEADERS } from './headers.ts';

// `node dashboard/build.ts <folder> <api URL> <target of commands>` writes the whole site for any file server,
// and `headers.json` with the headers of each: what a deployment gives to its bucket and its distribution.

/** Bundles the page into a folder, without `config.json`, which belongs to a stack. Returns the names of the files. */
export function buildPage(folder: string): string[] {
  const source = (name: string) => join(import.meta.dirname, name);
  mkdirSync(join(folder, HASHED_FOLDER), { recursive: true });
  const { outputFiles } = buildSync({
    entryPoints: [source('main.ts'), source('style.css')],
    outdir: '.',
    write: false,
    bundle: true,
    format: 'esm',
    target: 'es2023',
    minify: true,
    // The page's symbols are not ASCII.
    charset: 'utf8',
    logLevel: 'warning',
  });
  let html = readFileSync(source('index.html'), 'utf8');
  const names = ['index.html'];
  const put = (linkedAs: string, name: string, content: Uint8Array) => {
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
    const extension = extname(name);
    const hashed = `${HASHED_FOLDER}/${basename(name, extension)}-${hash}${extension}`;
    writeFileSync(join(folder, hashed), content);
    if (!html.includes(`"${linkedAs}"`)) throw new Error(`index.html does not link ${linkedAs}`);
    html = html.replace(`"${linkedAs}"`, `"${hashed}"`);
    names.push(hashed);
  };
  for (const { path, contents } of outputFiles) {
    const name = basename(path);
    put(name.replace(/\.js$/, '.ts'), name, contents);
  }
  put('icon.svg', 'icon.svg', readFileSync(source('icon.svg')));
  writeFileSync(join(folder, 'index.html'), html);
  return names;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

function buildSite(folder: string, apiUrl: string, target: string): void {
  const names = [...buildPage(folder), 'config.json'];
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ apiUrl, target }));
  const headersOf = (name: string) => ({
    ...SECURITY_HEADERS,
    'content-security-policy': contentSecurityPolicy(apiUrl),
    'content-type': CONTENT_TYPES[extname(name)],
    'cache-control': name.startsWith(`${HASHED_FOLDER}/`) ? CACHE_CONTROL.hashed : CACHE_CONTROL.other,
  });
  writeFileSync(
    join(folder, 'headers.json'),
    JSON.stringify(Object.fromEntries(names.map((name) => [name, headersOf(name)]))),
  );
}

if (import.meta.main) {
  const [folder, apiUrl, target] = process.argv.slice(2);
  if (folder === undefined || apiUrl === undefined || target === undefined) {
    throw new Error('usage: node dashboard/build.ts <folder> <api URL> <target of commands>');
  }
  buildSite(folder, apiUrl, target);
}
