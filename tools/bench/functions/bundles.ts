import { join } from 'node:path';
import { bundleFunction } from '../../../lib/bundle.ts';

const ENTRIES = {
  ingest: '../../../lambdas/ingest/handler.ts',
  process: '../../../lambdas/process/handler.ts',
  reconcile: '../../../lambdas/reconcile/handler.ts',
  readApi: '../../../lambdas/read-api/handler.ts',
  publish: '../../../lambdas/publish/handler.ts',
  deliver: '../../../lambdas/deliver/handler.ts',
  seal: '../../../lambdas/seal/handler.ts',
  floor: '../handlers/floor.ts',
  powertools: '../handlers/powertools.ts',
  sdkAlone: '../handlers/sdk-alone.ts',
} as const;

export type Bundles = Readonly<Record<keyof typeof ENTRIES | 'powertoolsWhole', string>>;

/**
 * Bundles every function as the stack does, and every handler it is compared with; returns the paths. Powertools is
 * bundled a second time with esbuild's defaults for Node, which keep packages whole.
 */
export function makeBundles(folder: string): Bundles {
  const made = Object.entries(ENTRIES).map(([name, entry]) => {
    const file = join(folder, name, 'index.js');
    bundleFunction(join(import.meta.dirname, entry), file);
    return [name, file];
  });
  const powertoolsWhole = join(folder, 'powertools-whole', 'index.js');
  bundleFunction(join(import.meta.dirname, ENTRIES.powertools), powertoolsWhole, ['main', 'module']);
  return Object.fromEntries([...made, ['powertoolsWhole', powertoolsWhole]]);
}
