import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Closers } from './closers.ts';
import { Logbook } from './logbook.ts';
import { type Door, reserveDoor } from './loopback.ts';
import type { ReadyInfo } from './ready.ts';
import { type Reaper, startReaper } from './reaper.ts';
import { DEFAULT_PORT } from './send/arguments.ts';

export const PROJECT_ROOT = join(import.meta.dirname, '../..');
/** Of every run by its webhook port: its log, and while it lasts what it said when it was ready. */
const RUNS_FOLDER = join(PROJECT_ROOT, '.local');
/** What earlier runs synthesized. */
export const ASSEMBLIES_FOLDER = join(RUNS_FOLDER, 'assemblies');

const LOG_LIFE_MS = 24 * 3600 * 1000;

/** What the parts of one run of the stack share. */
export interface Run {
  readonly closers: Closers;
  readonly reaper: Reaper;
  readonly logbook: Logbook;
  /** Removed at the end. */
  readonly temporaryFolder: string;
  readonly webhookDoor: Door;
  /** Options that lead commands of the operator to this run. */
  readonly target: string;
  /** Another door, on any port. */
  reserveDoor(): Promise<Door>;
  /** Lets other commands find this run by its webhook port, until it ends. */
  announce(ready: ReadyInfo): void;
}

/** Takes the webhook port first: where it is in use there is nothing to run. */
export async function openRun(port: number, closers: Closers): Promise<Run> {
  const reserve = async (wanted: number) => {
    const door = await reserveDoor(wanted);
    closers.add(() => door.close());
    return door;
  };
  const webhookDoor = await reserve(port);
  mkdirSync(RUNS_FOLDER, { recursive: true });
  removeOldLogs();
  const readyPath = join(RUNS_FOLDER, `${webhookDoor.port}.json`);
  const temporaryFolder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-'));
  // Bundles are CommonJS; a package.json of another, further up, must not make modules of them.
  writeFileSync(join(temporaryFolder, 'package.json'), '{"type":"commonjs"}\n');
  const reaper = startReaper([temporaryFolder, readyPath]);
  closers.add(() => reaper.close());
  const logbook = new Logbook(join(RUNS_FOLDER, `${webhookDoor.port}.log`));
  closers.add(() => logbook.close());
  return {
    closers,
    reaper,
    logbook,
    temporaryFolder,
    webhookDoor,
    target: webhookDoor.port === DEFAULT_PORT ? '--local' : `--local --port ${webhookDoor.port}`,
    reserveDoor: () => reserve(0),
    // It holds keys.
    announce: (ready) => writeFileSync(readyPath, `${JSON.stringify(ready, null, 2)}\n`, { mode: 0o600 }),
  };
}

/** With `--port 0` every run has a log of another name. */
function removeOldLogs(): void {
  for (const name of readdirSync(RUNS_FOLDER).filter((file) => file.endsWith('.log'))) {
    const path = join(RUNS_FOLDER, name);
    const writtenMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (writtenMs < Date.now() - LOG_LIFE_MS) rmSync(path, { force: true });
  }
}
