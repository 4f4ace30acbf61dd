import { spawn } from 'node:child_process';

/**
 * Kills processes that would outlive us. A shell reads `+<pid>` and `-<pid>` from a pipe that only this process holds
 * open; when this process ends, even by SIGKILL, the pipe closes, and the shell kills the listed processes and removes
 * our files.
 */
const SCRIPT = `
pids=" "
while read -r line; do
  case "$line" in
    +*) pids="$pids\${line#+} " ;;
    -*) case "$pids" in *" \${line#-} "*) pids="\${pids%%" \${line#-} "*} \${pids#*" \${line#-} "}" ;; esac ;;
  esac
done
[ "$pids" = " " ] || { kill -9 $pids 2>/dev/null; sleep 0.2; }
rm -rf "$@"
`;

export interface ProcessReaper {
  /** Kills this process when ours ends. */
  watch(pid: number): void;
  /** Stops watching an exited process: its id may be reused. */
  forget(pid: number): void;
  /** Kills the watched processes and removes the files; resolves when done. */
  close(): Promise<void>;
}

/** Starts the reaper; `paths` are removed at the end, however this process ends. */
export function startProcessReaper(paths: readonly string[]): ProcessReaper {
  // Own process group: Ctrl-C in the terminal goes to ours, and the reaper must outlive us.
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'reaper', ...paths], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  shell.stdin.on('error', () => {});
  return {
    watch: (pid) => shell.stdin.write(`+${pid}\n`),
    forget: (pid) => shell.stdin.write(`-${pid}\n`),
    close() {
      shell.stdin.end();
      return ended;
    },
  };
}
