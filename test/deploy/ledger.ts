import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const PROGRAM = join(import.meta.dirname, '../../bin/mailgun-ledger.ts');

interface Said {
  readonly exitCode: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs the operator's command line in a process of its own, with a text on standard input. */
export async function ledger(args: readonly string[], input = ''): Promise<Said> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin.end(input);
  const [out, error, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { exitCode, out, error };
}
