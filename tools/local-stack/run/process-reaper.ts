import { spawn } from 'node:child_process';

/**
 * Ends what would outlive us. A shell reads `+<pid>` and `-<pid>` from a pipe that only this process holds open;
 * when we are gone, even by SIGKILL, the pipe ends and the shell kills what is still listed and removes our files.
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
  /** From now on this process ends when we do. */
  watch(pid: number): void;
  /** It has ended: its number may soon be another's. */
  forget(pid: number): void;
  /** Kills what is watched, removes the files; resolves when that is done. */
  close(): Promise<void>;
}

/** The files and folders are removed at the end, however we end. */
export function startProcessReaper(paths: readonly string[]): ProcessReaper {
  // A process group of its own: Ctrl-C at a terminal goes to ours, and the process reaper must outlive us.
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
