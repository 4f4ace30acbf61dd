import { identify } from '../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import { placeName } from '../../lambdas/domain/ledger/ledger-name.ts';
import { stateOf } from '../../lambdas/domain/ledger/slice.ts';
import { createConfirmedCheck, judgedEvent } from '../../lambdas/read-api/messages/confirmed.ts';
import type { StoredEvent } from '../../lambdas/read-api/ports.ts';
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
