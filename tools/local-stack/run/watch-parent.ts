import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 200;

/** Calls `gone` once the parent process has exited. */
export function watchParent(gone: () => void): void {
  const parent = process.ppid;
  // npm runs scripts through a shell, which survives npm.
  const npm = process.env.npm_lifecycle_event === undefined ? undefined : parentOf(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || isThere(npm))) return;
    clearInterval(timer);
    gone();
  }, LOOK_EVERY_MS);
  timer.unref();
}

/** Returns the parent's id; undefined if the system does not say. */
function parentOf(pid: number): number | undefined {
  try {
    const found = Number(process.platform === 'linux' ? parentFromProc(pid) : parentFromPs(pid));
    return found > 1 ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Parses `<pid> (<name>) <state> <ppid> …`; the name may contain anything. */
function parentFromProc(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1];
}

function parentFromPs(pid: number): string {
  return execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' });
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
