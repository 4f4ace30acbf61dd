import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** Folders that are not inputs of the app; npm's lock file stands for the installed packages. */
const NO_INPUTS = ['node_modules', 'cdk.out', 'dist', 'coverage', 'docs', 'test'];
const INSTALLED_PACKAGES = 'node_modules/.package-lock.json';

/** All that a run of the tests makes, about 40; each takes about 3 MB. */
const MAX_KEPT = 64;

interface CacheFolders {
  /** Folder of the app. */
  readonly project: string;
  /** Folder of the cached assemblies. */
  readonly kept: string;
}

/** Caches synthesized assemblies by the hash of all their inputs. */
export class AssemblyCache {
  readonly #folders: CacheFolders;
  readonly #appArguments: string;
  readonly #key: string;

  /** `appArguments`: arguments of the app, which are inputs like its files. */
  constructor(folders: CacheFolders, appArguments: unknown) {
    this.#folders = folders;
    this.#appArguments = JSON.stringify([process.version, appArguments]);
    this.#key = this.#hash();
  }

  /** Returns true if no assembly is cached, for any inputs. */
  isEmpty(): boolean {
    try {
      return readdirSync(this.#folders.kept).length === 0;
    } catch {
      return true;
    }
  }

  /** Copies the cached assembly for the current inputs to a new folder; returns false if there is none. */
  copyTo(folder: string): boolean {
    const kept = join(this.#folders.kept, this.#key);
    try {
      const now = new Date();
      utimesSync(kept, now, now);
      cpSync(kept, folder, { recursive: true });
      return true;
    } catch {
      // There is none, or another run is removing it.
      rmSync(folder, { recursive: true, force: true });
      return false;
    }
  }

  /** Caches an assembly, unless an input changed while it was made. */
  keep(folder: string): void {
    const { kept } = this.#folders;
    const draft = join(kept, `${this.#key}.${process.pid}`);
    try {
      mkdirSync(kept, { recursive: true });
      cpSync(folder, draft, { recursive: true });
      if (this.#hash() === this.#key) renameSync(draft, join(kept, this.#key));
      removeOldest(kept);
    } catch {
      // Another run was faster, or the disk is full: the next run synthesizes again.
    }
    rmSync(draft, { recursive: true, force: true });
  }

  #hash(): string {
    const { project } = this.#folders;
    const hash = createHash('sha256').update(this.#appArguments);
    for (const file of [...inputFiles(project), INSTALLED_PACKAGES]) {
      const content = readIfThere(join(project, file));
      hash.update(`\0${file}\0${content.length}\0`).update(content);
    }
    return hash.digest('hex').slice(0, 32);
  }
}

/** Returns the paths of all files that may be inputs of the app; includes new folders at once. */
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

/** The file may be deleted between listing and reading. */
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
    // Renames in one step, so that no run copies a partial one.
    const going = join(kept, `${name}.going`);
    renameSync(join(kept, name), going);
    rmSync(going, { recursive: true, force: true });
  }
}
