import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disposables } from './disposables.ts';
import { type Listener, reserveListener } from './listener.ts';
import { LogBuffer } from './log-buffer.ts';
import { type ProcessReaper, startProcessReaper } from './process-reaper.ts';

const LOG_LIFE_MS = 24 * 3600 * 1000;

/** Shared by the parts of one run of the stack. */
export interface StackRun {
  readonly disposables: Disposables;
  readonly processReaper: ProcessReaper;
  readonly logBuffer: LogBuffer;
  /** Removed at the end. */
  readonly temporaryFolder: string;
  readonly mainListener: Listener;
  /** Opens another listener on any port. */
  reserveListener(): Promise<Listener>;
  /** Lets other commands find this run by its port until it ends; `ready` may hold keys. */
  announce(ready: object): void;
}

interface RunOptions {
  /** Port that identifies the run; 0 takes any. */
  readonly port: number;
  /** Folder with each run's log, by port, and while it runs its ready line. */
  readonly folder: string;
  /** Prefix of the temporary folder's name. */
  readonly name: string;
}

/** Opens the port first: if it is in use, nothing else is started. */
export async function openRun({ port, folder, name }: RunOptions, disposables: Disposables): Promise<StackRun> {
  const reserve = async (wanted: number) => {
    const listener = await reserveListener(wanted);
    disposables.add(() => listener.close());
    return listener;
  };
  const mainListener = await reserve(port);
  mkdirSync(folder, { recursive: true });
  removeOldLogs(folder);
  const readyPath = join(folder, `${mainListener.port}.json`);
  const temporaryFolder = mkdtempSync(join(tmpdir(), `${name}-`));
  // Bundles are CommonJS; a package.json in a parent folder must not make them ES modules.
  writeFileSync(join(temporaryFolder, 'package.json'), '{"type":"commonjs"}\n');
  const processReaper = startProcessReaper([temporaryFolder, readyPath]);
  disposables.add(() => processReaper.close());
  const logBuffer = new LogBuffer(join(folder, `${mainListener.port}.log`));
  disposables.add(() => logBuffer.close());
  return {
    disposables,
    processReaper,
    logBuffer,
    temporaryFolder,
    mainListener,
    reserveListener: () => reserve(0),
    // The file holds keys.
    announce: (ready) => writeFileSync(readyPath, `${JSON.stringify(ready, null, 2)}\n`, { mode: 0o600 }),
  };
}

/** Each `--port 0` run leaves a log under another name. */
function removeOldLogs(folder: string): void {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.log'))) {
    const path = join(folder, name);
    const writtenMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (writtenMs < Date.now() - LOG_LIFE_MS) rmSync(path, { force: true });
  }
}
