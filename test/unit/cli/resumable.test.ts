import { TargetUnavailableError } from '../../../cli/errors.ts';
import { callUntilDone, eachDomainFrom, MAX_STALL_MS, type StepResult, WAIT_MS } from '../../../cli/resumable.ts';

const DOMAIN = 'mg.example.com';
const ran: StepResult = { isDone: false, hasMoved: true, wait: undefined };
const done: StepResult = { ...ran, isDone: true };
const waits = (text: string, hasMoved = false): StepResult => ({
  isDone: false,
  hasMoved,
  wait: { text, passes: true },
});

/** Repeats a call whose results are these steps; time passes while it waits, and `onWait` sees each wait. */
async function repeat(steps: readonly (StepResult | Error)[], onWait = (_nth: number, _stop: () => void) => {}) {
  const stop = new AbortController();
  const said: string[] = [];
  const [calls, waited] = [[] as number[], [] as number[]];
  let nowMs = 0;
  const context = {
    now: () => nowMs,
    sleep: (ms: number) => {
      nowMs += ms;
      waited.push(ms);
      onWait(waited.length, () => stop.abort());
      // Like a real one, it is not over when the operator stops.
      return stop.signal.aborted ? new Promise<void>(() => {}) : Promise.resolve();
    },
    signal: stop.signal,
  };
  const reporter = {
    waiting: (_: string, why: string) => said.push(`waiting: ${why}`),
    left: (_: string, why: string) => said.push(why),
  };
  const call = async () => {
    calls.push(nowMs);
    const step = steps[calls.length - 1] ?? done;
    if (step instanceof Error) throw step;
    return step;
  };
  const isDone = await callUntilDone(DOMAIN, context, reporter, call, (step) => step);
  return { isDone, said, calls: calls.length, waited, nowMs };
}

const CALLS_UNTIL_STALL = MAX_STALL_MS / WAIT_MS;

test('a wait ends after the maximum without progress', async () => {
  const { isDone, said, nowMs } = await repeat(Array.from({ length: 2 * CALLS_UNTIL_STALL }, () => waits('backlog')));

  expect({ isDone, said, nowMs }).toEqual({
    isDone: false,
    said: ['waiting: backlog', 'stopped: backlog'],
    nowMs: MAX_STALL_MS,
  });
});

test('progress restarts the maximum wait, even if the function waits again at once', async () => {
  const almost = Array.from({ length: CALLS_UNTIL_STALL - 1 }, () => waits('backlog'));
  const moved = waits('backlog', true);

  for (const progress of [ran, moved]) {
    const { isDone, nowMs } = await repeat([...almost, progress, ...almost, progress, ...almost]);
    expect(isDone).toBe(true);
    expect(nowMs).toBeGreaterThan(2 * MAX_STALL_MS);
  }
});

test('a reason to wait is reported once until it changes, or the function has run', async () => {
  const { said } = await repeat([waits('a'), waits('a'), waits('b'), waits('a'), ran, waits('a')]);

  expect(said).toEqual(['waiting: a', 'waiting: b', 'waiting: a', 'waiting: a']);
});

test('a reason that waiting cannot change ends the wait at once, like a failed call', async () => {
  const stuck: StepResult = { ...ran, wait: { text: 'unknown-domain', passes: false } };
  for (const [last, says] of [
    [stuck, 'stopped: unknown-domain'],
    [new TargetUnavailableError('no network'), 'stopped: no network'],
    [new Error('no reply'), 'stopped: Error: no reply'],
  ] as const) {
    expect(await repeat([ran, last])).toEqual({ isDone: false, said: [says], calls: 2, waited: [], nowMs: 0 });
  }
});

test('the operator ends a wait at once, without another call', async () => {
  const ended = repeat([waits('backlog'), waits('backlog')], (nth, stop) => nth === 2 && stop());

  expect(await ended).toMatchObject({ isDone: false, said: ['waiting: backlog'], calls: 2 });
});

test('the operator ends a call in flight at once', async () => {
  const stop = new AbortController();
  const context = { now: () => 0, sleep: () => Promise.reject(new Error('slept')), signal: stop.signal };
  const reporter = { waiting: () => {}, left: () => {} };
  const call = () => {
    stop.abort();
    return new Promise<StepResult>(() => {});
  };

  expect(await callUntilDone(DOMAIN, context, reporter, call, (step) => step)).toBe(false);
});

test('domains that the operator stopped before their turn continue from the beginning', async () => {
  const stop = new AbortController();
  const begun: string[] = [];
  const work = async (domain: string) => {
    begun.push(domain);
    if (domain === 'a.example') return undefined;
    stop.abort();
    return 7;
  };

  expect(await eachDomainFrom(['a.example', 'b.example', 'c.example', 'd.example'], 5, stop.signal, work)).toEqual([
    ['b.example', 7],
    ['c.example', 5],
    ['d.example', 5],
  ]);
  expect(begun).toEqual(['a.example', 'b.example']);
});

test('a domain that could not be finished does not block the others', async () => {
  const reached = new Map([['a.example', 6]]);
  const work = async (domain: string) => reached.get(domain);

  expect(await eachDomainFrom(['a.example', 'b.example'], 5, new AbortController().signal, work)).toEqual([
    ['a.example', 6],
  ]);
});
