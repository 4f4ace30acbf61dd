import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadyLine } from '../../../../tools/local-ledger/ready-line.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const KEY = 'key-of-the-test';
const PATIENCE_MS = 60_000;
const EVENT = { event: 'opened', recipient: 'ada@north.example', domain: { name: 'mg.example.com' } };
const QUICK = ['--reconcile-every', '1', '--settle', '1', '--slice', '3', '--retention', '60'];

interface Started {
  readonly npm: ChildProcess;
  readonly ready: ReadyLine;
  readonly lines: readonly string[];
  readonly ended: Promise<number | null>;
  /** Standard error so far. */
  said(): string;
}

const started: Started[] = [];
afterAll(() => {
  for (const { ready } of started) if (isThere(ready.pid)) process.kill(ready.pid, 'SIGKILL');
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Hits no call, and is printed like any other fault. */
const NO_FAULT = 'sqs.SendMessage:slow:0';

function npmStart(...flags: string[]) {
  return spawn('npm', ['start', '--silent', '--', '--json', '--no-traffic', ...flags], { cwd: ROOT, detached: true });
}

async function start(): Promise<Started> {
  const npm = npmStart('--port', '0', '--signing-key', KEY, '--fault', NO_FAULT, '--seed', '7', ...QUICK);
  const lines: string[] = [];
  const ended = new Promise<number | null>((resolve) => npm.once('close', resolve));
  let troubles = '';
  npm.stderr.on('data', (text) => {
    troubles += text;
  });
  const ready = await new Promise<ReadyLine>((resolve, reject) => {
    void ended.then((code) => reject(new Error(`ended with ${code} before it was ready: ${troubles}`)));
    createInterface({ input: npm.stdout }).on('line', (line) => {
      lines.push(line);
      resolve(JSON.parse(line));
    });
  });
  const stack = { npm, ready, lines, ended, said: () => troubles };
  started.push(stack);
  return stack;
}

/** Returns what remains of a stack: processes that name its temporary folder or its port. */
function remains({ webhookUrl }: ReadyLine, temporaryFolder: string): string[] {
  const readyFile = readyFileOf(webhookUrl);
  const processes = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  return [
    ...processes.filter((line) => line.includes(temporaryFolder) || line.includes(readyFile)),
    ...[temporaryFolder, readyFile].filter(existsSync),
  ];
}

const readyFileOf = (webhookUrl: string) => join(ROOT, '.local', `${new URL(webhookUrl).port}.json`);

function temporaryFolderOf({ webhookUrl }: ReadyLine): string {
  const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  const processReaper = processes.find((line) => line.includes(readyFileOf(webhookUrl)));
  return processReaper?.split(' ').find((word) => word.includes('mailgun-ledger-')) ?? 'no folder';
}

async function nothingRemains(ready: ReadyLine, temporaryFolder: string): Promise<void> {
  for (const endMs = Date.now() + 5000; remains(ready, temporaryFolder).length > 0 && Date.now() < endMs; )
    await sleep(50);
  expect(remains(ready, temporaryFolder)).toEqual([]);
}

describe('a running stack', () => {
  let stack: Started;
  let ready: ReadyLine;
  beforeAll(async () => {
    stack = await start();
    ready = stack.ready;
  }, PATIENCE_MS);

  const control = async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(ready.controlUrl + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: responses of many shapes, held by the assertions
    return { status: response.status, json: (await response.json()) as any };
  };

  async function post(key = KEY): Promise<number> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const token = randomBytes(25).toString('hex');
    const signature = createHmac('sha256', key)
      .update(timestamp + token)
      .digest('hex');
    const id = randomBytes(8).toString('hex');
    const event = {
      event: 'delivered',
      id,
      timestamp: Number(timestamp),
      recipient: 'a@b.example',
      domain: { name: ready.domains[0] },
    };
    const body = {
      signature: { timestamp, token, signature },
      'event-data': { ...event, message: { headers: { 'message-id': id } } },
    };
    const headers = { 'content-type': 'application/json' };
    return (await fetch(ready.webhookUrl, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  }

  async function drained() {
    for (const untilMs = Date.now() + PATIENCE_MS; ; await sleep(100)) {
      const { json } = await control('/stats');
      if (json.queue.visible + json.queue.inFlight === 0) return json;
      if (Date.now() > untilMs) throw new Error(`the queue was not drained in time: ${JSON.stringify(json.queue)}`);
    }
  }

  test('prints its addresses in one line', () => {
    expect(stack.lines).toHaveLength(1);
    expect(ready).toEqual({
      event: 'ready',
      engine: expect.stringMatching(/^(dynoxide|dynamodb-local)$/),
      pid: expect.any(Number),
      processes: {
        ingest: expect.any(Number),
        process: expect.any(Number),
        reconcile: expect.any(Number),
        'read-api': expect.any(Number),
      },
      webhookUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/webhooks\/mailgun$/),
      apiUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      apiToken: expect.stringMatching(/^[A-Za-z0-9]{48}$/),
      controlUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      mailgunUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      dashboardUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/#token=[A-Za-z0-9]{48}&api=http%3A%2F%2F127/),
      signingKey: KEY,
      domains: ['mg.example.com'],
    });
    expect(JSON.parse(readFileSync(readyFileOf(ready.webhookUrl), 'utf8'))).toEqual(ready);
  });

  test('spends one write and one send of ingest on a webhook', async () => {
    await post();
    const before = await drained();

    expect(await post()).toBe(200);

    const after = await drained();
    const more = (call: string) => after.byCaller.ingest.calls[call] - (before.byCaller.ingest.calls[call] ?? 0);
    expect([more('dynamodb.PutItem'), more('sqs.SendMessage')]).toEqual([1, 1]);
    expect(after.deadLetters).toBe(0);
    expect(after.capacity.write).toBeGreaterThan(before.capacity.write);
    expect(Object.values(after.alarms)).toContain('INSUFFICIENT_DATA');
  });

  test('restarts a killed function at once', async () => {
    const processes = async () => (await control('/stats')).json.processes;
    const before = await processes();
    process.kill(before.ingest, 'SIGKILL');
    const untilMs = Date.now() + PATIENCE_MS;
    while ((await processes()).ingest === before.ingest && Date.now() < untilMs) await sleep(5);

    expect(await post()).toBe(200);

    const after = await processes();
    expect(after.ingest).not.toBe(before.ingest);
    expect(isThere(after.ingest)).toBe(true);
    expect(after.process).toBe(before.process);
  });

  test('finds an event that only the twin lists, by hand and on schedule', async () => {
    const happened = (id: string) => ({
      ...EVENT,
      id,
      message: { headers: { 'message-id': id } },
      timestamp: Date.now() / 1000,
    });
    const isStored = async (id: string) => {
      const headers = { authorization: `Bearer ${ready.apiToken}` };
      return (await fetch(`${ready.apiUrl}/mailgun/messages/${id}`, { headers })).status === 200;
    };
    await control('/mailgun', { fails: { mode: '429-reset-seconds', percent: 10, seconds: 1 } });

    const untilMs = Date.now() + PATIENCE_MS;
    for (const { id, run } of [
      { id: 'found-by-hand', run: async () => (await control('/reconcile', {})).status },
      { id: 'found-on-schedule', run: () => sleep(500) },
    ]) {
      expect((await control('/mailgun/events', [happened(id)])).status).toBe(200);
      while (!(await isStored(id)) && Date.now() < untilMs) {
        await run();
        await drained();
      }
      expect([id, await isStored(id)]).toEqual([id, true]);
    }

    let stats = await drained();
    for (; stats.reconcile.sent < 2 && Date.now() < untilMs; stats = await drained()) await sleep(100);
    expect(stats.reconcile.sent).toBeGreaterThanOrEqual(2);
    expect(stats.mailgun).toMatchObject({ calls: expect.any(Number), foreignCredentials: 0 });
    await control('/mailgun', {});
  });

  test('prints the faults that it starts with, and how to repeat them', async () => {
    for (const untilMs = Date.now() + PATIENCE_MS; !stack.said().includes('faults') && Date.now() < untilMs; )
      await sleep(50);

    expect(stack.said()).toMatch(new RegExp(`faults +${NO_FAULT.replace('.', '\\.')}; the same again with --seed 7`));
  });

  test('accepts and removes faults while it runs', async () => {
    const fault = { service: 'sqs', operation: 'SendMessage', mode: '500', percent: 100 };

    expect((await control('/faults', [fault])).status).toBe(200);
    expect(await post()).toBe(503);
    expect((await control('/faults', [])).status).toBe(200);
    expect(await post()).toBe(200);
  });

  test('ignores unknown requests to its control API', async () => {
    expect((await control('/faults', [{ service: 'sqs' }])).status).toBe(400);
    expect((await control('/faults', {})).status).toBe(400);
    expect((await control('/keys', { current: '' })).status).toBe(400);
    expect((await control('/nowhere')).status).toBe(404);
    expect((await control('/mailgun', { colour: 'red' })).status).toBe(400);
    expect((await control('/mailgun/events', [{ event: 'opened' }])).status).toBe(400);
    expect(await post()).toBe(200);
  });

  test('refuses requests of a browser to its control API', async () => {
    expect((await control('/stats', undefined, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await control('/keys', { current: 'theirs' }, { origin: 'null' })).status).toBe(403);
  });

  test('logs the lines of functions and the access log', async () => {
    const { json } = await control('/logs');

    const sources = new Set(json.lines.map(({ source }: { source: string }) => source.replace(/\[\d+\]/, '[]')));
    expect(sources).toContain('webhook-api-http-api');
  });

  test('refuses a second stack on the same port in one sentence', async () => {
    const second = npmStart('--port', new URL(ready.webhookUrl).port);
    let text = '';
    second.stderr.on('data', (chunk) => {
      text += chunk;
    });

    expect(await new Promise((resolve) => second.once('close', resolve))).toBe(2);
    expect(text).toMatch(/Port \d+ is in use: stop what listens there, or choose another with --port\.\n$/);
    expect(text).not.toContain('    at ');
  });

  test('ends with exit code 0 on SIGTERM', async () => {
    const temporaryFolder = temporaryFolderOf(ready);
    expect(remains(ready, temporaryFolder).length).toBeGreaterThan(4);

    process.kill(ready.pid, 'SIGTERM');

    expect(await stack.ended).toBe(0);
    await nothingRemains(ready, temporaryFolder);
  });
});

test.each([
  { victim: 'the stack itself', kill: ({ ready }: Started) => process.kill(ready.pid, 'SIGKILL') },
  { victim: 'npm', kill: ({ npm }: Started) => npm.kill('SIGKILL') },
])(
  'nothing outlives $victim when it is killed',
  async ({ kill }) => {
    const stack = await start();
    const temporaryFolder = temporaryFolderOf(stack.ready);

    kill(stack);

    await nothingRemains(stack.ready, temporaryFolder);
  },
  PATIENCE_MS,
);

test('a start whose engine cannot run exits with code 2 after one sentence with both ways out', () => {
  const main = join(ROOT, 'tools/local-ledger/main.ts');
  const args = [main, '--json', '--engine', 'dynamodb-local', '--port', '0'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { PATH: '' } });

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr.split('\n').slice(-2)).toEqual([expect.stringMatching(/npm ci.* or install Java 17 .*\.$/), '']);
  expect(stderr).not.toContain('    at ');
});
