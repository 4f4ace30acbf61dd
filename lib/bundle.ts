import { readFileSync, writeFileSync } from 'node:fs';
import { type BuildOptions, buildSync } from 'esbuild';
import { ownSourceMap } from './own-source-map.ts';

/** How every function is bundled. */
const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  // Packages as modules, of which only what is used comes along; as CommonJS they would come whole.
  mainFields: ['module', 'main'],
  // Imports faster than ESM.
  format: 'cjs',
  minify: true,
  sourcemap: true,
  sourcesContent: false,
} satisfies BuildOptions;

/**
 * Writes the bundle of an entry file, and beside it its source map; returns the files that went into it. `mainFields`:
 * only the bench takes others, to show what they bring.
 */
export function bundleFunction(entry: string, outfile: string, mainFields = OPTIONS.mainFields): string[] {
  const { metafile } = buildSync({ ...OPTIONS, mainFields, entryPoints: [entry], outfile, metafile: true });
  const map = `${outfile}.map`;
  writeFileSync(map, JSON.stringify(ownSourceMap(JSON.parse(readFileSync(map, 'utf8')))));
  return Object.keys(metafile.inputs);
}
