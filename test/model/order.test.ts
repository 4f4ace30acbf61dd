import type { JsonObject } from '../../lambdas/domain/json.ts';
import { createProcess } from '../../lambdas/process/process.ts';
import { InMemoryLedger } from '../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../support/fixtures/erasures.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { expectedStatus, type LifeOutcome, lifeEvent, OUTCOME_NAMES } from './worlds/life-events.ts';

const RUNS = shareOf(2000);

/** Returns the records after a sequence of events, without the fields that may depend on arrival. */
async function recordsOf(events: JsonObject[]) {
  const ledger = new InMemoryLedger();
  const store = createProcess({ records: ledger, retentionDays: 400, ...LONE_PROCESS });
  for (const [position, event] of events.entries()) {
    await store({ source: 'webhook', receivedAt: NOW_MS + position, domain: DOMAIN, event });
  }
  const sorted = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    events: sorted(ledger.events).map(([key, { event, atMs }]) => [key, event, atMs]),
    statuses: sorted(ledger.statuses),
    suppressions: sorted(ledger.suppressions),
  };
}

function* permutations<T>(items: T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [position, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(position, 1))) yield [item, ...rest];
  }
}

test('all 5,040 orders of seven events leave the same records', async () => {
  const outcomes: LifeOutcome[] = [
    'accepted',
    'deferred',
    'delivered',
    'opened',
    'bounced',
    'complained',
    'unsubscribed',
  ];
  const life = outcomes.map((outcome, second) => lifeEvent(outcome, 0, 0, second));
  const expected = await recordsOf(life);
  expect(expected.statuses).toMatchObject([[expect.anything(), expectedStatus(life)]]);

  let orders = 0;
  for (const order of permutations(life)) {
    expect(await recordsOf(order)).toEqual(expected);
    orders += 1;
  }
  expect(orders).toBe(5040);
});

test('any multiset of events leaves the records of its set, in any order and with any repeats', async () => {
  const event = fc
    .tuple(fc.constantFrom(...OUTCOME_NAMES), fc.nat(1), fc.nat(1), fc.nat(3))
    .map(([outcome, message, recipient, second]) => lifeEvent(outcome, message, recipient, second));
  const shuffledWithRepeats = fc
    .uniqueArray(event, { minLength: 1, maxLength: 12, selector: (e) => JSON.stringify(e) })
    .chain((set) =>
      fc.tuple(
        fc.constant(set),
        fc
          .array(fc.constantFrom(...set), { maxLength: 12 })
          .chain((repeats) => fc.shuffledSubarray([...set, ...repeats], { minLength: set.length + repeats.length })),
      ),
    );
  await fc.assert(
    fc.asyncProperty(shuffledWithRepeats, async ([set, order]) => {
      expect(await recordsOf(order)).toEqual(await recordsOf(set));
    }),
    { numRuns: RUNS },
  );
});
