import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 200;

/** Calls back once the process that started this one has gone. */
export function watchParent(gone: () => void): void {
  const parent = process.ppid;
  // npm runs scripts through a shell, which stays when npm goes.
  const npm = process.env.npm_lifecycle_event === undefined ? undefined : parentOf(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || isThere(npm))) return;
    clearInterval(timer);
    gone();
  }, LOOK_EVERY_MS);
  timer.unref();
}

/** Undefined where this machine does not tell. */
function parentOf(pid: number): number | undefined {
  try {
    const found = Number(process.platform === 'linux' ? parentFromProc(pid) : parentFromPs(pid));
    return found > 1 ? found : undefined;
  } catch {
    return undefined;
  }
}

/** `<pid> (<name>) <state> <ppid> …`, where the name may hold anything. */
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
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
