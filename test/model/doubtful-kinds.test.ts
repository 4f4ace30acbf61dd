import type { JsonObject } from '../../lambdas/domain/json.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld, TYPES } from './worlds/reconcile-world.ts';

// Mailgun lists routed mail, and batches as a whole. Whether it posts webhooks for them is not documented, so the
// ledger must be right in both cases.

const SLICE_START = Math.floor(NOW_MS / 1000 / 900) * 900;

const routed = (nth: number, event: string, at: number): JsonObject =>
  numbered(1000 + nth, at, { event, flags: { 'is-routed': true }, envelope: { transport: 'http' } });

function batch(nth: number, at: number): JsonObject {
  const { recipient: _recipient, ...event } = numbered(2000 + nth, at, { event: 'accepted' });
  return event;
}

/**
 * Simulates slices of ordinary mail, whose webhooks arrive, and of doubtful events, whose webhooks arrive by a rule.
 */
async function live(
  kinds: (nth: number, at: number) => JsonObject[],
  isDropped: (nth: number, event: JsonObject) => boolean,
  world = new ReconcileWorld(),
) {
  await happen(world, kinds, isDropped);
  await world.live(30);
  return world;
}

async function happen(
  world: ReconcileWorld,
  kinds: (nth: number, at: number) => JsonObject[],
  isDropped: (nth: number, event: JsonObject) => boolean,
) {
  for (let nth = 0; nth < 12; nth += 1) {
    const at = SLICE_START + nth * 900 + 10;
    world.nowMs = Math.max(world.nowMs, (at + 5) * 1000);
    world.happen(numbered(nth * 7, at), false);
    for (const event of kinds(nth, at + 1)) world.happen(event, isDropped(nth, event));
    await world.live(0.25);
  }
}

/**
 * Returns the state left by the previous version, which expected a webhook for every event and recorded nothing about
 * it.
 */
function beforeUpgrade(hasTotals: boolean): ReconcileWorld {
  const world = new ReconcileWorld();
  world.mailgun.hasTotals = hasTotals;
  const always = { first: 0, last: Number.MAX_SAFE_INTEGER };
  for (const kind of ['routed-accepted', 'routed-delivered', 'batch-accepted']) {
    world.book.postedKinds.set(DOMAIN, new Map([...(world.book.postedKinds.get(DOMAIN) ?? []), [kind, always]]));
  }
  return world;
}

function upgrade({ book }: ReconcileWorld): void {
  book.postedKinds.clear();
  for (const slice of book.slices.values()) delete slice.kinds;
}

describe.each<[string, (nth: number, at: number) => JsonObject[], number]>([
  ['routed mail', (nth, at) => [routed(nth, 'accepted', at), routed(50 + nth, 'delivered', at + 1)], 2],
  ['the batch as a whole', (nth, at) => [batch(nth, at)], 1],
])('%s', (_, kinds, each) => {
  test('that is never posted counts as polled, never as lost or silent', async () => {
    const world = await live(kinds, () => true);
    expect(world.totals).toMatchObject({ missing: 0, lost: 0, late: 0, polled: 12 * each, recovered: 0 });
    expect(world.news).toEqual([]);
    expect(world.gauges.silentEvents).toBe(0);
  });

  test('that is posted counts like all other mail', async () => {
    const world = await live(kinds, () => false);
    expect(world.totals).toMatchObject({ missing: 0, lost: 0, late: 0, polled: 0, recovered: 0 });
  });

  test('is expected from its first webhook on, so that a later loss is reported', async () => {
    const world = await live(kinds, (nth) => nth === 0 || nth === 8);
    expect(world.totals).toMatchObject({ missing: 0, lost: each, late: 0, polled: each });
    expect(world.news.reduce((sum, { lost }) => sum + lost, 0)).toBe(each);
  });

  test('is stored and accounted for in all cases', async () => {
    for (const isDropped of [() => true, () => false, (nth: number) => nth % 2 === 0]) {
      const world = await live(kinds, isDropped);
      expect(world.totals).toMatchObject({ expected: 12 + 12 * each, stored: 12 + 12 * each, unconfirmed: 0 });
    }
  });
});

