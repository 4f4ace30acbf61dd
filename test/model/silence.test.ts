import { NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

const SLICE_START = Math.floor(NOW_MS / 1000 / 900) * 900;

/** Returns a world when its slice is due; all its events except the polled ones come by webhook unless `isDropped`. */
async function worldAfter(events: number, isDropped: (number: number) => boolean) {
  const world = new ReconcileWorld();
  for (let n = 0; n < events; n += 1) {
    const event = numbered(n, SLICE_START + (n * 900) / events);
    world.happen(event, event.event === 'stored' || isDropped(n));
  }
  await world.process();
  world.nowMs = (SLICE_START + 900 + 1800) * 1000;
  return world;
}

const silentEvents = async (world: ReconcileWorld) => {
  await world.report();
  return world.gauges.silentEvents;
};

test('if no webhook of a slice arrived, all expected events count as silent', async () => {
  // One in seven can only be polled.
  expect(await silentEvents(await worldAfter(14, () => true))).toBe(12);
});

test.each([
  ['all webhooks came', 14, () => false],
  ['one webhook came', 14, (n: number) => n !== 3],
  ['traffic ended', 0, () => true],
])('no event is silent if %s', async (_name, events, isDropped) => {
  expect(await silentEvents(await worldAfter(events, isDropped))).toBe(0);
});

test('events that can only be polled are not silent', async () => {
  const world = new ReconcileWorld();
  for (let n = 0; n < 5; n += 1) world.happen(numbered(6, SLICE_START + n, { id: `polled-${n}` }), true);
  world.nowMs = (SLICE_START + 900 + 1800) * 1000;

  expect(await silentEvents(world)).toBe(0);
  expect(world.totals.expected).toBe(5);
});

test('silence is reported while it lasts, and not again by later passes of its slices', async () => {
  const world = await worldAfter(14, () => true);
  expect(await silentEvents(world)).toBe(12);
  await world.process();

  const reported: number[] = [];
  for (let quarter = 0; quarter < 26 * 4; quarter += 1) {
    world.nowMs += 900_000;
    reported.push(await silentEvents(world));
    await world.process();
  }
  expect(reported.filter((count) => count > 0)).toEqual([]);
  expect(world.totals.lost).toBe(12);
});

test('events that may all be in the queue are not silent', async () => {
  const world = await worldAfter(14, () => true);
  for (let n = 0; n < 12; n += 1) world.webhook(numbered(n, SLICE_START + 2000));
  world.down.add('process');

  expect(await silentEvents(world)).toBe(0);
});

test('a run that catches up counts silent events over all its slices, separately for each domain', async () => {
  const world = await worldAfter(14, () => true);
  for (let n = 100; n < 110; n += 1) world.mailgun.add(numbered(n, SLICE_START + 900 + n));
  world.nowMs += 4 * 900_000;
  expect(await silentEvents(world)).toBeGreaterThan(12);

  const mixed = await worldAfter(14, () => true);
  for (let n = 100; n < 110; n += 1) mixed.happen(numbered(n, SLICE_START + 900 + n), false);
  await mixed.process();
  mixed.nowMs += 4 * 900_000;
  expect(await silentEvents(mixed)).toBe(0);
});
