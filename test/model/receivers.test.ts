import { publishedEvent, type StatusRow } from '../../lambdas/domain/publishing/published.ts';
import { createRandom } from '../../tools/mailgun-twin/random.ts';
import { CRASH_MOMENTS, type InjectedFailure } from '../support/doubles/crashable-invocation.ts';
import { addressOf, type Behaviour, ReceiverWorld, WAITS } from './worlds/receiver-world.ts';

// Whatever happens to `deliver`, an event ends as acknowledged or in the DLQ, and the log names which.

/** Asserts that nothing is left over, and that the log is true. */
function expectAccountedFor(world: ReceiverWorld, ids: readonly string[]): void {
  expect(world.queue).toEqual([]);
  for (const id of ids) {
    const { state } = world.delivery(id) ?? {};
    if (state === 'acknowledged') expect(world.received.get(id)).toBeGreaterThanOrEqual(1);
    else expect({ id, state, isInDlq: world.dlq.includes(id) }).toEqual({ id, state: 'dead', isInDlq: true });
  }
}

const ENDINGS: { name: string; behaviour: (attempt: number) => Behaviour; state: string }[] = [
  { name: 'acknowledges at once', behaviour: () => 'acknowledges', state: 'acknowledged' },
  { name: 'fails once', behaviour: (attempt) => (attempt < 1 ? 'fails' : 'acknowledges'), state: 'acknowledged' },
  {
    name: 'acts and drops its first responses',
    behaviour: (attempt) => (attempt < 2 ? 'acts without a response' : 'acknowledges'),
    state: 'acknowledged',
  },
  { name: 'fails always', behaviour: () => 'fails', state: 'dead' },
];

/** Runs one event to its end; `troubles` interrupt the invocations in order. */
async function run(behaviour: (attempt: number) => Behaviour, troubles: readonly (InjectedFailure | undefined)[]) {
  const world = new ReceiverWorld();
  world.behaviour = (_, attempt) => behaviour(attempt);
  world.publish('e');
  const points: string[][] = [];
  for (const trouble of troubles) {
    world.now = Math.max(world.now, world.queue[0]?.visibleAt ?? world.now);
    points.push(await world.step(trouble));
  }
  await world.drain();
  return { world, points };
}

const troublesAt = (points: readonly string[]): InjectedFailure[] =>
  points.flatMap((_, call) =>
    CRASH_MOMENTS.flatMap((moment) => (['crash', 'fault'] as const).map((kind) => ({ call, moment, kind }))),
  );

describe.each(ENDINGS)('a receiver that $name', ({ behaviour, state }) => {
  test(`ends ${state}, whichever call of any attempt crashes or fails, also in pairs of crashes`, async () => {
    const invocations = state === 'dead' ? WAITS.length + 2 : 4;
    const clean = await run(behaviour, Array.from({ length: invocations }));
    expectAccountedFor(clean.world, ['e']);
    expect(clean.world.delivery('e')?.state).toBe(state);
    let cells = 0;
    for (const [nth, points] of clean.points.entries()) {
      for (const first of troublesAt(points)) {
        const before = Array.from<undefined>({ length: nth });
        const { world, points: seen } = await run(behaviour, [...before, first, undefined]);
        expectAccountedFor(world, ['e']);
        cells += 1;
        // Later invocations are like the first two, except the last, which the single-fault tests cover.
        if (nth > 1 || first.kind === 'fault') continue;
        for (const second of troublesAt(seen[nth + 1] ?? []).filter(({ kind }) => kind === 'crash')) {
          expectAccountedFor((await run(behaviour, [...before, first, second])).world, ['e']);
          cells += 1;
        }
      }
    }
    expect(cells).toBeGreaterThan(100);
  });
});

