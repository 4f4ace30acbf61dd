import { afterEach, expect, test } from '@jest/globals';
import { runScenario, type ScenarioOptions } from '../../local/scenario.ts';
import { STUB_PARENT_KEY, type StubFaults, startStubStack } from '../support/stub-stack.ts';

const QUICK = 40_000;
let stop = () => {};
afterEach(() => stop());

async function run(faults: StubFaults = {}, options: Partial<ScenarioOptions> = {}) {
  const stub = await startStubStack(faults);
  stop = stub.stop;
  const lines: string[] = [];
  const { ok } = await runScenario({
    ready: stub.ready,
    json: false,
    signal: new AbortController().signal,
    compression: QUICK,
    print: (line: string) => lines.push(line),
    ...options,
  });
  return { ok, lines, text: lines.join('\n'), stub };
}

test('a receiver that keeps its promises passes', async () => {
  const { ok, text, stub } = await run();

  expect(text).toContain('✔ Whatever was acknowledged is stored exactly once');
  expect(text).not.toContain('✘');
  expect(ok).toBe(true);
  expect(text).toContain(`curl -s -H 'Authorization: Bearer ${stub.ready.apiToken}'`);
});

test('a receiver that acknowledges an event and forgets it fails, and the event is named', async () => {
  const { ok, text } = await run({ forgets: ({ event }) => event === 'complained' });

  expect(ok).toBe(false);
  expect(text).toMatch(/LOST: acknowledged and not stored: complained#\S{22} for \S+@\S+/);
  expect(text).toMatch(/status DELIVERED, expected COMPLAINED/);
});

test('a receiver that refuses a good event fails', async () => {
  const { ok, text } = await run({ answers: ({ event }) => (event === 'clicked' ? 406 : undefined) });

  expect(ok).toBe(false);
  expect(text).toMatch(/refused with 406: clicked#/);
});

test('a delivered event that was never acknowledged is named, and is nobody’s broken promise', async () => {
  const { ok, text } = await run({ answers: ({ event }) => (event === 'delivered' ? 503 : undefined) });

  expect(text).toMatch(/Never acknowledged, so not promised:\n {2}delivered#\S{22} for \S+ of \S+: 503/);
  expect(text).toMatch(/status ACCEPTED, expected DELIVERED/);
  expect(ok).toBe(true);
});

test('a receiver that acknowledges nothing has proved nothing', async () => {
  const { ok } = await run({ answers: () => 503 });

  expect(ok).toBe(false);
});

test('dropped first deliveries come back by retry, except delivered', async () => {
  const { ok, lines } = await run({}, { json: true, drop: 100 });

  const summary = JSON.parse(lines.at(-1) ?? '');
  expect(ok).toBe(true);
  expect(summary).toMatchObject({ event: 'summary', ok: true, lost: 0, wrong: 0 });
  expect(summary.neverAcknowledged).toBeGreaterThan(30);
});

test('a read that fails is made again', async () => {
  expect((await run({ failedReads: 2 })).ok).toBe(true);
});

test('a subaccount reports too once the key of its parent is known', async () => {
  const { ok, text } = await run({}, { parentSigningKey: STUB_PARENT_KEY });

  expect(text).toMatch(/✔ {2}sent by a subaccount +1 +2\/2 {2}1 DELIVERED/);
  expect(ok).toBe(true);
});

test('a run that is called off ends quietly and is not a success', async () => {
  const { ok, text } = await run({}, { compression: 1, signal: AbortSignal.timeout(100) });

  expect(ok).toBe(false);
  expect(text).not.toContain('could not be finished');
});

test('a stack that is not there is said so', async () => {
  const stub = await startStubStack();
  stub.stop();

  const { ok, text } = await run({}, { ready: stub.ready });

  expect(ok).toBe(false);
  expect(text).toContain('The run could not be finished');
});

test('with json every line is an object with an event', async () => {
  const { lines } = await run({}, { json: true });

  const events = lines.map((line) => JSON.parse(line).event);
  expect(new Set(events)).toEqual(new Set(['progress', 'message', 'summary']));
  expect(events.at(-1)).toBe('summary');
});
