import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { send } from '../../../../tools/local-ledger/send.ts';
import { type StubFaults, startStubStack } from '../../../support/doubles/stub-stack.ts';

let folder: string;
let stop = () => {};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'send-'));
});
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

async function start(faults: StubFaults = {}, port = 4010) {
  const stub = await startStubStack(faults);
  stop = stub.stop;
  writeFileSync(join(folder, `${port}.json`), JSON.stringify(stub.ready));
  return stub;
}

async function run(...args: string[]) {
  const lines: string[] = [];
  const exitCode = await send(args, pathToFileURL(`${folder}/`), (line) => lines.push(line));
  return { exitCode, text: lines.join('\n') };
}

async function readBack(stub: Awaited<ReturnType<typeof start>>, messageId: string) {
  const response = await fetch(`${stub.ready.apiUrl}/mailgun/messages/${encodeURIComponent(messageId)}`, {
    headers: { authorization: `Bearer ${stub.ready.apiToken}` },
  });
  return (await response.json()) as { events: { event: string; severity?: string }[] };
}

test.each([
  ['delivered', [], { event: 'delivered' }],
  ['accepted', [], { event: 'accepted' }],
  ['opened', [], { event: 'opened' }],
  ['clicked', [], { event: 'clicked' }],
  ['unsubscribed', ['--tag', 'news'], { event: 'unsubscribed' }],
  ['complained', [], { event: 'complained' }],
  ['failed', [], { event: 'failed', severity: 'permanent' }],
  ['failed', ['--severity', 'temporary'], { event: 'failed', severity: 'temporary' }],
  ['permanent_fail', [], { event: 'failed', severity: 'permanent' }],
  ['temporary_fail', [], { event: 'failed', severity: 'temporary' }],
])('npm run send --event %s %j posts a signed event', async (event, more, stored) => {
  const stub = await start();

  const { exitCode, text } = await run(
    '--event',
    event,
    '--recipient',
    'a@b.example',
    '--message-id',
    '<7@x>',
    ...more,
  );

  expect(exitCode).toBe(0);
  expect(text).toMatch(/for a@b\.example: 200/);
  expect((await readBack(stub, '7@x')).events).toEqual([expect.objectContaining(stored)]);
});

test('npm run send prints the command that reads the message back', async () => {
  const stub = await start();

  const { text } = await run('--event', 'delivered', '--recipient', 'a@b.example', '--message-id', "it's/7@x");

  expect(text).toContain(
    `curl -s -H 'Authorization: Bearer ${stub.ready.apiToken}' '${stub.ready.apiUrl}/mailgun/messages?id=it%27s%2F7%40x'`,
  );
});

test('npm run send --times posts the same token again', async () => {
  const stub = await start();

  const { text } = await run(
    '--event',
    'delivered',
    '--recipient',
    'a@b.example',
    '--message-id',
    '7@x',
    '--times',
    '3',
  );

  expect(text.match(/: 200/g)).toHaveLength(3);
  expect(stub.posts()).toBe(3);
  expect((await readBack(stub, '7@x')).events).toHaveLength(1);
});

test('npm run send --port finds another stack', async () => {
  await start({}, 4123);

  expect((await run('--event', 'delivered', '--recipient', 'a@b.example', '--port', '4123')).exitCode).toBe(0);
});

test('npm run send prints a refusal, with exit code 1', async () => {
  await start({ statusOf: () => 406 });

  const { exitCode, text } = await run('--event', 'delivered', '--recipient', 'a@b.example');

  expect(exitCode).toBe(1);
  expect(text).toContain('406');
});

test.each([
  [[], "option '--event <type>' not specified"],
  [['--event', 'delivered'], "option '--recipient <address>' not specified"],
  [['--event', 'opened', '--recipient', 'ada'], 'It must be an address like ada@north.example'],
  [['--event', 'opened', '--recipient', ' @b.example'], 'It must be an address'],
  [['--event', 'constructor', '--recipient', 'a@b.example'], "argument 'constructor' is invalid"],
  [
    ['--event', 'failed', '--severity', 'mild', '--recipient', 'a@b.example'],
    'Allowed choices are permanent, temporary',
  ],
  [['--event', 'opened', '--recipient', 'a@b.example', '--times', '0'], 'It must be a whole number from 1'],
  [['--event', 'opened', '--recipient', 'a@b.example', '--colour', 'red'], "'--colour'"],
  [['--event', 'opened', '--recipient', 'a@b.example'], 'no local stack is running on port 4010'],
])('npm run send exits with 2 and the reason for %j', async (args, reason) => {
  const { exitCode, text } = await run(...args);

  expect(exitCode).toBe(2);
  expect(text).toContain(reason);
});

test('npm run send without a stack is exit code 2', async () => {
  const stub = await start();
  stub.stop();

  const { exitCode, text } = await run('--event', 'opened', '--recipient', 'a@b.example');

  expect(exitCode).toBe(2);
  expect(text).toContain('does not respond');
});

test('npm run send --help shows examples', async () => {
  const { exitCode, text } = await run('--help');

  expect(exitCode).toBe(0);
  expect(text).toContain('npm run send -- --event delivered');
});

test('npm run send to a closed pipe is not an error', () => {
  const { stderr } = spawnSync('sh', ['-c', `"${process.execPath}" tools/local-ledger/send.ts --help | true`], {
    cwd: join(import.meta.dirname, '../../../..'),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
});