test("attempts follow the schedule, including waits above SQS's visibility limit, and then stop", async () => {
  const { world } = await run(() => 'fails', []);
  const attempts = world.delivery('e')?.attempts ?? [];
  const waits = attempts.slice(1).map(({ at }, nth) => Math.round((at - (attempts[nth]?.at ?? 0)) / 1000));

  expect(attempts).toHaveLength(WAITS.length + 1);
  for (const [nth, wait] of waits.entries()) {
    expect(wait).toBeGreaterThanOrEqual(WAITS[nth] as number);
    expect(wait).toBeLessThanOrEqual((WAITS[nth] as number) * 1.2 + 2);
  }
  expect(world.dlq).toEqual(['e']);
});

test('a crashed invocation causes at most one repeat: a delivery logged as acknowledged is not sent again', async () => {
  const world = new ReceiverWorld();
  world.publish('e', 5);
  await world.drain();

  expect(world.received.get('e')).toBe(1);
  expect(world.delivery('e')?.attempts).toHaveLength(1);
});

test('a disabled receiver gets no request, loses no delivery, and resumes once it is enabled', async () => {
  const world = new ReceiverWorld();
  world.behaviour = () => 'is gone';
  for (const id of ['a', 'b', 'c']) world.publish(id);
  await world.step();
  expect(world.state).toMatchObject({ disabledReason: 'gone', lastStatus: 410 });
  // Thirteen days of receives: within SQS's retention of 14 days and its receive limit.
  const until = world.now + 13 * 86_400_000;
  while (world.now < until) {
    world.now = Math.min(...world.queue.map(({ visibleAt }) => Math.max(visibleAt, world.now)));
    await world.step();
  }
  expect([...world.received]).toEqual([['a', 1]]);
  expect(world.queue.map(({ receives }) => receives < 1000)).toEqual([true, true, true]);

  world.state = {};
  world.behaviour = () => 'acknowledges';
  await world.drain();
  expectAccountedFor(world, ['a', 'b', 'c']);
  expect(world.dlq).toEqual([]);
});

test('five days of failures disable a receiver, one day does not, and an acknowledgement restarts the count', async () => {
  const world = new ReceiverWorld();
  const fail = async (id: string) => {
    world.publish(id);
    await world.step();
    world.queue = [];
  };
  world.behaviour = () => 'fails';
  await fail('1');
  world.now += 86_400_000;
  await fail('2');
  expect(world.state.disabledAt).toBeUndefined();
  world.behaviour = () => 'acknowledges';
  await fail('3');
  world.behaviour = () => 'fails';
  world.now += 4 * 86_400_000;
  await fail('4');
  expect(world.state.disabledAt).toBeUndefined();
  world.now += 5 * 86_400_000;
  await fail('5');
  expect(world.state).toMatchObject({ disabledReason: 'failing', lastStatus: 500 });
});

/** Returns a world in which every attempt has failed, and the receiver now does something else. */
async function afterDeath(behaviour: Behaviour) {
  const world = new ReceiverWorld();
  world.behaviour = (_, attempt) => (attempt <= WAITS.length ? 'fails' : behaviour);
  world.publish('e');
  await world.drain();
  expect([world.delivery('e')?.state, world.dlq]).toEqual(['dead', ['e']]);
  world.now += 1000;
  return world;
}

const DAY_MS = 86_400_000;
/** What a DLQ holds for a receiver that gets no addresses. */
const NO_ADDRESS = { recipient: undefined };

describe.each([
  ['right', 0, 0, 0],
  // The first attempt is then before the request, and not counted once the queue's clock is reached.
  ['right, while that of the queue is a moment ahead,', 0, 100, 1],
  ['a day ahead', DAY_MS, 0, 0],
  ['a day behind', -DAY_MS, 0, 0],
])('an operator whose clock is %s', (_, skewMs, queueAheadMs, uncounted) => {
  test('redelivers what is dead with one request, if it is acknowledged', async () => {
    const world = await afterDeath('acknowledges');
    world.queueAheadMs = queueAheadMs;
    world.send('e', world.now + skewMs, NO_ADDRESS);
    await world.drain();

    expect(world.delivery('e')).toMatchObject({ state: 'acknowledged' });
    expect(world.received.get('e')).toBe(WAITS.length + 2);
  });

  test('redelivers what is dead by a schedule of its own, which ends in the DLQ again', async () => {
    const world = await afterDeath('fails');
    world.queueAheadMs = queueAheadMs;
    world.send('e', world.now + skewMs, NO_ADDRESS);
    await world.drain();

    expect(world.received.get('e')).toBe(2 * (WAITS.length + 1) + uncounted);
    expect([world.delivery('e')?.state, world.dlq]).toEqual(['dead', ['e', 'e']]);
  });
});

