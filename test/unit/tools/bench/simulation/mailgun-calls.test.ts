import { callsForSlice, callsInDay, type ListingMode } from '../../../../../tools/bench/simulation/mailgun-calls.ts';
import { numbered, ReconcileWorld } from '../../../../model/worlds/reconcile-world.ts';
import { NOW_MS } from '../../../../support/fixtures/webhooks.ts';

const SLICES = 4;

test.each<[ListingMode, number, number]>([
  ['events', 300, 0],
  ['events', 300, 650],
  ['logs', 100, 650],
  ['logs with totals', 100, 0],
  ['logs with totals', 100, 650],
])(
  'by %s, %i a page, reconcile makes as many calls as the page says, with %i events',
  async (listing, page, events) => {
    const world = new ReconcileWorld();
    world.times = { ...world.times, retentionSeconds: 4 * 3600 };
    world.mailgun.pageSize = page;
    world.mailgun.hasTotals = listing === 'logs with totals';
    const start = Math.floor(NOW_MS / 900_000) * 900;
    world.fromEpochSeconds = start;
    // Events stored long before a ledger begins get a pass of their own.
    world.nowMs = start * 1000;
    for (let slice = 0; slice < SLICES; slice += 1) {
      for (let n = 0; n < events; n += 1) {
        world.happen(numbered(slice * events + n, start + slice * 900 + 10 + (n * 880) / events), false);
      }
    }
    await world.process();
    let calls = 0;
    world.mailgun.onPage = ({ begin }) => {
      if (begin < start + SLICES * 900 - 10) calls += 1;
    };
    await world.live(5);

    expect(calls).toBe(SLICES * callsForSlice(listing, events));
  },
);

test('a day has 96 slices', () => {
  expect([callsInDay('events', 0), callsInDay('logs with totals', 9600)]).toEqual([96 * 2, 96 * 3]);
});
