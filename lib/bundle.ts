import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type BuildOptions, type BuildResult, build, buildSync } from 'esbuild';
import { ownSourceMap, type SourceMap } from './own-source-map.ts';

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

interface Bundle {
  readonly code: Uint8Array;
  /** Its sources are absolute. */
  readonly map: SourceMap;
  readonly files: readonly string[];
}

/** Bundles made ahead, by entry file; the map is read where it is written. */
const ahead = new Map<string, () => Bundle>();

/**
 * Bundles functions in parallel for `bundleFunction` to write: esbuild keeps every core busy, and reads the SDK once
 * for all of them. A function that does not bundle fails where it is written.
 */
export async function bundleAhead(entries: readonly string[]): Promise<void> {
  if (entries.length === 0) return;
  const outdir = import.meta.dirname;
  const entryPoints = entries.map((entry, index) => ({ in: entry, out: `${index}/index` }));
  const result = await build({ ...OPTIONS, entryPoints, outdir, logLevel: 'silent' }).catch(() => undefined);
  if (result === undefined) return;
  for (const [index, entry] of entries.entries())
    ahead.set(entry, () => readBundle(result, join(outdir, `${index}/index.js`)));
}

/**
 * Writes the bundle of an entry file, and beside it its source map; returns the files that went into it. `mainFields`:
 * only the bench takes others, to show what they bring.
 */
export function bundleFunction(entry: string, outfile: string, mainFields = OPTIONS.mainFields): readonly string[] {
  const { code, map, files } =
    (mainFields === OPTIONS.mainFields ? ahead.get(entry)?.() : undefined) ??
    readBundle(buildSync({ ...OPTIONS, mainFields, entryPoints: [entry], outfile }), outfile);
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(outfile, code);
  // Below the project and not from the output folder, or each folder would give the asset another hash.
  const sources = map.sources.map((source) => relative(ROOT, source));
  writeFileSync(`${outfile}.map`, JSON.stringify({ ...map, sources }));
  return files;
}

function readBundle({ outputFiles, metafile }: BuildResult<typeof OPTIONS>, outfile: string): Bundle {
  const contentsOf = (path: string) => {
    const found = outputFiles.find((file) => file.path === resolve(path));
    if (found === undefined) throw new Error(`esbuild wrote no ${path}`);
    return found;
  };
  const map = ownSourceMap(JSON.parse(contentsOf(`${outfile}.map`).text));
  const sources = map.sources.map((source: string) => resolve(dirname(outfile), source));
  const inputs = metafile.outputs[relative(process.cwd(), resolve(outfile))]?.inputs ?? {};
  return { code: contentsOf(outfile).contents, map: { ...map, sources }, files: Object.keys(inputs) };
}
