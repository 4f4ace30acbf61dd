import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadyLine } from '../../../../tools/local-ledger/ready-line.ts';
import { clearFaults, control } from '../../../torture/inject-faults.ts';

/** Longer than the twin's retry schedule: Mailgun's eight hours in 7 s. */
const OUTAGE_MS = 10_000;

const COMMAND = ['tools/local-ledger/main.ts', '--once', '--legacy', '--archive', '--json', '--port', '0'];

test("an outage longer than Mailgun's retries loses nothing in the end, and the ledger proves it", async () => {
  const stack = spawn(process.execPath, COMMAND, { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(stack, 'exit');
  const lines: { event: string; [name: string]: unknown }[] = [];
  const reader = createInterface({ input: stack.stdout });
  const ready = new Promise<ReadyLine>((resolve) => {
    reader.on('line', (line) => {
      const parsed = JSON.parse(line);
      lines.push(parsed);
      if (parsed.event === 'ready') resolve(parsed);
    });
  });
  try {
    const info = await ready;
    await control(info, '/faults', [{ service: 'sqs', operation: 'SendMessage', mode: 'refuse', percent: 100 }]);
    await sleep(OUTAGE_MS);
    await clearFaults(info);

    expect(await exited).toEqual([0, null]);
    const summary = lines.findLast(({ event }) => event === 'summary');
    const ledger = lines.findLast(({ event }) => event === 'ledger');
    console.log(JSON.stringify({ summary, ledger }));
    expect(ledger).toMatchObject({ unaccounted: 0 });
    expect(Number(ledger?.recovered)).toBeGreaterThan(0);
    const proved = lines.filter(({ event }) => event === 'proved');
    expect(proved).toEqual([expect.objectContaining({ verdict: 'complete', holds: true, faults: 0 })]);
  } finally {
    stack.kill('SIGKILL');
  }
}, 240_000);
