import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** Folders that no app is made of; npm's own list stands for the installed packages. */
const NO_INPUTS = ['node_modules', 'cdk.out', 'dist', 'coverage', 'docs', 'test'];
const INSTALLED_PACKAGES = 'node_modules/.package-lock.json';

/** About 4 MB each. */
const MAX_KEPT = 24;

export interface CacheFolders {
  /** Where the app lies. */
  readonly project: string;
  /** Where assemblies are kept. */
  readonly kept: string;
}

/** Assemblies that were synthesized before, each by the hash of everything that it was made of. */
export class AssemblyCache {
  readonly #folders: CacheFolders;
  readonly #asked: string;
  readonly #key: string;

  /** `asked`: what the app is called with, which is as much an input as its files. */
  constructor(folders: CacheFolders, asked: unknown) {
    this.#folders = folders;
    this.#asked = JSON.stringify([process.version, asked]);
    this.#key = this.#hash();
  }

  /** Copies the assembly of these very inputs to a folder that does not exist yet; returns false where none is kept. */
  copyTo(folder: string): boolean {
    const kept = join(this.#folders.kept, this.#key);
    try {
      const now = new Date();
      utimesSync(kept, now, now);
      cpSync(kept, folder, { recursive: true });
      return true;
    } catch {
      // There is none, or another run removes it just now.
      rmSync(folder, { recursive: true, force: true });
      return false;
    }
  }

  /** Keeps an assembly for later runs, unless an input changed while it was made. */
  keep(folder: string): void {
    const { kept } = this.#folders;
    const draft = join(kept, `${this.#key}.${process.pid}`);
    try {
      mkdirSync(kept, { recursive: true });
      cpSync(folder, draft, { recursive: true });
      if (this.#hash() === this.#key) renameSync(draft, join(kept, this.#key));
      removeOldest(kept);
    } catch {
      // Another run was quicker, or the disk is full: the next one synthesizes again.
    }
    rmSync(draft, { recursive: true, force: true });
  }

  #hash(): string {
    const { project } = this.#folders;
    const hash = createHash('sha256').update(this.#asked);
    for (const file of [...inputFiles(project), INSTALLED_PACKAGES]) {
      const content = readIfThere(join(project, file));
      hash.update(`\0${file}\0${content.length}\0`).update(content);
    }
    return hash.digest('hex').slice(0, 32);
  }
}

/** Every file of a project that its app may be made of, by its path; a new folder counts at once. */
function inputFiles(project: string, folder = ''): string[] {
  const entries = readdirSync(join(project, folder), { withFileTypes: true });
  return entries
    .filter(({ name }) => !name.startsWith('.') && !NO_INPUTS.includes(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? inputFiles(project, path) : [path];
    });
}

/** A file may go between the listing and the reading. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

function removeOldest(kept: string): void {
  const usedMs = (name: string) => statSync(join(kept, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const oldest = readdirSync(kept)
    .map((name) => ({ name, at: usedMs(name) }))
    .sort((a, b) => b.at - a.at)
    .slice(MAX_KEPT);
  for (const { name } of oldest) {
    // In one step, so that no run copies half of it.
    const going = join(kept, `${name}.going`);
    renameSync(join(kept, name), going);
    rmSync(going, { recursive: true, force: true });
  }
}
