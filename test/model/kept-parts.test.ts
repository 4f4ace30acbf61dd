import { secondPassSeconds } from '../../lambdas/contract.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

// A pass that is cut keeps its compared parts for the next run. Meanwhile events are stored, and slices grow old.

const START = Math.floor(NOW_MS / 900_000) * 900;
const EVENTS = 300;

/** Returns a world whose first slice is due and complete, but for every `dropped`-th webhook. */
async function worldWith(dropped = 0): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.fromEpochSeconds = START;
  world.times = { ...world.times, retentionSeconds: 8 * 3600 };
  world.nowMs = START * 1000;
  for (let n = 0; n < EVENTS; n += 1) {
    world.happen(numbered(n, START + (n * 900) / EVENTS), dropped > 0 && n % dropped === 0);
  }
  await world.process();
  world.nowMs = (START + 2700) * 1000;
  world.mailgun.pageSize = 10;
  return world;
}

const slice = (world: ReconcileWorld) => world.book.slices.get(`${DOMAIN} ${START}`);
const secondAt = (world: ReconcileWorld) => START + 900 + secondPassSeconds(world.times.retentionSeconds);
const unconfirmedNews = (world: ReconcileWorld) => world.news.reduce((sum, each) => sum + each.unconfirmed, 0);
const lostNews = (world: ReconcileWorld) => world.news.reduce((sum, each) => sum + each.lost, 0);

/** Makes each page of the slice take so long that no run lists all of them. */
function cutRuns(world: ReconcileWorld): { undo: () => void } {
  world.mailgun.onPage = ({ begin }) => {
    if (begin >= START - 1 && begin < START + 899) world.pass(40_000);
  };
  const undo = () => {
    world.mailgun.onPage = () => {};
  };
  return { undo };
}

/** Runs once with too little time for the slice, and returns the end of what was compared. */
async function runCut(world: ReconcileWorld, { ignoreWaits = false } = {}): Promise<number> {
  const passes = slice(world)?.passes ?? 0;
  const cut = cutRuns(world);
  await world.run({ ignoreWaits });
  cut.undo();
  const parts = await world.book.done({ domain: DOMAIN, start: START }, passes);
  expect([slice(world)?.passes ?? 0, parts.length > 0]).toEqual([passes, true]);
  return Math.max(...parts.map(({ to }) => to));
}

/** Lives until the slice is this many seconds from its second pass. */
async function liveUntilSecond(world: ReconcileWorld, offsetSeconds: number): Promise<void> {
  await world.live((secondAt(world) + offsetSeconds - world.nowMs / 1000) / 3600);
}

test('a forged event that is stored in a part already compared is unconfirmed, and reported once', async () => {
  const world = await worldWith();
  await world.run();
  await liveUntilSecond(world, -900);
  world.nowMs = secondAt(world) * 1000;
  const comparedTo = await runCut(world);
  world.webhook(numbered(900, START + 10, { id: 'forged', event: 'complained' }), DOMAIN, world.nowMs);
  await world.process();
  expect(comparedTo).toBeGreaterThan(START + 11);

  await world.live(2);

  expect([world.totals.unconfirmed, unconfirmedNews(world), world.stored.unconfirmed.size]).toEqual([1, 1, 1]);
  expect([slice(world)?.finalAt, world.book.stragglers.size]).toEqual([expect.any(Number), 0]);
});

test('forged events that are stored at every run keep no slice from being passed', async () => {
  const world = await worldWith();
  await world.run();
  await liveUntilSecond(world, -900);
  const cut = cutRuns(world);
  for (let n = 0; n < 20; n += 1) {
    world.nowMs += 900_000;
    await world.run();
    world.webhook(numbered(900, START + 10 + n * 40, { id: `forged-${n}`, event: 'complained' }), DOMAIN, world.nowMs);
    await world.process();
  }
  expect(slice(world)?.passes).toBeGreaterThan(2);
  cut.undo();
  await world.live(2);
  expect([world.totals.unconfirmed, unconfirmedNews(world), world.book.stragglers.size]).toEqual([20, 20, 0]);
});

test('webhooks that were late when their part was compared are lost once the pass is the second one', async () => {
  const world = await worldWith(5);
  world.webhook(numbered(900, START + 10, { id: 'forged', event: 'complained' }));
  await world.process();
  world.nowMs = (secondAt(world) - 2700) * 1000;
  await world.run();
  await world.process();
  world.nowMs = (secondAt(world) - 600) * 1000;
  await runCut(world);
  await world.live(8);

  const { recovered, polled, lost, late } = world.totals;
  expect({ late, lost: lost + polled, recovered: recovered + polled }).toEqual({ late: 0, lost: 60, recovered: 60 });
  expect([lostNews(world), unconfirmedNews(world)]).toEqual([lost, 1]);
  expect(world.stored.unconfirmed.size).toBe(1);
});

test('a run that waits for nothing, and is cut, makes no webhook lost for the runs after it', async () => {
  const world = await worldWith();
  const late = numbered(2, START + 10, { id: 'late' });
  world.mailgun.add(late);
  world.ledger.queue = [];
  await world.run();
  await world.process();
  world.nowMs += 900_000;
  await runCut(world, { ignoreWaits: true });
  await world.run();

  expect(world.totals).toMatchObject({ missing: 0, late: 1, lost: 0 });
  expect([lostNews(world), total(slice(world)?.late ?? {})]).toEqual([0, 1]);
});
