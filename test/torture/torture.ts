import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadyLine } from '../../tools/local-ledger/ready-line.ts';
import { createRandom, type Random } from '../../tools/mailgun-twin/random.ts';
import { checkHistory, type HistoryResult } from './history.ts';
import { clearFaults, control } from './inject-faults.ts';
import { readBack } from './read-back.ts';
import { sendTraffic, type Traffic } from './traffic.ts';

/** Faults applied to a stack while traffic runs, until the signal aborts. */
export type Weather<T> = (ready: ReadyLine, random: Random, signal: AbortSignal) => Promise<T>;

export interface Report<T> {
  result: HistoryResult;
  /** Statuses that contradict the stored events. */
  wrongStatuses: string[];
  deadLetters: number;
  traffic: Traffic;
  /** The faults' own report. */
  weather: T;
}

const DRAIN_WITHIN_MS = 240_000;

/** Sends traffic through a running stack under faults, lets it drain without them, and checks the result. */
export async function torture<T>(
  ready: ReadyLine,
  options: { events: number; seed: number; weather: Weather<T>; say?: (line: string) => void },
): Promise<Report<T>> {
  const { events, seed, say = () => {} } = options;
  const calm = new AbortController();
  const weather = options.weather(ready, createRandom(seed + 1), calm.signal);
  let reported = 0;
  // Several runs may follow each other on one stack.
  const plan = { events, firstMessage: seed * 1_000_000 };
  const traffic = await sendTraffic(ready, plan, createRandom(seed), (sent) => {
    if (sent < reported + events / 10) return;
    reported = sent;
    say(`${sent} events posted`);
  });
  calm.abort();
  const done = await weather;
  await clearFaults(ready);
  say('draining the queue');
  const deadLetters = await drain(ready);
  say('reading everything back');
  const { keys, wrongStatuses } = await readBack(ready, traffic.attempted);
  const { attempted, acknowledged } = traffic;
  const result = checkHistory({ attempted: new Set(attempted.keys()), acknowledged, stored: keys });
  return { result, wrongStatuses, deadLetters, traffic, weather: done };
}

/** Returns a line per broken promise in a report; empty if all were kept. */
export function brokenPromises({ result, wrongStatuses, deadLetters }: Report<unknown>): string[] {
  return [
    ...result.lost.map((key) => `lost: ${key}`),
    ...result.unexpected.map((key) => `unexpected: ${key}`),
    ...result.doubled.map((key) => `doubled: ${key}`),
    ...wrongStatuses.map((text) => `wrong status: ${text}`),
    ...(deadLetters > 0 ? [`dead letters: ${deadLetters}`] : []),
    ...(result.acknowledged === 0 ? ['nothing was acknowledged'] : []),
  ];
}

/** Waits until the queue was empty twice in a row; returns the number of dead letters. */
async function drain(ready: ReadyLine): Promise<number> {
  const until = Date.now() + DRAIN_WITHIN_MS;
  for (let calm = 0; ; await sleep(500)) {
    const { queue, deadLetters } = (await control(ready, '/stats')) as {
      queue: { visible: number; inFlight: number };
      deadLetters: number;
    };
    calm = queue.visible + queue.inFlight === 0 ? calm + 1 : 0;
    if (calm === 2) return deadLetters;
    if (Date.now() > until) throw new Error(`not drained: ${JSON.stringify(queue)}`);
  }
}
