import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLedgerRun } from '../../../../../tools/local-ledger/stack-settings.ts';
import { FunctionProcess } from '../../../../../tools/local-stack/functions/function-process.ts';
import { Disposables } from '../../../../../tools/local-stack/run/disposables.ts';
import type { StackRun } from '../../../../../tools/local-stack/run/run.ts';

const BUNDLE = `
exports.handler = async (event, context) => {
  if (event.log) console.log(event.log);
  if (event.fail) throw new Error(event.fail);
  if (event.sleepMs) await new Promise((resolve) => setTimeout(resolve, event.sleepMs));
  if (event.spin) for (;;);
  for (const held = []; event.exhaust; ) held.push(Array.from({ length: 1000 }, () => ({ at: Math.random() })));
  if (event.crash) setImmediate(() => { throw new Error('crash'); });
  if (event.crash) await new Promise(() => {});
  const { awsRequestId, functionName } = context;
  return { pid: process.pid, event, awsRequestId, functionName, leftMs: context.getRemainingTimeInMillis(), env: process.env,
    loaded: process.moduleLoadList };
};`;

const disposables = new Disposables();
let run: StackRun;
let folder = '';
let running: FunctionProcess | undefined;

beforeAll(async () => {
  run = await openLedgerRun(0, disposables);
  folder = mkdtempSync(join(tmpdir(), 'fixture-'));
  writeFileSync(join(folder, 'index.js'), BUNDLE);
  writeFileSync(join(folder, 'broken.js'), "throw new Error('this bundle is broken')");
});
afterEach(() => running?.stop());
afterAll(() => {
  rmSync(folder, { recursive: true });
  return disposables.close();
});

async function start({ timeoutMs = 5000, handler = 'index.handler', more = {} } = {}) {
  const environment = { TABLE_NAME: 'Table', AWS_LAMBDA_FUNCTION_NAME: 'FixtureFunction', ...more };
  running = new FunctionProcess({ name: 'fixture', folder, handler, timeoutMs, environment }, run);
  await running.loaded();
  return running;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function call(target: FunctionProcess, event: object = {}) {
  const outcome = await target.invoke(JSON.stringify(event));
  return outcome.ok ? JSON.parse(outcome.payload) : outcome;
}

test('the handler gets event and context, and exactly the environment it was given', async () => {
  const target = await start();

  const result = await call(target, { name: 'é' });

  expect(result).toMatchObject({
    event: { name: 'é' },
    pid: target.pid,
    functionName: 'FixtureFunction',
    awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(result.env).toEqual({ TABLE_NAME: 'Table', AWS_LAMBDA_FUNCTION_NAME: 'FixtureFunction' });
  expect(result.leftMs).toBeGreaterThan(4000);
  expect(result.leftMs).toBeLessThanOrEqual(5000);
});

test('a function process does not load TypeScript, which would take a third of its memory', async () => {
  const { loaded } = await call(await start());

  expect(loaded).toContain('NativeModule internal/modules/esm/loader');
  expect(loaded).not.toContainEqual(expect.stringContaining('amaro'));
});

test('a handler that throws fails this invocation and no other', async () => {
  const target = await start();
  const pid = target.pid;

  const [failed, fine] = await Promise.all([call(target, { fail: 'boom' }), call(target, { sleepMs: 50 })]);

  expect(failed).toEqual({ ok: false, error: 'boom', timedOut: false });
  expect(fine.pid).toBe(pid);
});

test('the output of a function is logged line by line', async () => {
  const target = await start();

  await call(target, { log: 'one\ntwo' });
  await sleep(50);

  const lines = run.logBuffer.lines().filter(({ source }) => source === `fixture[${target.pid}]`);
  expect(lines.map(({ line }) => line)).toEqual(['one', 'two']);
});

test('killing a function process fails invocations in flight, and new ones wait for the next process', async () => {
  const target = await start();
  const killed = target.pid;
  const inFlight = call(target, { sleepMs: 5000 });

  process.kill(killed, 'SIGKILL');
  const failed = await inFlight;
  const next = await call(target);

  expect(failed).toEqual({ ok: false, error: 'Runtime exited: SIGKILL', timedOut: false });
  expect(next.pid).not.toBe(killed);
  expect(next.pid).toBe(target.pid);
});

test('an uncaught error ends the process, and the next invocation has another', async () => {
  const target = await start();
  const crashed = target.pid;

  expect(await call(target, { crash: true })).toMatchObject({ ok: false, error: expect.stringContaining('exited') });
  expect((await call(target)).pid).not.toBe(crashed);
});

test('a process that runs out of memory logs that before its end, and one that is killed does not', async () => {
  const target = await start({ timeoutMs: 60_000, more: { NODE_OPTIONS: '--max-old-space-size=16' } });
  const linesOf = (pid: number) =>
    run.logBuffer.lines().flatMap(({ source, line }) => (source === `fixture[${pid}]` ? [line] : []));
  const [exhausted, outcome] = [target.pid, await call(target, { exhaust: true })];
  await call(target);
  const killed = target.pid;
  process.kill(killed, 'SIGKILL');
  await call(target);

  expect(outcome).toEqual({ ok: false, error: 'Runtime exited: SIGABRT', timedOut: false });
  expect(linesOf(exhausted)).toContainEqual(expect.stringContaining('JavaScript heap out of memory'));
  expect(linesOf(exhausted)).toContain('ended: SIGABRT');
  expect(linesOf(killed)).toEqual(['ended: SIGKILL']);
});

test('a function process killed ten times still serves', async () => {
  const target = await start();

  for (let nth = 0; nth < 10; nth += 1) {
    process.kill(target.pid, 'SIGKILL');
    await call(target);
  }

  expect((await call(target, { still: 'there' })).event).toEqual({ still: 'there' });
});

test('a timed-out invocation fails, a new process serves, and others in flight succeed', async () => {
  const target = await start({ timeoutMs: 400 });
  const slow = target.pid;
  const tooLong = call(target, { sleepMs: 5000 });
  await sleep(200);
  const inTime = call(target, { sleepMs: 300 });

  const failed = await tooLong;
  const next = await call(target);

  expect(failed).toEqual({ ok: false, error: 'Task timed out after 0.4 seconds', timedOut: true });
  expect(next.pid).not.toBe(slow);
  expect((await inTime).pid).toBe(slow);
  // It ends once its last invocation has.
  while (isAlive(slow)) await sleep(20);
});

test('a handler that never yields is killed all the same', async () => {
  const target = await start({ timeoutMs: 200 });
  const stuck = target.pid;

  expect(await call(target, { spin: true })).toMatchObject({ timedOut: true });
  expect((await call(target)).pid).not.toBe(stuck);
});

test('more invocations than a function process runs at once all complete', async () => {
  const target = await start();

  const results = await Promise.all(Array.from({ length: 250 }, (_, nth) => call(target, { nth, sleepMs: 5 })));

  expect(results.map(({ event }) => event.nth)).toEqual(Array.from({ length: 250 }, (_, nth) => nth));
});

test('a bundle that does not load is reported with the reason', async () => {
  await expect(start({ handler: 'broken.handler' })).rejects.toThrow(
    /fixture does not load:[\s\S]*this bundle is broken/,
  );
});

test('a missing handler is named', async () => {
  await expect(start({ handler: 'index.unknown' })).rejects.toThrow('exports no function unknown');
});
