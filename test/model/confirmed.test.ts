import { identify } from '../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import { placeName } from '../../lambdas/domain/ledger/ledger-name.ts';
import { stateOf } from '../../lambdas/domain/ledger/slice.ts';
import type { EventRecord } from '../../lambdas/process/ports.ts';
import { createConfirmedCheck, judgedEvent } from '../../lambdas/read-api/messages/confirmed.ts';
import type { StoredEvent } from '../../lambdas/read-api/ports.ts';
import { decideAgain } from '../../lambdas/shared/decide-again.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

const SLICE_SECONDS = 900;
const SETTLE_SECONDS = 1800;
const SLICE_START = Math.floor(NOW_MS / 1000 / SLICE_SECONDS) * SLICE_SECONDS;
const DUE_MS = (SLICE_START + SLICE_SECONDS + SETTLE_SECONDS) * 1000;

const sliceOf = (world: ReconcileWorld, start = SLICE_START) => world.book.slices.get(`${DOMAIN} ${start}`);

/** Returns whether the read API shows a stored event as confirmed. */
async function isConfirmed(world: ReconcileWorld, event: JsonObject): Promise<boolean | undefined> {
  const record = world.ledger.events.get(placeName(identify(event, DOMAIN)));
  const check = createConfirmedCheck(
    { facts: async (places: { start: number }[]) => places.map(({ start }) => sliceOf(world, start)) } as never,
    { readWatermarks: async () => undefined } as never,
    { sliceSeconds: SLICE_SECONDS, settleSeconds: SETTLE_SECONDS, retentionDays: 400, now: () => world.nowMs },
  );
  const [confirmed] = await check([judgedEvent({ ...record, domain: DOMAIN } as unknown as StoredEvent)]);
  return confirmed;
}

test.each([20_000, 100_000])(
  'an event that came after the last pass is confirmed by a later one (next run %d ms after it was stored)',
  async (waitMs) => {
    const world = new ReconcileWorld();
    world.happen(numbered(1, SLICE_START + 10), false);
    await world.process();
    world.nowMs = DUE_MS;
    await world.live(26);
    const late = numbered(7, SLICE_START + 20, { id: 'late' });
    world.mailgun.add(late);
    world.webhook(late, DOMAIN, world.nowMs);
    await world.process();
    world.nowMs += waitMs;
    await world.run();
    await world.live(48);

    const slice = sliceOf(world);
    expect(slice && [stateOf(slice), total(slice.unconfirmed)]).toEqual(['settled', 0]);
    expect(await isConfirmed(world, late)).toBe(true);
  },
);

test('a second pass that finds the totals unchanged confirms what was stored shortly before the first one', async () => {
  const world = new ReconcileWorld();
  world.mailgun.hasTotals = true;
  for (let nth = 0; nth < 40; nth += 1) world.happen(numbered(nth, NOW_MS / 1000 + nth * 90), false);
  await world.process();
  await world.run();
  const retried = numbered(90, SLICE_START + 20, { id: 'retried' });
  world.nowMs = DUE_MS - 60_000;
  world.mailgun.add(retried);
  world.webhook(retried, DOMAIN, world.nowMs);
  await world.process();
  world.nowMs = DUE_MS;
  await world.run();
  expect(await isConfirmed(world, retried)).toBe(false);
  await world.live(60);
  expect(await isConfirmed(world, retried)).toBe(true);
});

