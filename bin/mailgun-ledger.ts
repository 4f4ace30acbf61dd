#!/usr/bin/env node
// The operator's command line: npm run ledger -- --help
import { setTimeout as sleep } from 'node:timers/promises';
import { replay } from '../cli/replay.ts';
import { findTarget } from '../cli/target.ts';

const HELP = `mailgun-ledger <command>

  replay    store what Mailgun lists of a time and the table lacks

npm run ledger -- <command> --help tells more. Exit code: 0 done, 1 not all was done, 2 wrong usage.`;

const [command, ...args] = process.argv.slice(2);
const print = (line: string) => process.stdout.write(`${line}\n`);
if (command === 'replay') {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const wait = (ms: number) => sleep(ms, undefined, { signal: stop.signal }).catch(() => {});
  const exitCode = await replay(args, { findTarget, print, now: Date.now, sleep: wait, signal: stop.signal });
  // A call that was left behind would keep the process waiting.
  process.exit(exitCode);
} else if (command === '--help' || command === 'help') print(HELP);
else {
  print(command === undefined ? HELP : `there is no command "${command}"; --help lists them`);
  process.exitCode = 2;
}
