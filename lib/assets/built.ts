import { join } from 'node:path';
import { buildPage } from '../../dashboard/build.ts';
import { bundleFunction } from '../bundle.ts';
import type { Assets } from './assets.ts';

const LAMBDAS = join(import.meta.dirname, '../../lambdas');

/** Builds from the sources: `#assets` in the repository. */
export const assets: Assets = {
  writeFunction(name, folder) {
    bundleFunction(join(LAMBDAS, name, 'handler.ts'), join(folder, 'index.js'));
  },
  writePage(folder) {
    buildPage(folder);
  },
};
