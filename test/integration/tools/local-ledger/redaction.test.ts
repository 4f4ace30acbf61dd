import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';

const ARGUMENTS = ['--once', '--json', '--port', '0', '--drop', '20', '--domain', 'mg.acme.com'];
const REDACTED = ['--domain', 'eu.acme.com', '--redact', 'eu.acme.com'];

test('webhooks that name no recipient are stored once, as listed, and nothing of them is unconfirmed', async () => {
  const stack = spawn(process.execPath, ['tools/local-ledger/main.ts', ...ARGUMENTS, ...REDACTED], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(stack, 'exit');
  const lines: { event: string; [name: string]: unknown }[] = [];
  createInterface({ input: stack.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  try {
    expect(await exited).toEqual([0, null]);
    const summary = lines.findLast(({ event }) => event === 'summary');
    const ledger = lines.findLast(({ event }) => event === 'ledger');
    console.log(JSON.stringify({ summary, ledger }));
    expect(summary).toMatchObject({ ok: true, lost: 0, storedTwice: 0, unknown: 0, wrong: 0 });
    expect(ledger).toMatchObject({ unaccounted: 0, unconfirmed: 0, exact: true });
  } finally {
    stack.kill('SIGKILL');
  }
}, 240_000);
