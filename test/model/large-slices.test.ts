import { total } from '../../lambdas/domain/ledger/counts.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

// A slice holds more events than the function's memory: no step may read all of them at once.

const START = Math.floor(NOW_MS / 900_000) * 900;
const EVENTS = 31_000;
const PART_LIMIT = 30_000;

/** Returns a world whose first slice is due. */
async function worldWith({ isDropped = false, seconds = 900 } = {}): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.fromEpochSeconds = START;
  world.nowMs = START * 1000;
  for (let n = 0; n < EVENTS; n += 1) world.happen(numbered(n, START + (n * seconds) / EVENTS), isDropped);
  await world.process();
  world.nowMs = (START + 2700) * 1000;
  return world;
}

const slice = (world: ReconcileWorld) => world.book.slices.get(`${DOMAIN} ${START}`);

test('a slice is split by what is stored, before it is listed, and its second pass asks for the totals', async () => {
  const world = await worldWith({ seconds: 100 });
  world.mailgun.hasTotals = true;
  const listedSeconds: number[] = [];
  world.mailgun.onPage = ({ begin, end }) => {
    if (begin >= START - 1 && begin < START + 899) listedSeconds.push(end - begin);
  };
  await world.run();

  expect(world.stored.mostKeys).toBeLessThanOrEqual(PART_LIMIT);
  expect(Math.max(...listedSeconds)).toBeLessThan(900);
  // Split twice, so that two parts were read for nothing, and the seconds around all others twice.
  expect(world.stored.keysRead).toBeLessThan(EVENTS * 1.1 + 2 * PART_LIMIT);
  const { listed, stored, missing, windows } = slice(world)!;
  expect([total(listed), total(stored), missing]).toEqual([EVENTS, EVENTS, {}]);

  listedSeconds.length = 0;
  world.nowMs = (START + 900 + 86_400) * 1000;
  await world.run();
  expect(slice(world)).toMatchObject({ passes: 2, finalAt: expect.any(Number) });
  expect([world.mailgun.totalsAsked, listedSeconds.length]).toEqual([windows?.length, windows?.length]);
});

test('a slice that Mailgun no longer lists is split, too', async () => {
  const world = await worldWith();
  world.nowMs += world.times.retentionSeconds * 1000;
  world.mailgun.retentionSeconds = 3600;
  await world.run();
  expect(slice(world)).toMatchObject({ unlisted: true });
  expect([total(slice(world)!.stored), world.stored.mostKeys <= PART_LIMIT]).toEqual([EVENTS, true]);
});

test('a slice whose events were all requeued, and are not stored, is split by its requeues', async () => {
  const world = await worldWith({ isDropped: true });
  await world.run();
  expect(total(slice(world)!.missing)).toBe(EVENTS);
  world.ledger.queue = [];
  world.nowMs += 900_000;
  await world.run();
  expect(slice(world)).toMatchObject({ passes: 2, sends: 2 });
  expect(world.requeues.mostListed).toBeLessThanOrEqual(PART_LIMIT);
});
