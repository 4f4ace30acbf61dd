import { createInterface, type Interface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { UsageError } from './errors.ts';

/** Asks the person at the terminal; undefined where there is none. */
export async function promptOperator(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  return answerOf(createInterface({ input: process.stdin, output: process.stderr }), question);
}

/** All of standard input; at a terminal one line, which is not shown as it is typed. */
export async function readInput(question: string): Promise<string> {
  if (!process.stdin.isTTY) return text(process.stdin);
  process.stderr.write(`${question}: `);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await answerOf(createInterface({ input: process.stdin, output: nowhere, terminal: true }), '');
  } finally {
    process.stderr.write('\n');
  }
}

async function answerOf(terminal: Interface, question: string): Promise<string> {
  try {
    return await terminal.question(question);
  } catch (error) {
    // Ctrl-C.
    if ((error as Error).name === 'AbortError') throw new UsageError('stopped');
    throw error;
  } finally {
    terminal.close();
  }
}
