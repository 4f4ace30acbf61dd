#!/usr/bin/env node
// The operator's command line: npm run ledger -- --help
import { setTimeout as sleep } from 'node:timers/promises';
import { openOutputStream } from './output.ts';
import { runProgram } from './program.ts';
import { promptOperator, readInput } from './prompt.ts';
import { openDeployment } from './target/open.ts';

const stop = new AbortController();
const output = openOutputStream(process.stdout, () => stop.abort());
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
await Promise.all([output.flushed(), errors.flushed()]);
// A pending call would keep the process alive.
process.exit(exitCode);
