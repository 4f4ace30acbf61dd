import { total } from '../../lambdas/domain/ledger/counts.ts';
import { ListingError } from '../../lambdas/reconcile/ports.ts';
import { NOW_MS } from '../support/fixtures/webhooks.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

// Events that name no domain are compared with the listings of all domains, which take more than one run to read.

const START = Math.floor(NOW_MS / 900_000) * 900;
const NAMES = Array.from({ length: 100 }, (_, nth) => `d${String(nth).padStart(2, '0')}.example.com`);
/** Runs that would do if none read a listing twice. */
const RUNS = 4;

/** Returns a world in which a run reads some 35 listings, and which domain lists an event follows from its id. */
async function worldOf(ids: readonly string[]) {
  const world = new ReconcileWorld();
  Object.assign(world, { fromEpochSeconds: undefined, budgetMs: 40_000 });
  // The order of domains is that of their discovery.
  world.domains = NAMES.map((name) => ({ name, region: 'us' as const })).toReversed();
  world.mailgun.onPage = () => world.pass(1000);
  world.mailgun.arrange = (events, { domain }) => events.filter(({ id }) => String(id).endsWith(domain.name));
  const store = async (id: string) => {
    const event = numbered(1, START + 10, { id, domain: {} });
    if (!id.startsWith('forged')) world.mailgun.add(event);
    world.webhook(event, '-', START * 1000);
    await world.process();
  };
  for (const id of ids) await store(id);
  world.nowMs += 2 * 86_400_000;
  const slice = () => world.book.slices.get(`- ${START}`);
  /** Runs until the slice has been passed, or too often. */
  const untilPassed = async (meanwhile: (nth: number) => Promise<void> = async () => {}) => {
    let runs = 0;
    while (slice() === undefined && runs < 10) {
      await world.run();
      runs += 1;
      world.nowMs += 900_000;
      await meanwhile(runs);
    }
    return runs;
  };
  return { world, store, slice, untilPassed };
}

test('events that name no domain are compared by several runs, which read each listing about once', async () => {
  const { world, slice, untilPassed } = await worldOf([...NAMES.map((name) => `of-${name}`), 'forged']);
  const beganMs = world.nowMs;
  expect(await untilPassed()).toBeLessThanOrEqual(2 * RUNS);
  expect([total(slice()!.listed), total(slice()!.stored), total(slice()!.unconfirmed)]).toEqual([100, 101, 1]);
  expect(slice()!.startedAt).toBeLessThan(beganMs + 900_000);
  // Each has a page of one event and an empty one.
  expect(world.mailgun.calls).toBeLessThan(2 * NAMES.length * 1.3);
  expect(world.failures).toEqual([]);
});

test('a begun part is not among the compared ones, which is where an earlier version looks', async () => {
  const { world } = await worldOf(['forged']);
  await world.run();
  expect(world.book.begunParts.size).toBe(1);
  expect(await world.book.done({ domain: '-', start: START }, 0)).toEqual([]);
});

test('a comparison of many domains continues where the listing of one has failed', async () => {
  const { world, slice, untilPassed } = await worldOf([`of-${NAMES[3]}`, `of-${NAMES[99]}`, 'forged']);
  const read: string[] = [];
  world.mailgun.onPage = ({ domain }) => {
    read.push(domain.name);
    if (domain.name === NAMES[30] && read.filter((name) => name === NAMES[30]).length <= 2)
      throw new ListingError('unavailable');
  };
  expect(await untilPassed()).toBe(3);
  const others = NAMES.filter((_, nth) => ![3, 30, 99].includes(nth));
  expect(read.filter((name) => others.includes(name))).toEqual(others);
  expect([total(slice()!.listed), total(slice()!.unconfirmed)]).toEqual([2, 1]);
});

test('a comparison of many domains begins again where an event was stored meanwhile, which it may have passed over', async () => {
  const { world, store, slice, untilPassed } = await worldOf(['forged']);
  let storedMs = Number.POSITIVE_INFINITY;
  await untilPassed(async (nth) => {
    if (nth === 1) {
      await store(`of-${NAMES[0]}`);
      storedMs = world.nowMs;
    }
  });
  expect(slice()!.startedAt).toBeGreaterThanOrEqual(storedMs);
  expect([total(slice()!.listed), total(slice()!.unconfirmed)]).toEqual([1, 1]);
});

test('a comparison of many domains begins again where there is one more', async () => {
  const { world, slice, untilPassed } = await worldOf(['of-another.example.com', 'forged']);
  await untilPassed(async (nth) => {
    if (nth === 1) world.domains = [...world.domains, { name: 'another.example.com', region: 'us' }];
  });
  expect([total(slice()!.listed), total(slice()!.unconfirmed)]).toEqual([1, 1]);
});
