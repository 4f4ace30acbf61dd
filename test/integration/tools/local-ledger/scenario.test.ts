import { runScenario, type ScenarioOptions } from '../../../../tools/local-ledger/scenario.ts';
import { openTwin } from '../../../../tools/mailgun-twin/open-twin.ts';
import { STUB_PARENT_KEY, type StubFaults, startStubStack } from '../../../support/doubles/stub-stack.ts';

const QUICK = 40_000;
let stop = () => {};
afterEach(() => stop());

type Options = Partial<ScenarioOptions> & { readonly compression?: number };

async function run(faults: StubFaults = {}, { compression = QUICK, ...options }: Options = {}) {
  const stub = await startStubStack(faults);
  stop = stub.stop;
  const lines: string[] = [];
  const { signal = new AbortController().signal } = options;
  const { ok } = await runScenario({
    ready: stub.ready,
    twin: openTwin(
      stub.ready,
      { eventLog: stub.log, account: { signingKey: stub.ready.signingKey } },
      signal,
      compression,
    ),
    json: false,
    signal,
    dueAfterSeconds: 0,
    print: (line: string) => lines.push(line),
    ...options,
  });
  return { ok, lines, text: lines.join('\n'), stub };
}

test('the scenario passes a receiver that keeps its promises', async () => {
  const { ok, text, stub } = await run();

  expect(text).toContain('✔ Whatever was acknowledged is stored exactly once');
  expect(text).not.toContain('✘');
  expect(ok).toBe(true);
  expect(text).toContain(`curl -s -H 'Authorization: Bearer ${stub.ready.apiToken}'`);
});

test('the scenario fails a receiver that loses an acknowledged event, and names the event', async () => {
  const forgets = ({ event }: { event: string }) => event === 'complained';
  const { ok, text } = await run({ forgets, overlooks: forgets });

  expect(ok).toBe(false);
  expect(text).toMatch(/LOST: acknowledged and not stored: complained#\S{22} for \S+@\S+/);
  expect(text).toMatch(/status DELIVERED, expected COMPLAINED/);
});

test('the scenario fails a receiver that refuses a valid event, although reconciliation finds it', async () => {
  const { ok, text } = await run({ statusOf: ({ event }) => (event === 'clicked' ? 406 : undefined) });

  expect(ok).toBe(false);
  expect(text).toMatch(/refused with 406: clicked#/);
  expect(text).toMatch(/ · unaccounted 0$/m);
});

test('the scenario fails a receiver that acknowledges nothing', async () => {
  const { ok } = await run({ statusOf: () => 503 });

  expect(ok).toBe(false);
});

describe('with reconciliation', () => {
  test('every delivered event whose first delivery was dropped is recovered, and no record is excused', async () => {
    const { ok, lines } = await run({}, { json: true, drop: 100 });

    const parsed = lines.map((line) => JSON.parse(line));
    const ledger = parsed.at(-1);
    const delivered = ledger.types.find(({ type }: { type: string }) => type === 'delivered');
    expect(ok).toBe(true);
    expect(ledger).toMatchObject({ event: 'ledger', unaccounted: 0, exact: true });
    expect(delivered.recovered).toBe(delivered.listed);
    expect(ledger.webhooksAlone + ledger.recovered).toBe(ledger.sent);
    expect(parsed.find(({ event }) => event === 'summary')).toMatchObject({
      ok: true,
      lost: 0,
      wrong: 0,
      storedTwice: 0,
    });
    expect(parsed.filter(({ missed }) => missed)).toMatchObject([{ missed: { delivered: delivered.recovered } }]);
  });

  test('prints the loss, then the run that recovers it, and finally the totals', async () => {
    const { text } = await run({}, { drop: 100 });

    const [, missed] = /No webhook brought: (\d+) delivered\./.exec(text) ?? [];
    expect(text).toContain(`a run         ${missed} missing, ${missed} sent to the queue; 1 of 1 slices settled`);
    expect(text).toMatch(/\nsent \d+ · webhooks alone \d+ · recovered \d+ · unaccounted 0\n/);
    expect(text).toContain("Mailgun's API does not list");
  });

  test('ends once the ledger of every domain has reached the last event', async () => {
    const { ok, stub } = await run({ lateDomain: 'eu.example.com' });

    expect(ok).toBe(true);
    expect(stub.reconcileRuns()).toBe(2);
  });

  test('fails if reconciliation misses an event, whatever the webhooks promised', async () => {
    const delivered = ({ event }: { event: string }) => event === 'delivered';
    const { ok, text } = await run({ statusOf: (event) => (delivered(event) ? 503 : undefined), overlooks: delivered });

    expect(ok).toBe(false);
    expect(text).toMatch(/LOST: listed by Mailgun and not stored: delivered#/);
    expect(text).toContain('✘ The stack counts other events than Mailgun lists.');
  });
});

describe('against another Mailgun than the twin', () => {
  const elsewhere = { dueAfterSeconds: undefined };

  test('a delivered event that was never acknowledged is named, and breaks no promise', async () => {
    const { ok, text } = await run({ statusOf: ({ event }) => (event === 'delivered' ? 503 : undefined) }, elsewhere);

    expect(text).toMatch(/Never acknowledged, so not promised:\n {2}delivered#\S{22} for \S+ of \S+: 503/);
    expect(text).toMatch(/status ACCEPTED, expected DELIVERED/);
    expect(ok).toBe(true);
  });

  test('dropped first deliveries come back by retry, except delivered', async () => {
    const { ok, lines } = await run({}, { ...elsewhere, json: true, drop: 100 });

    const summary = JSON.parse(lines.at(-1) ?? '');
    expect(ok).toBe(true);
    expect(summary).toMatchObject({ event: 'summary', ok: true, lost: 0, wrong: 0 });
    expect(summary.neverAcknowledged).toBeGreaterThan(30);
  });
});

test('the scenario repeats a failed read', async () => {
  expect((await run({ failedReads: 2 })).ok).toBe(true);
});

test('a subaccount reports too once the key of its parent is known', async () => {
  const { ok, text } = await run({}, { parentSigningKey: STUB_PARENT_KEY });

  expect(text).toMatch(/✔ {2}sent by a subaccount +1 +2\/2 {2}1 DELIVERED/);
  expect(ok).toBe(true);
});

test('a cancelled scenario ends quietly without success', async () => {
  const { ok, text } = await run({}, { compression: 1, signal: AbortSignal.timeout(100) });

  expect(ok).toBe(false);
  expect(text).not.toContain('could not be finished');
});

test('the scenario reports that no stack is running', async () => {
  const stub = await startStubStack();
  stub.stop();

  const { ok, text } = await run({}, { ready: stub.ready });

  expect(ok).toBe(false);
  expect(text).toContain('The run could not be finished');
});

test('the scenario with json prints only objects with an event', async () => {
  const { lines } = await run({}, { json: true });

  const events = lines.map((line) => JSON.parse(line).event);
  expect(new Set(events)).toEqual(new Set(['progress', 'message', 'summary', 'ledger']));
  expect(events.at(-1)).toBe('ledger');
});