test('a webhook for one type of routed mail makes no other type expected', async () => {
  const world = await live(
    (nth, at) => [routed(nth, 'accepted', at), routed(50 + nth, 'delivered', at + 1)],
    (_, { event }) => event === 'delivered',
  );
  expect(world.totals).toMatchObject({ lost: 0, polled: 12 });
  expect([...(world.book.postedKinds.values().next().value?.keys() ?? [])]).toEqual(['routed-accepted']);
});

describe.each([true, false])('where totals are known: %p', (hasTotals) => {
  const kinds = (nth: number, at: number) => [routed(nth, 'accepted', at), routed(50 + nth, 'delivered', at + 1)];

  test.each<[string, (world: ReconcileWorld) => void, number]>([
    ['an upgrade from a version that expected all mail', upgrade, 5],
    ['an upgrade from a version that expected all mail', upgrade, 0],
    ['the loss of what was seen of the kinds', ({ book }) => book.postedKinds.clear(), 5],
    ['the loss of what was seen of the kinds', ({ book }) => book.postedKinds.clear(), 0],
  ])('%s hides no webhook that was lost before its second pass (case %#)', async (_, change, dropped) => {
    const world = beforeUpgrade(hasTotals);
    await happen(world, kinds, (nth, { event }) => nth === dropped && event === 'accepted');
    await world.live(2);
    expect(world.totals).toMatchObject({ late: 1, lost: 0 });
    change(world);
    await world.live(40);
    expect(world.totals).toMatchObject({ late: 0, lost: 1, polled: 0 });
    // The older slices showed from when on these events are posted.
    const first = SLICE_START + (dropped === 0 ? 900 : 0) + 11;
    expect(world.book.postedKinds.get(DOMAIN)?.get('routed-accepted')?.first).toBe(first * 1000);
  });

  test('an upgrade reports no event as lost that an earlier version did not', async () => {
    const world = beforeUpgrade(hasTotals);
    upgrade(world);
    await happen(world, kinds, () => true);
    world.happen(numbered(7 * 20, SLICE_START + 12 * 900 + 10), true);
    await world.live(40);
    expect(world.totals).toMatchObject({ lost: 1, polled: 24 });
  });

  test('a second pass does not list again if it could learn nothing about posted types', async () => {
    const world = new ReconcileWorld();
    world.mailgun.hasTotals = hasTotals;
    await happen(world, kinds, () => false);
    await world.live(2);
    const listedAt = () => [...world.book.slices.values()].map(({ passedAt }) => passedAt);
    const before = listedAt().slice(0, 12);
    await world.live(40);
    expect(
      listedAt()
        .slice(0, 12)
        .every((at, nth) => at === before[nth]),
    ).toBe(hasTotals);
  });
});

test('a webhook for a permanent failure of routed mail does not make temporary failures expected', async () => {
  const failure = (nth: number, severity: string, at: number) => ({ ...routed(nth, 'failed', at), severity });
  const world = await live(
    (nth, at) => [failure(nth, 'permanent', at), failure(50 + nth, 'temporary', at + 1)],
    (_, { severity }) => severity === 'temporary',
    new ReconcileWorld([...TYPES, 'temporary_fail']),
  );
  expect(world.totals).toMatchObject({ lost: 0, polled: 12 });
  expect([...(world.book.postedKinds.get(DOMAIN)?.keys() ?? [])]).toEqual(['routed-permanent_fail']);
});

test('a type that Mailgun stopped posting is no longer expected two weeks after its last webhook', async () => {
  const world = new ReconcileWorld();
  const at = (day: number) => SLICE_START + day * 86_400 + 10;
  const day = async (nth: number, isDropped: boolean) => {
    world.nowMs = Math.max(world.nowMs, (at(nth) + 5) * 1000);
    world.happen(routed(nth, 'delivered', at(nth)), isDropped);
    await world.live(24);
  };
  for (const nth of [0, 1, 2, 3]) await day(nth, false);
  expect(world.book.postedKinds.get(DOMAIN)?.get('routed-delivered')?.last).toBeGreaterThan(at(1) * 1000);
  for (let nth = 4; nth < 20; nth += 1) await day(nth, true);
  await world.live(48);
  expect([world.totals.lost, world.totals.polled]).toEqual([13, 3]);
});
