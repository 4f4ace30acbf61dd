import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Assets } from './assets.ts';

/** Folder into which the package build puts the output of `built.ts`. */
const ASSETS = join(import.meta.dirname, '../../assets');

/** Copies what was built with the npm package, which needs no bundler: `#assets` in the package. */
export const assets: Assets = {
  writeFunction(name, folder) {
    cpSync(join(ASSETS, 'functions', name), folder, { recursive: true });
  },
  writePage(folder) {
    cpSync(join(ASSETS, 'page'), folder, { recursive: true });
  },
};
