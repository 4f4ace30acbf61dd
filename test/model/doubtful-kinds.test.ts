import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../lambdas/domain/canonical.ts';
import { NOW_MS } from '../support/webhooks.ts';
import { numbered, ReconcileWorld } from './reconcile-world.ts';

// Mailgun lists mail that it routes on, and the batch as a whole. Whether it posts them is written nowhere, so both are right.

const SLICE_START = Math.floor(NOW_MS / 1000 / 900) * 900;

const routed = (nth: number, event: string, at: number): JsonObject =>
  numbered(1000 + nth, at, { event, flags: { 'is-routed': true }, envelope: { transport: 'http' } });

function batch(nth: number, at: number): JsonObject {
  const { recipient: _recipient, ...event } = numbered(2000 + nth, at, { event: 'accepted' });
  return event;
}

/** Slices with our mail, whose webhooks come, and others of these kinds, whose webhooks come by a rule. */
async function live(
  kinds: (nth: number, at: number) => JsonObject[],
  isDropped: (nth: number, event: JsonObject) => boolean,
) {
  const world = new ReconcileWorld();
  for (let nth = 0; nth < 12; nth += 1) {
    const at = SLICE_START + nth * 900 + 10;
    world.nowMs = Math.max(world.nowMs, (at + 5) * 1000);
    world.happen(numbered(nth * 7, at), false);
    for (const event of kinds(nth, at + 1)) world.happen(event, isDropped(nth, event));
    await world.live(0.25);
  }
  await world.live(30);
  return world;
}

describe.each<[string, (nth: number, at: number) => JsonObject[], number]>([
  ['routed mail', (nth, at) => [routed(nth, 'accepted', at), routed(50 + nth, 'delivered', at + 1)], 2],
  ['the batch as a whole', (nth, at) => [batch(nth, at)], 1],
])('%s', (_, kinds, each) => {
  test('that is never posted is polled, and nothing of it is lost or silent', async () => {
    const world = await live(kinds, () => true);
    expect(world.totals).toMatchObject({ missing: 0, lost: 0, late: 0, polled: 12 * each, recovered: 0 });
    expect(world.news).toEqual([]);
    expect(world.gauges.silentEvents).toBe(0);
  });

  test('that is posted counts like all other mail', async () => {
    const world = await live(kinds, () => false);
    expect(world.totals).toMatchObject({ missing: 0, lost: 0, late: 0, polled: 0, recovered: 0 });
  });

  test('is expected from the first webhook of it on, so that a later one that is lost is told', async () => {
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

test('a webhook of one event of routed mail says nothing about the others', async () => {
  const world = await live(
    (nth, at) => [routed(nth, 'accepted', at), routed(50 + nth, 'delivered', at + 1)],
    (_, { event }) => event === 'delivered',
  );
  expect(world.totals).toMatchObject({ lost: 0, polled: 12 });
  expect([...(world.book.postedKinds.values().next().value?.keys() ?? [])]).toEqual(['routed-accepted']);
});
