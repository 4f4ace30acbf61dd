#!/usr/bin/env node
// The operator's command line: npm run ledger -- --help

import { createInterface, type Interface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileError, UsageError } from './errors.ts';
import { openOutputStream } from './output.ts';
import { runProgram } from './parse-command-line.ts';
import { openDeployment } from './target/open.ts';

const stop = new AbortController();
let outputError: NodeJS.ErrnoException | undefined;
const output = openOutputStream(process.stdout, (error) => {
  outputError = error;
  stop.abort();
});
const errors = openOutputStream(process.stderr, () => {});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

/** Commands that are printed begin as this one began: in the package it is JavaScript. */
const asStarted = (line: string) =>
  import.meta.url.endsWith('.js') ? line.replaceAll(/npm run (?:--silent )?ledger --/g, 'npx mailgun-ledger') : line;

const exitCode = await runProgram(process.argv.slice(2), {
  print: (line) => output.print(asStarted(line)),
  printError: (line) => errors.print(asStarted(line)),
  environment: process.env,
  openDeployment,
  openAccount: async (...place) => (await import('./target/aws.ts')).openAccount(...place),
  now: Date.now,
  sleep: (ms) => sleep(ms, undefined, { signal: stop.signal }).catch(() => {}),
  signal: stop.signal,
  readInput,
  ask: promptOperator,
});
// A process that exits drops what its pipes have not read yet.
await output.flushed();
if (outputError !== undefined) errors.print(fileError('standard output cannot be written', outputError).message);
await errors.flushed();
// A pending call would keep the process alive.
process.exit(outputError === undefined ? exitCode : 1);

/** Asks the person at the terminal; returns undefined without one. */
async function promptOperator(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  return replyTo(createInterface({ input: process.stdin, output: process.stderr }), question);
}

/** Returns all of standard input; at a terminal one line, without echo. */
async function readInput(question: string): Promise<string> {
  if (!process.stdin.isTTY) return text(process.stdin);
  process.stderr.write(`${question}: `);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await replyTo(createInterface({ input: process.stdin, output: nowhere, terminal: true }), '');
  } finally {
    process.stderr.write('\n');
  }
}

async function replyTo(terminal: Interface, question: string): Promise<string> {
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