test.each([
  ['right', 0, 0],
  ['right, while that of the queue is a moment ahead,', 0, 100],
  ['a day ahead', DAY_MS, 0],
  ['a day behind', -DAY_MS, 0],
])(
  'a redelivery whose message must not keep its address has one schedule, if the clock of its operator is %s',
  async (_, skewMs, queueAheadMs) => {
    const world = await afterDeath('fails');
    world.queueAheadMs = queueAheadMs;
    world.send('e', world.now + skewMs);
    await world.drain();

    const attempts = world.delivery('e')?.attempts.slice(WAITS.length + 1) ?? [];
    const waits = attempts.slice(1).map(({ at }, nth) => at - (attempts[nth]?.at ?? 0));
    expect(waits.map((wait, nth) => wait >= 1000 * (WAITS[nth] ?? Infinity))).toEqual(WAITS.map(() => true));
    expect([world.delivery('e')?.state, world.dlq]).toEqual(['dead', ['e', 'e']]);
  },
);

test('a delivery that was in the DLQ twice is acknowledged once, and stays so, however the receiver is by then', async () => {
  const world = await afterDeath('acknowledges');
  world.send('e', world.now, NO_ADDRESS);
  await world.drain();
  const received = world.received.get('e') ?? 0;
  world.behaviour = () => 'fails';
  world.now += 1000;
  world.send('e', world.now, NO_ADDRESS);
  await world.drain();

  expect([world.delivery('e')?.state, world.received.get('e')]).toEqual(['acknowledged', received]);
  expect(world.dlq).toEqual(['e']);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'seed %i: faults, repeats and moods of the receiver leave nothing unaccounted for',
  async (seed) => {
    const { next } = createRandom(seed);
    const world = new ReceiverWorld();
    const ids = Array.from({ length: 25 }, (_, nth) => `e${nth}`);
    world.behaviour = () => {
      const dice = next();
      if (dice < 0.4) return 'fails';
      return dice < 0.5 ? 'acts without a response' : 'acknowledges';
    };
    for (const id of ids) world.publish(id, next() < 0.2 ? 2 : 1);
    for (let step = 0; step < 400 && world.queue.length > 0; step += 1) {
      world.now = Math.max(world.now, Math.min(...world.queue.map(({ visibleAt }) => visibleAt)));
      const strikes = next() < 0.3;
      const moment = CRASH_MOMENTS[Math.floor(next() * CRASH_MOMENTS.length)] as InjectedFailure['moment'];
      const kind = next() < 0.5 ? 'crash' : 'fault';
      await world.step(strikes ? { call: Math.floor(next() * 6), moment, kind } : undefined);
    }
    await world.drain(5000);
    expectAccountedFor(world, ids);
  },
);

/** Returns what a receiver keeps by docs/receivers.md of the requests that it took. */
function keptStatus(bodies: readonly string[]): unknown {
  let kept: { order: string; status: unknown; reason: unknown } | undefined;
  const ids = new Set<string>();
  for (const { data } of bodies.map((body) => JSON.parse(body))) {
    if (!ids.has(data.id) && data.order > (kept?.order ?? '')) kept = data;
    ids.add(data.id);
  }
  return kept && { status: kept.status, reason: kept.reason };
}

const ROW = {
  type: 'status',
  partition: 'MSG#1',
  sort: 'R#a#STATUS',
  recipient: 'a',
  domain: 'd',
  statusAtMs: 1,
} as const;
const FAILURE = { order: '40#2#failed#f', decidedBy: 'failed#f', status: 'FAILED', reason: 'forged' } as const;
/** States of one status: a forged failure, another reason, a deferral, what came later, and no status at all. */
const STATES: StatusRow[] = [
  { ...ROW, ...FAILURE },
  { ...ROW, ...FAILURE, reason: 'bounce', corrections: 1 },
  { ...ROW, ...FAILURE, order: '20#2#failed#f', status: 'DEFERRED', corrections: 2 },
  { ...ROW, order: '30#1#delivered#d', decidedBy: 'delivered#d', status: 'DELIVERED', reason: null, corrections: 2 },
  { ...ROW, order: '00#1#unsubscribed#u', decidedBy: 'unsubscribed#u', status: null, reason: null, corrections: 3 },
];

test.each([1, 2, 3, 4, 5, 6])(
  'seed %i: a receiver ends with the corrected status, though all its states are published in one second',
  async (seed) => {
    for (const [nth, last] of STATES.entries()) {
      const { next } = createRandom(seed * 10 + nth);
      const world = new ReceiverWorld();
      world.behaviour = (_, attempt) => (attempt < 3 && next() < 0.6 ? 'acts without a response' : 'acknowledges');
      const published = STATES.slice(0, nth + 1).map((row) => ({ at: next(), row }));
      for (const { row } of published.toSorted((a, b) => a.at - b.at)) {
        const { detail } = publishedEvent(row, { ledger: 'l', subjectKey: 'k', recipients: false });
        world.publish(detail.id, next() < 0.3 ? 2 : 1, detail);
        if (next() < 0.5) await world.step();
      }
      await world.drain();

      expectAccountedFor(world, [...world.received.keys()]);
      expect(keptStatus(world.bodies)).toEqual({ status: last.status, reason: last.reason });
    }
  },
);

describe('the address of a recipient', () => {
  const TEXT = addressOf('e');
  const holders = (world: ReceiverWorld) => [
    ...world.queue.map(({ body }) => body).filter((body) => body.includes(TEXT)),
    ...world.bodiesInDlq.filter((body) => body.includes(TEXT)),
  ];

  /** Fails once, is then erased, and fails until it is dead, while `trouble` interrupts the second invocation. */
  async function runErased(trouble?: InjectedFailure, recipient = TEXT) {
    const world = new ReceiverWorld();
    world.recipients = true;
    world.behaviour = () => 'fails';
    world.publish('e', 1, { recipient, reason: `550 <${TEXT}> is unknown` });
    await world.step();
    expect(holders(world)).toHaveLength(1);
    world.erased.mark(TEXT);
    world.bodies.splice(0);
    world.now = world.queue[0]?.visibleAt ?? world.now;
    const points = await world.step(trouble);
    await world.drain();
    return { world, points };
  }

  test('is in no queue, DLQ or request once it is erased, whichever call crashes or fails', async () => {
    const { world: clean, points } = await runErased();
    expect(points).toContain('queue.send');
    const troubled = await Promise.all(troublesAt(points).map((trouble) => runErased(trouble)));
    const spelled = [`'${TEXT}'`, `${TEXT}.`, `eve@example.org, ${TEXT}`].map((each) => runErased(undefined, each));
    for (const { world } of [{ world: clean }, ...troubled, ...(await Promise.all(spelled))]) {
      expectAccountedFor(world, ['e']);
      expect(holders(world)).toEqual([]);
      expect(world.bodies.filter((body) => body.includes(TEXT))).toEqual([]);
    }
  });

  test('is not kept beyond the first attempt for a receiver that gets no addresses', async () => {
    const world = new ReceiverWorld();
    world.behaviour = () => 'fails';
    world.publish('e');
    await world.step();
    expect([world.queue.length, holders(world)]).toEqual([1, []]);
    await world.drain();
    expectAccountedFor(world, ['e']);
    expect(holders(world)).toEqual([]);
  });
});
