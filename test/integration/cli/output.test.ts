import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

// The real command in a process of its own, with its output piped.

const ROOT = join(import.meta.dirname, '../../..');
/** No stack can run on such a port, so its file is free; each test process uses another one. */
const PORT = 1 + (process.pid % 1000);
const READY_FILE = join(ROOT, '.local', `${PORT}.json`);
const LINES = 40_000;

let control: Server;
beforeAll(async () => {
  const at = new Date().toISOString();
  const lines = Array.from({ length: LINES }, (_, n) => ({ at, source: 'ingest', line: JSON.stringify({ n }) }));
  const place = { stackName: 's', region: 'us-east-1', awsEndpointUrl: '', accessKeyId: '', outputs: {} };
  control = createServer((request, response) =>
    response.end(JSON.stringify(request.url === '/logs' ? { lines } : place)),
  );
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  mkdirSync(join(ROOT, '.local'), { recursive: true });
  const controlUrl = `http://127.0.0.1:${(control.address() as AddressInfo).port}`;
  writeFileSync(READY_FILE, JSON.stringify({ controlUrl, mailgunUrl: '', domains: [] }));
});
afterAll(() => {
  control?.close();
  rmSync(READY_FILE, { force: true });
});

const ARGS = ['bin/mailgun-ledger.ts', 'logs', 'ingest', '--json', '--local', '--port', String(PORT)];

function runLogs() {
  const child = spawn(process.execPath, ARGS, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  return { child, exitCode: new Promise<number | null>((resolve) => child.once('close', resolve)) };
}

test('a slow reader of a long output gets every line, and the exit code 0', async () => {
  const { child, exitCode } = runLogs();
  let output = '';
  child.stdout.setEncoding('utf8');
  for await (const chunk of child.stdout) {
    output += chunk;
    await sleep(5);
  }

  expect(await exitCode).toBe(0);
  const numbers = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).facts.n);
  expect(numbers).toEqual(Array.from({ length: LINES }, (_, n) => n));
});

test('a reader that leaves early, as head does, gets no error', async () => {
  const { child, exitCode } = runLogs();
  const errors = text(child.stderr);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.destroy();

  expect({ errors: await errors, exitCode: await exitCode }).toEqual({ errors: '', exitCode: 0 });
});

/** Writing to this device fails as on a full disk. */
const FULL = '/dev/full';

(existsSync(FULL) ? test : test.skip)(
  'output that cannot be written ends in one sentence and the exit code 1',
  async () => {
    const full = openSync(FULL, 'w');
    const child = spawn(process.execPath, ARGS, { cwd: ROOT, stdio: ['ignore', full, 'pipe'] });
    const exitCode = new Promise<number | null>((resolve) => child.once('close', resolve));
    const errors = await text(child.stderr as Readable);
    closeSync(full);

    expect({ errors, exitCode: await exitCode }).toEqual({
      errors: 'standard output cannot be written: the disk is full; make room, then go on\n',
      exitCode: 1,
    });
  },
);