describe('a distrusted event that Mailgun lists after all', () => {
  const doubted = numbered(7, SLICE_START + 20, { event: 'delivered', id: 'doubted' });

  /** Returns a world after the second pass, in which this event was never listed, and an operator distrusted it. */
  async function distrustedWorld() {
    const world = new ReconcileWorld();
    world.happen(numbered(1, SLICE_START + 10), false);
    world.webhook(doubted);
    await world.process();
    await world.live(48);
    expect(sliceOf(world)?.unconfirmedNames).toHaveLength(1);
    await distrust(world);
    return world;
  }

  async function distrust(world: ReconcileWorld) {
    const identity = identify(doubted, DOMAIN);
    await world.ledger.markDistrusted(identity, world.nowMs);
    expect(await decideAgain(world.ledger, { identity, event: parseEvent(doubted) } as EventRecord)).toBe(true);
  }

  const statusOf = ({ ledger }: ReconcileWorld) => {
    const { partition, statusSort } = identify(doubted, DOMAIN);
    return ledger.statuses.get(`${partition} ${statusSort}`)?.status;
  };
  const markOf = ({ ledger }: ReconcileWorld) =>
    ledger.events.get(placeName(identify(doubted, DOMAIN)))?.distrustedAtMs;
  const range = { fromEpochSeconds: SLICE_START, toEpochSeconds: SLICE_START + SLICE_SECONDS };

  test('stays distrusted until then, whatever passes follow', async () => {
    const world = await distrustedWorld();
    await world.replay(range);
    await world.process();
    await world.live(2);
    expect([statusOf(world), markOf(world)]).toEqual([null, expect.any(Number)]);
  });

  test.each(['as it is', 'in a slice that was accepted'])('counts again after the next pass, %s', async (how) => {
    const world = await distrustedWorld();
    if (how !== 'as it is') {
      expect(await world.accept({ atEpochSeconds: SLICE_START })).toMatchObject({ state: 'accepted', accepted: 1 });
      await world.replay(range);
      expect(markOf(world)).toEqual(expect.any(Number));
    }
    world.mailgun.add(doubted);
    await world.replay(range);
    await world.process();
    expect([statusOf(world), markOf(world)]).toEqual(['DELIVERED', undefined]);
    expect(world.altered).toMatchObject([
      { wasDistrusted: true, stored: { status: null }, listed: { status: 'DELIVERED' } },
    ]);
    await world.live(2);
    const slice = sliceOf(world);
    expect(slice && [stateOf(slice), total(slice.unconfirmed), total(slice.altered)]).toEqual(['settled', 0, 0]);
  });

  test('counts again although its correction could not be sent at first', async () => {
    const world = await distrustedWorld();
    world.mailgun.add(doubted);
    const count = world.requeues.count.bind(world.requeues);
    world.requeues.count = async () => {
      throw new Error('table is down');
    };
    await world.replay(range);
    world.requeues.count = count;
    await world.process();
    expect(markOf(world)).toEqual(expect.any(Number));

    await world.replay(range);
    await world.process();
    expect([statusOf(world), markOf(world)]).toEqual(['DELIVERED', undefined]);
  });

  test('counts again where its slice is accepted before a pass has found it listed', async () => {
    const world = await distrustedWorld();
    world.mailgun.add(doubted);
    await world.accept({ atEpochSeconds: SLICE_START });
    await world.live(2);
    expect([statusOf(world), markOf(world)]).toEqual(['DELIVERED', undefined]);
    expect(stateOf(sliceOf(world)!)).toBe('settled');
  });

  test('counts again where the unconfirmed events of its slice were too many to be named', async () => {
    const world = await distrustedWorld();
    const slice = sliceOf(world)!;
    world.book.slices.set(`${DOMAIN} ${SLICE_START}`, { ...slice, unconfirmedNames: [] });
    world.mailgun.add(doubted);
    await world.replay(range);
    await world.process();
    expect([statusOf(world), markOf(world)]).toEqual(['DELIVERED', undefined]);
  });

  test('stays distrusted, and fails no pass, where Mailgun lists it redacted', async () => {
    const world = await distrustedWorld();
    world.mailgun.add({ ...doubted, recipient: '***' });
    await world.replay(range);
    await world.process();
    await world.live(2);
    expect([statusOf(world), markOf(world)]).toEqual([null, expect.any(Number)]);
    expect(stateOf(sliceOf(world)!)).toBe('settled');
  });

  test('counts again if it was distrusted while the pass that lists it removes its note', async () => {
    const world = await distrustedWorld();
    delete world.ledger.events.get(placeName(identify(doubted, DOMAIN)))?.distrustedAtMs;
    world.mailgun.add(doubted);
    const markUnconfirmed = world.stored.markUnconfirmed.bind(world.stored);
    world.stored.markUnconfirmed = async (place, sinceMs) => {
      await distrust(world);
      return markUnconfirmed(place, sinceMs);
    };
    await expect(world.replay(range)).rejects.toThrow('distrusted meanwhile');
    // The lease of the failed replay expires.
    world.nowMs += 180_000;
    await world.replay(range);
    await world.process();
    expect([statusOf(world), markOf(world)]).toEqual(['DELIVERED', undefined]);
  });
});
