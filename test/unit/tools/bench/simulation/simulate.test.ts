import { dollarsKept, dollarsPerWebhook, PER_WEBHOOK, planFor } from '../../../../../cli/planning/capacity.ts';
import { costsOf, sum } from '../../../../../tools/bench/dollars.ts';
import { writtenResults } from '../../../../../tools/bench/page.ts';
import { areWithinTolerance, compare, type LocalRun } from '../../../../../tools/bench/simulation/comparison.ts';
import { DEFAULT_STACK, plannedStack, type SimulatedStack } from '../../../../../tools/bench/simulation/settings.ts';
import { type Limit, rateThatMeets, simulate } from '../../../../../tools/bench/simulation/simulate.ts';

const HOUR = 3600;
const DAY = 86_400;

/** A minute of a hundredfold load, an hour after the start. */
const burst = (at: number) => (at >= HOUR && at < HOUR + 60 ? 10_000 : 100);

/** Returns by how much a value differs from what arithmetic gives, as a share. */
const off = (value: number, exact: number) => Math.abs(value - exact) / exact;

/** Nothing of the stack in the way of what is looked at. */
const WIDE: SimulatedStack = {
  ...DEFAULT_STACK,
  throttlePerSecond: 100_000,
  throttleBurst: 50_000,
  gatewayPerSecond: 100_000,
  maxConcurrency: 1000,
  executions: 50_000,
  warmWritesPerSecond: 40_000,
  shards: 32,
};

describe('a steady load reaches a limit at the calculated rate', () => {
  test.each<[Limit, exact: number, stack: SimulatedStack]>([
    ['executions', (10 - 5) / 0.1, { ...DEFAULT_STACK, executions: 10 }],
    ['backlog', (5 * 10) / 0.5, DEFAULT_STACK],
    ['process', (5 * 10) / 0.2, DEFAULT_STACK],
    ['throttle', 1000, DEFAULT_STACK],
    ['table', 4000 / 2.8, { ...WIDE, warmWritesPerSecond: 4000 }],
    ['partition', 1000 / 0.378, { ...WIDE, shards: 1 }],
    ['partition', (8 * 1000) / 0.378, { ...WIDE, shards: 8, warmWritesPerSecond: 100_000 }],
    ['executions', 1000 / (0.1 + 0.2 / 10), { ...WIDE, executions: 1000, maxConcurrency: 167 }],
    ['gateway', 10_000, { ...WIDE, gatewayPerSecond: 10_000 }],
    ['table', 40_000 / 2.8, WIDE],
  ])('%s at %d a second', (limit, exact, stack) => {
    expect(off(rateThatMeets(limit, stack), exact)).toBeLessThan(0.05);
  });

  test('listings of both passes at 2,400 a second', () => {
    expect(off(rateThatMeets('listings', { ...WIDE, parallel: 8 }, 30 * HOUR), (150 * 8) / 0.5)).toBeLessThan(0.05);
  }, 60_000);
});

describe('a minute of a hundredfold load over 100 a second', () => {
  const outcome = simulate(DEFAULT_STACK, { perSecond: burst, seconds: 2 * HOUR }, 1);
  const minute = outcome.samples.filter(({ atSecond }) => atSecond >= HOUR && atSecond < HOUR + 60);
  const sum = (of: (sample: (typeof minute)[number]) => number) => minute.reduce((total, each) => total + of(each), 0);

  test('is admitted and refused as arithmetic says', () => {
    const refused = sum(({ offered, acknowledged }) => offered - acknowledged);

    expect(
      off(
        sum(({ acknowledged }) => acknowledged),
        2000 + 60 * 1000,
      ),
    ).toBeLessThan(0.05);
    expect(off(refused, 538_000)).toBeLessThan(0.05);
    expect(off(refused * PER_WEBHOOK.delivered, 199_000)).toBeLessThan(0.05);
  });

  test('finds few executions in its first second, though nothing else stops it', () => {
    const [first] = simulate(WIDE, { perSecond: burst, seconds: 2 * HOUR }, 1).samples.filter(
      ({ atSecond }) => atSecond === HOUR,
    );
    expect(off((first?.offered ?? 0) - (first?.acknowledged ?? 0), 9000)).toBeLessThan(0.05);
  });

  test('is stored whole within four hours by the settings for the burst, each event accounted for', () => {
    const planned = simulate(plannedStack(planFor(10_000)), { perSecond: burst, seconds: 2 * HOUR });

    expect(planned.settledAt - HOUR).toBeLessThan(4 * HOUR);
    for (const { events, stored, repeated } of [outcome, planned]) {
      expect(Math.abs(stored - events - repeated)).toBeLessThan(1);
    }
  });
});

describe('10,000 a second on one domain', () => {
  const load = { perSecond: () => 10_000, seconds: DAY, seed: 22 };
  const plan = planFor(10_000);

  test('are sustained for a day by the plan: 8 shards, and listings that keep up', () => {
    const outcome = simulate(plannedStack(plan), load);

    expect(plan.settings.shards).toBe(8);
    expect(outcome.refused / outcome.events).toBeLessThan(1e-5);
    expect([...outcome.met.keys()].filter((limit) => limit !== 'executions')).toEqual([]);
    expect(outcome.listingBehind).toBeLessThan(DEFAULT_STACK.everySeconds);
    expect(Math.abs(outcome.stored - outcome.events - outcome.repeated)).toBeLessThan(1);
  }, 60_000);

  test('are not sustained by one shard, nor by 8 listings at once', () => {
    const short = { ...load, seconds: 6 * HOUR };
    const narrow = simulate({ ...plannedStack(plan), shards: 1 }, short);
    const slow = simulate({ ...plannedStack(plan), parallel: 8 }, load);

    expect(narrow.met.has('partition')).toBe(true);
    expect(narrow.longestQueueSeconds).toBeGreaterThan(HOUR);
    expect(slow.met.has('listings')).toBe(true);
  }, 60_000);
});

test('a seed reproduces a run, and another seed gives another', () => {
  const run = (seed: number) => simulate(DEFAULT_STACK, { perSecond: () => 95, seconds: HOUR, seed }).events;

  expect(run(1)).toBe(run(1));
  expect(run(2)).not.toBe(run(1));
});

test('counts and dollars of a webhook are those that were measured', () => {
  const results = writtenResults();
  const { pipeline, storage } = results;
  const costs = costsOf(results);
  const { ingest, process } = pipeline.perWebhook;

  expect(off(PER_WEBHOOK.writeUnits, ingest.writeUnits + process.writeUnits)).toBeLessThan(0.01);
  const { events, statuses, others } = storage.bytes;
  const items = events.items + statuses.items + others.items;
  const entries = events.entries + statuses.entries + others.entries;
  expect(off(PER_WEBHOOK.tableBytes, items + entries)).toBeLessThan(0.01);
  expect(off(PER_WEBHOOK.itemBytes, items)).toBeLessThan(0.01);
  expect(off(dollarsPerWebhook * 1e6, sum(costs.requestPath))).toBeLessThan(0.01);
  expect(off(dollarsKept * 1e6, sum(costs.keeping))).toBeLessThan(0.01);
});

test('the local stack did the same when it was last measured', () => {
  const { simulation } = writtenResults();
  const rows = compare(simulation as LocalRun);

  expect(areWithinTolerance(rows)).toBe(true);
  expect(areWithinTolerance([...rows, { what: 'one that is not', measured: 100, simulated: 116 }])).toBe(false);
});
