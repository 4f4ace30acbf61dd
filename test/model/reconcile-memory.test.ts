import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../lambdas/domain/canonical.ts';
import { identify } from '../../lambdas/domain/identity.ts';
import { joinStreams } from '../../lambdas/domain/join-streams.ts';
import { storedName } from '../../lambdas/domain/reconcile-ports.ts';
import { DOMAIN } from '../support/webhooks.ts';
import { numbered } from './reconcile-world.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use once nothing is there that nobody needs. */
function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const SAMPLES = 10;

/** Joins a slice of this many events, none of them kept here; one in ten is missing on either side. */
async function join(events: number) {
  const at = (n: number) => 900_000 + (n * 900) / events;
  async function* pages(): AsyncGenerator<JsonObject[]> {
    for (let from = 0; from < events; from += 300) {
      const numbers = Array.from({ length: Math.min(300, events - from) }, (_, n) => from + n);
      yield numbers.filter((n) => n % 10 !== 1).map((n) => numbered(n, at(n)));
    }
  }
  async function* stored() {
    for (let n = 0; n < events; n += 1) {
      if (n % 10 === 0) continue;
      const { partition, eventSort } = identify(numbered(n, at(n)), DOMAIN);
      yield { partition, eventSort, atMs: Math.floor(at(n) * 1000) };
    }
  }
  const counts = { both: 0, listed: 0, stored: 0 };
  let mostAtOnce = 0;
  let seen = 0;
  let mostHeapBytes = 0;
  const heapBefore = heapBytes();
  for await (const { entries } of joinStreams(pages(), stored(), DOMAIN, -Infinity, storedName)) {
    mostAtOnce = Math.max(mostAtOnce, entries.length);
    for (const { event, storedAtMs } of entries) {
      counts[event === undefined ? 'stored' : storedAtMs === undefined ? 'listed' : 'both'] += 1;
      seen += 1;
      if (seen % (events / SAMPLES) === 0) mostHeapBytes = Math.max(mostHeapBytes, heapBytes() - heapBefore);
    }
  }
  return { counts, mostAtOnce, mostHeapBytes };
}

test.each([1000, 100_000])('a join of %d events is exact, and its memory does not grow with them', async (events) => {
  const { counts, mostAtOnce, mostHeapBytes } = await join(events);
  const megabytes = mostHeapBytes / 2 ** 20;
  console.log(`join of ${events} events: at most ${mostAtOnce} and ${megabytes.toFixed(1)} MiB in hand`);
  expect(counts).toEqual({ both: events * 0.8, listed: events * 0.1, stored: events * 0.1 });
  expect(mostAtOnce).toBeLessThan(1500);
  // Kept, the events would take some 30 MiB.
  expect(megabytes).toBeLessThan(8);
});
