import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceMap } from './own-source-map.ts';

export interface Bundle {
  readonly code: string;
  /** Its sources are relative to the project. */
  readonly map: SourceMap;
  /** Files that went into it, relative to the project. */
  readonly files: readonly string[];
}

/** Folders whose files are inputs of every bundle, imported or not, since a new file may change what an import means. */
const SOURCES = ['lambdas', 'api'];
/** Other inputs; npm's lock file stands for the installed packages, esbuild included. */
const SETTINGS = ['package.json', 'tsconfig.json', 'lib/bundle.ts', 'lib/own-source-map.ts'];
const INSTALLED_PACKAGES = 'node_modules/.package-lock.json';
const PACKAGE = /(^|\/)node_modules\//;

/** Each takes about 0.7 MB. */
const MAX_KEPT = 32;

/** Caches the bundles of functions by the hash of all their inputs, each in one file with the hash of its content. */
export class BundleCache {
  readonly #project: string;
  readonly #folder: string;
  readonly #key: string;

  constructor(project: string, folder: string) {
    this.#project = project;
    this.#folder = folder;
    this.#key = this.#hash();
  }

  /** Returns the cached bundle of an entry file for the current inputs; undefined without one, or with a damaged one. */
  read(entry: string): Bundle | undefined {
    const path = this.#pathOf(entry);
    try {
      const text = readFileSync(path, 'utf8');
      const end = text.indexOf('\n');
      const content = text.slice(end + 1);
      if (text.slice(0, end) !== sha256(content)) return undefined;
      const now = new Date();
      utimesSync(path, now, now);
      return JSON.parse(content);
    } catch {
      // There is none, or another run has just removed it.
      return undefined;
    }
  }

  /** Caches bundles by their entry files, unless an input changed while they were made, or is not known as one. */
  keep(bundles: ReadonlyMap<string, Bundle>): void {
    try {
      if (this.#hash() !== this.#key) return;
      mkdirSync(this.#folder, { recursive: true });
      for (const [entry, bundle] of bundles)
        if (bundle.files.length > 0 && bundle.files.every(isInput)) this.#write(entry, bundle);
      removeOldest(this.#folder);
    } catch {
      // The disk is full, or another run removes the same: the next run bundles again.
    }
  }

  #write(entry: string, bundle: Bundle): void {
    const path = this.#pathOf(entry);
    const draft = `${path}.${process.pid}`;
    const content = JSON.stringify(bundle);
    try {
      writeFileSync(draft, `${sha256(content)}\n${content}`);
      // In one step, so that no run reads a partial one.
      renameSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
  }

  #pathOf(entry: string): string {
    return join(this.#folder, sha256(`${this.#key}\0${entry}`).slice(0, 32));
  }

  #hash(): string {
    const hash = createHash('sha256').update(process.version);
    const files = SOURCES.flatMap((folder) => filesOf(this.#project, folder));
    for (const file of [...files, ...SETTINGS, INSTALLED_PACKAGES]) {
      const content = readIfThere(join(this.#project, file));
      hash.update(`\0${file}\0${content.length}\0`).update(content);
    }
    return hash.digest('hex');
  }
}

const isInput = (file: string) => PACKAGE.test(file) || SOURCES.some((folder) => file.startsWith(`${folder}/`));

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');

/** Returns the paths of all files below a folder, relative to the project. */
function filesOf(project: string, folder: string): string[] {
  return readdirSync(join(project, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(project.length + 1))
    .filter((file) => !PACKAGE.test(file))
    .toSorted();
}

/** The file may be deleted between listing and reading. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Removes the least recently used bundles, and what a killed run left unfinished. */
function removeOldest(folder: string): void {
  const usedMs = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const oldest = readdirSync(folder)
    .map((name) => ({ name, at: usedMs(name) }))
    .sort((a, b) => b.at - a.at)
    .slice(MAX_KEPT);
  for (const { name } of oldest) rmSync(join(folder, name), { force: true });
}
