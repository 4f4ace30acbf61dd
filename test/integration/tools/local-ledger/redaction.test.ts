import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const ARGUMENTS = ['--once', '--json', '--port', '0', '--drop', '20', '--domain', 'mg.acme.com'];
const REDACTED = ['--domain', 'eu.acme.com', '--redact', 'eu.acme.com'];

test('redacted webhooks are stored once, as listed, and none stays unconfirmed', async () => {
  const stack = spawn(process.execPath, ['tools/local-ledger/main.ts', ...ARGUMENTS, ...REDACTED], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(stack, 'exit');
  const lines: { event: string; [name: string]: unknown }[] = [];
  createInterface({ input: stack.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  try {
    const [exitCode] = await exited;
    const wrong = lines.filter(({ event, judgement }) => event === 'message' && judgement === 'wrong');
    expect(wrong).toEqual([]);
    const summary = lines.findLast(({ event }) => event === 'summary');
    const ledger = lines.findLast(({ event }) => event === 'ledger');
    expect(summary).toMatchObject({ ok: true, lost: 0, storedTwice: 0, unknown: 0, wrong: 0 });
    expect(ledger).toMatchObject({ unaccounted: 0, unconfirmed: 0, exact: true });
    expect(exitCode).toBe(0);
  } finally {
    stack.kill('SIGKILL');
  }
}, 240_000);
