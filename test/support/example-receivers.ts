import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'examples/receivers');
const BUILT = join(ROOT, '.local/receivers');

/** The command that starts a receiver of `examples/`, or why it cannot run here. */
export type ExampleCommand = { readonly run: readonly [string, ...string[]] } | { readonly missing: string };

/** Returns why a command failed; undefined if it succeeded. */
function failure(command: string, args: readonly string[], cwd = EXAMPLES): string | undefined {
  const { error, status, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 120_000 });
  if (error !== undefined)
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? `no ${command} here` : error.message;
  return status === 0 ? undefined : `${command}: ${stderr.trim().split('\n').at(-1)}`;
}

function python(): ExampleCommand {
  const venv = join(BUILT, 'python');
  const program = join(venv, 'bin/python');
  const install = ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', '-r', 'requirements.txt'];
  const missing = failure('python3', ['-m', 'venv', venv]) ?? failure(program, install);
  return missing === undefined ? { run: [program, join(EXAMPLES, 'receiver.py')] } : { missing };
}

function go(): ExampleCommand {
  const program = join(BUILT, 'receiver');
  const missing = failure('go', ['build', '-o', program, '.'], join(EXAMPLES, 'go'));
  return missing === undefined ? { run: [program] } : { missing };
}

/** Prepares the examples; installs their dependencies if a registry is reachable. */
export function prepareExamples(): Readonly<Record<'Node' | 'Python' | 'Go', ExampleCommand>> {
  mkdirSync(BUILT, { recursive: true });
  return { Node: { run: [process.execPath, join(EXAMPLES, 'receiver.ts')] }, Python: python(), Go: go() };
}

export interface ExampleReceiver {
  readonly url: string;
  /** Deliveries it printed, as type and id. */
  readonly acted: readonly string[];
  stop(): void;
}

/** Starts an example on any port. */
export async function startExample([command, ...args]: readonly [string, ...string[]], secret: string) {
  const child: ChildProcess = spawn(command, args, {
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning', SECRET: secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const acted: string[] = [];
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}: ${errors}`)));
    child.once('error', reject);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const [, listening] = /^listening (\d+)$/.exec(line) ?? [];
      if (listening === undefined) acted.push(line);
      else resolve(Number(listening));
    });
  });
  return { url: `http://127.0.0.1:${port}/`, acted, stop: () => void child.kill() } satisfies ExampleReceiver;
}
