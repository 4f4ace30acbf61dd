#!/usr/bin/env node
// The operator's command line: npm run ledger -- --help
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../cli/program.ts';
import { promptOperator, readInput } from '../cli/prompt.ts';
import { openDeployment } from '../cli/target/open.ts';

const stop = new AbortController();
// Whoever reads the answer may leave before its end, as head does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  stop.abort();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const exitCode = await runProgram(process.argv.slice(2), {
  print: (line) => process.stdout.write(`${line}\n`),
  printError: (line) => process.stderr.write(`${line}\n`),
  environment: process.env,
  openDeployment,
  openAccount: async (region) => (await import('../cli/target/aws-account.ts')).openAccount(region),
  now: Date.now,
  sleep: (ms) => sleep(ms, undefined, { signal: stop.signal }).catch(() => {}),
  signal: stop.signal,
  readInput,
  ask: promptOperator,
});
// A call that was left behind would keep the process waiting.
process.exit(exitCode);
