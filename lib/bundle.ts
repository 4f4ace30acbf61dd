import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type BuildOptions, type BuildResult, build, buildSync } from 'esbuild';
import type { Bundle, BundleCache } from './bundle-cache.ts';
import { ownSourceMap } from './own-source-map.ts';

const ROOT = join(import.meta.dirname, '..');

const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  // Packages as ES modules, of which only used parts are bundled; as CommonJS they would be whole.
  mainFields: ['module', 'main'],
  // Imports faster than ESM.
  format: 'cjs',
  minify: true,
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  write: false,
} satisfies BuildOptions;

/** Bundles made ahead, by entry file. */
const ahead = new Map<string, Bundle>();

/**
 * Bundles functions in parallel for `bundleFunction` to write: esbuild keeps every core busy, and reads the SDK once
 * for all of them. A function that does not bundle fails where it is written. `cache`: bundles nothing that it holds.
 */
export async function bundleAhead(entries: readonly string[], cache?: BundleCache): Promise<void> {
  const cached = new Map(entries.map((entry) => [entry, cache?.read(relative(ROOT, entry))]));
  for (const [entry, bundle] of cached) if (bundle !== undefined) ahead.set(entry, bundle);
  const missing = entries.filter((entry) => cached.get(entry) === undefined);
  if (missing.length === 0) return;
  const outdir = import.meta.dirname;
  const entryPoints = missing.map((entry, index) => ({ in: entry, out: `${index}/index` }));
  const result = await build({ ...OPTIONS, entryPoints, outdir, logLevel: 'silent' }).catch(() => undefined);
  if (result === undefined) return;
  const made = missing.map((entry, index) => [entry, readBundle(result, join(outdir, `${index}/index.js`))] as const);
  for (const [entry, bundle] of made) ahead.set(entry, bundle);
  cache?.keep(new Map(made.map(([entry, bundle]) => [relative(ROOT, entry), bundle])));
}

/**
 * Writes the bundle of an entry file, and beside it its source map; returns the files that went into it, relative to
 * the project. `mainFields`: only the bench takes others, to show what they bring.
 */
export function bundleFunction(entry: string, outfile: string, mainFields = OPTIONS.mainFields): readonly string[] {
  const { code, map, files } =
    (mainFields === OPTIONS.mainFields ? ahead.get(entry) : undefined) ??
    readBundle(buildSync({ ...OPTIONS, mainFields, entryPoints: [entry], outfile }), outfile);
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(outfile, code);
  writeFileSync(`${outfile}.map`, JSON.stringify(map));
  return files;
}

function readBundle({ outputFiles, metafile }: BuildResult<typeof OPTIONS>, outfile: string): Bundle {
  const contentsOf = (path: string) => {
    const found = outputFiles.find((file) => file.path === resolve(path));
    if (found === undefined) throw new Error(`esbuild wrote no ${path}`);
    return found;
  };
  const map = ownSourceMap(JSON.parse(contentsOf(`${outfile}.map`).text));
  // Below the project and not from the output folder, or each folder would give the asset another hash.
  const sources = map.sources.map((source: string) => relative(ROOT, resolve(dirname(outfile), source)));
  const inputs = metafile.outputs[relative(process.cwd(), resolve(outfile))]?.inputs ?? {};
  const files = Object.keys(inputs).map((file) => relative(ROOT, resolve(file)));
  return { code: contentsOf(outfile).text, map: { ...map, sources }, files };
}
