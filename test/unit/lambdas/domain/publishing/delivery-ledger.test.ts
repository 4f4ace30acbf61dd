import type { Delivery } from '../../../../../lambdas/domain/publishing/delivery.ts';
import {
  DeliveryCounter,
  QueueProgress,
  type ReceiverFacts,
} from '../../../../../lambdas/domain/publishing/delivery-ledger.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 28, 12);
const before = (minutes: number) => Math.floor((NOW - minutes * MINUTE) / 1000);

/** A delivery that was published this number of minutes ago, and first attempted this number of minutes later. */
interface DeliveryFacts {
  ago: number;
  attemptedAfter?: number;
  state?: Delivery['state'];
  nextAgo?: number;
}

const deliveryOf = ({ attemptedAfter, ago, state, nextAgo }: DeliveryFacts): Delivery => ({
  version: 1,
  state: state ?? (attemptedAfter === undefined ? 'published' : 'acknowledged'),
  attempts: attemptedAfter === undefined ? [] : [{ at: NOW - (ago - attemptedAfter) * MINUTE, ms: 20, status: 204 }],
  ...(nextAgo !== undefined && { nextAt: NOW - nextAgo * MINUTE }),
});

const BUSY: ReceiverFacts = { state: {}, isQueueEmpty: false, nowMs: NOW };
const EMPTY = { ...BUSY, isQueueEmpty: true };

function isUnaccounted(
  judged: DeliveryFacts,
  others: readonly DeliveryFacts[],
  facts: Partial<ReceiverFacts> = {},
): boolean {
  const progress = new QueueProgress({ ...BUSY, ...facts });
  for (const each of [judged, ...others]) progress.observe(deliveryOf(each), { publishedAt: before(each.ago) });
  return progress.isUnaccounted(deliveryOf(judged), { publishedAt: before(judged.ago) });
}

/** The receiver keeps up: each delivery is attempted within a minute. */
const KEEPS_UP = [50, 20, 10, 2].map((ago) => ({ ago, attemptedAfter: 1 }));
/** Three hours of deliveries are in front of the newest. */
const IS_BEHIND = [240, 230, 200, 190, 181].map((ago) => ({ ago, attemptedAfter: 180 }));

describe('a delivery without an attempt to a receiver with an empty queue', () => {
  test.each([
    { ago: 15, expected: false },
    { ago: 16, expected: true },
  ])('after $ago minutes: $expected', ({ ago, expected }) => {
    expect(isUnaccounted({ ago }, [], EMPTY)).toBe(expected);
  });

  test.each(['acknowledged', 'dead'] as const)('is not unaccounted for once it is %s', (state) => {
    expect(isUnaccounted({ ago: 900, state }, KEEPS_UP, EMPTY)).toBe(false);
  });
});

describe('a delivery without an attempt behind a busy queue', () => {
  test.each<{
    name: string;
    judged: DeliveryFacts;
    others: DeliveryFacts[];
    facts?: Partial<ReceiverFacts>;
    expected: boolean;
  }>([
    { name: 'later ones are attempted at once, and it is not', judged: { ago: 60 }, others: KEEPS_UP, expected: true },
    {
      name: 'its retry is long due',
      judged: { ago: 200, attemptedAfter: 1, state: 'waiting', nextAgo: 60 },
      others: KEEPS_UP,
      expected: true,
    },
    {
      name: 'its retry is planned',
      judged: { ago: 200, attemptedAfter: 1, state: 'waiting', nextAgo: -5 },
      others: KEEPS_UP,
      expected: false,
    },
    {
      name: 'it is due for less than a quarter of an hour beyond the others',
      judged: { ago: 15 },
      others: KEEPS_UP,
      expected: false,
    },
    {
      name: 'nothing that was published later is attempted yet',
      judged: { ago: 60 },
      others: [{ ago: 90, attemptedAfter: 1 }],
      expected: false,
    },
    {
      name: 'the queue is hours behind, and it is not yet its turn',
      judged: { ago: 170 },
      others: IS_BEHIND,
      expected: false,
    },
    { name: 'the queue is hours behind, and it was its turn', judged: { ago: 235 }, others: IS_BEHIND, expected: true },
    {
      name: 'the receiver is disabled',
      judged: { ago: 600 },
      others: KEEPS_UP,
      facts: { state: { disabledAt: NOW } },
      expected: false,
    },
    {
      name: 'the receiver was enabled a moment ago',
      judged: { ago: 600 },
      others: KEEPS_UP,
      facts: { state: { enabledAt: NOW - 40 * MINUTE } },
      expected: false,
    },
    {
      name: 'the receiver was enabled an hour ago',
      judged: { ago: 600 },
      others: KEEPS_UP,
      facts: { state: { enabledAt: NOW - 60 * MINUTE } },
      expected: true,
    },
    {
      name: 'the queue has forgotten it',
      judged: { ago: 14 * 1440 + 1 },
      others: [],
      facts: { state: { disabledAt: NOW } },
      expected: true,
    },
    {
      name: 'the queue may still hold it',
      judged: { ago: 14 * 1440 - 1 },
      others: [],
      facts: { state: { disabledAt: NOW } },
      expected: false,
    },
  ])('where $name: $expected', ({ judged, others, facts, expected }) => {
    expect(isUnaccounted(judged, others, facts)).toBe(expected);
  });
});

describe('the delivery ledger', () => {
  const nameOf = (ago: number) => ({ receiver: 'crm', publishedAt: before(ago), id: `e${ago}` });
  const counter = (facts: ReceiverFacts, reported: readonly DeliveryFacts[]) => {
    const made = new DeliveryCounter(facts);
    for (const each of reported) made.add(deliveryOf(each), nameOf(each.ago));
    return made;
  };
  const reported: DeliveryFacts[] = [
    { ago: 70 },
    { ago: 65, attemptedAfter: 1 },
    { ago: 62, attemptedAfter: 1, state: 'dead' },
    { ago: 3, attemptedAfter: 1 },
    { ago: 1 },
  ];

  test('counts each hour, newest first, and names what is unaccounted for', () => {
    expect(counter(BUSY, reported).result()).toEqual({
      ledger: { published: 5, acknowledged: 2, waiting: 1, dead: 1, unaccounted: 1 },
      hours: [
        { hour: NOW / 1000 - 3600, published: 2, acknowledged: 1, waiting: 1, dead: 0, unaccounted: 0 },
        { hour: NOW / 1000 - 7200, published: 3, acknowledged: 1, waiting: 0, dead: 1, unaccounted: 1 },
      ],
      unaccounted: [nameOf(70)],
    });
  });

  test('counts nothing twice, whatever the order', () => {
    expect(counter(BUSY, reported.toReversed()).result()).toEqual(counter(BUSY, reported).result());
  });

  test('leaves out hours before a time, with their names', () => {
    expect(counter(BUSY, reported).result(NOW / 1000 - 3600)).toMatchObject({
      ledger: { published: 2, unaccounted: 0 },
      hours: [{ published: 2 }],
      unaccounted: [],
    });
  });

  test('does not count entries that only show how far the queue is', () => {
    const made = counter(BUSY, [{ ago: 70 }]);
    made.add(deliveryOf({ ago: 3, attemptedAfter: 1 }), nameOf(3), false);
    expect(made.result().ledger).toEqual({ published: 1, acknowledged: 0, waiting: 0, dead: 0, unaccounted: 1 });
  });
});
