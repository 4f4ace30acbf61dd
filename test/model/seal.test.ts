import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkChain } from '../../lambdas/domain/archive/chain.ts';
import { createObjectCheck } from '../../lambdas/domain/archive/check-object.ts';
import { manifestKey, parseObjectKey } from '../../lambdas/domain/archive/layout.ts';
import { identify } from '../../lambdas/domain/events/identity.ts';
import type { Lease } from '../../lambdas/domain/ledger/lease.ts';
import { createLedgerNaming, placeName } from '../../lambdas/domain/ledger/ledger-name.ts';
import type { Slice } from '../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../lambdas/domain/ledger/tally.ts';
import { createSeal, type SealDeps } from '../../lambdas/seal/seal.ts';
import { createRandom } from '../../tools/mailgun-twin/random.ts';
import { SLICE_SECONDS, SLICE_START } from '../support/archive.ts';
import { InMemoryBucket, InMemoryEvents, InMemorySealState, mortalArchive } from '../support/in-memory-archive.ts';
import { MOMENTS, Mortal, type Trouble } from '../support/mortal.ts';
import { DOMAIN, deliveredEvent } from '../support/webhooks.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 2000) / 8;
const ERASURE_KEY = 'erasure-key-0001';
const DAY = 86_400;
const SLICES = 4;
/** Every slice of the tests had its second pass by then. */
const LATER_MS = (SLICE_START + 3 * DAY) * 1000;

/** A run whose calls take their time, each another, so that runs side by side meet at any of them. */
class Dawdler extends Mortal {
  readonly #random: () => number;

  constructor(trouble: Trouble | undefined, seed: number) {
    super(trouble);
    this.#random = createRandom(seed).next;
  }

  override async gate<T>(point: string, call: () => Promise<T>): Promise<T> {
    for (let turns = Math.floor(this.#random() * 40); turns > 0; turns -= 1) await null;
    return super.gate(point, call);
  }
}

/** A ledger that is sealed by runs which may be cut at every call, and what must hold of its archive. */
class World {
  readonly ledger = new InMemoryEvents();
  readonly bucket = new InMemoryBucket();
  readonly state = new InMemorySealState();
  readonly failures: unknown[] = [];
  nowMs = LATER_MS;
  /** Slices with events that no pass has seen. */
  readonly unseen = new Set<number>();
  #salts = 0;

  /** Stores an event; many share one millisecond. */
  store(nth: number, slice: number): void {
    this.unseen.add(slice);
    const at = SLICE_START + slice * SLICE_SECONDS + (nth % 3);
    const event = deliveredEvent({ id: `id-${nth}-${slice}`, timestamp: at, recipient: `r${nth}@example.org` });
    const { partition, eventSort } = identify(event, DOMAIN);
    const key = { partition, eventSort, atMs: at * 1000 };
    const facts = { receivedAtMs: at * 1000, source: 'webhook' as const, broughtByWebhook: true, event };
    this.ledger.events.set(placeName(key), { key, event: facts });
  }

  /** Passes a slice once more, as reconcile does. */
  pass(slice: number, isOld = true): void {
    this.unseen.delete(slice);
    const start = SLICE_START + slice * SLICE_SECONDS;
    const bounds = { domain: DOMAIN, start, end: start + SLICE_SECONDS };
    const events = [...this.ledger.events.values()].filter(
      ({ key: { atMs } }) => atMs >= start * 1000 && atMs < bounds.end * 1000,
    );
    const counts = events.length === 0 ? {} : { delivered: events.length };
    const tally = { ...emptyTally(), listed: counts, stored: counts };
    const atMs = LATER_MS - DAY * 1000;
    const passed = { startedAtMs: atMs, nowMs: atMs, unlisted: false, isOld };
    this.ledger.slices.set(start, slicePassed(bounds, this.ledger.slices.get(start), tally, passed) as Slice);
  }

  /** Deps of one run. Without a lease two runs work side by side, as after one that was lost. */
  deps(mortal = new Mortal(), lease: Lease = { hold: async () => true, release: async () => {} }): SealDeps {
    return {
      ...mortalArchive(mortal, this.bucket, this.state),
      ...{ lease, slices: this.ledger, keys: this.ledger, domains: [DOMAIN] },
      events: { lookUp: (places) => mortal.gate('events.lookUp', () => this.ledger.lookUp(places)) },
      erasureKey: { read: async () => ERASURE_KEY },
      newSalt: () => String(++this.#salts).padStart(32, '0'),
      ...{ everySeconds: 900, retentionSeconds: 90 * DAY, now: () => this.nowMs, newRunId: () => `run-${this.#salts}` },
      every: () => () => {},
      onFailure: (_domain, error) => this.failures.push(error),
    };
  }

  run(trouble?: Trouble, seed = 0) {
    const mortal = seed === 0 ? new Mortal(trouble) : new Dawdler(trouble, seed);
    const seal = createSeal(this.deps(mortal));
    return mortal
      .live(() => seal({ ignoreWaits: false, deadlineMs: this.nowMs + 600_000 }))
      .then((report) => ({ report, mortal }));
  }

  /** A run that nothing disturbs, until nothing is left to seal. */
  async settle(): Promise<void> {
    const seal = createSeal(this.deps());
    for (let run = 0; run < 3; run += 1) {
      const report = await seal({ ignoreWaits: true, deadlineMs: this.nowMs + 600_000 });
      if (report !== 'busy' && report.sealed === 0 && report.done) return;
    }
    throw new Error('there is always something to seal');
  }

  chain(): string[] {
    const texts: string[] = [];
    for (let sequence = 1; ; sequence += 1) {
      const text = this.bucket.objects.get(manifestKey(DOMAIN, sequence));
      if (text === undefined) return texts;
      texts.push(text);
    }
  }

  /** The oracle: what the archive of a settled ledger must be. */
  async check(): Promise<void> {
    const { links, faults } = checkChain(DOMAIN, this.chain());
    expect(faults).toEqual([]);
    const named = new Set(links.flatMap(({ manifest: { object } }) => (object === null ? [] : [object.key])));
    const objects = [...this.bucket.objects.keys()].filter((key) => parseObjectKey(key) !== undefined);
    expect(new Set(objects)).toEqual(named);
    expect(named.size).toBe(links.filter(({ manifest: { object } }) => object !== null).length);
    for (const { manifest } of links) {
      if (manifest.object === null) continue;
      const stored = await this.bucket.open(manifest.object.key);
      expect(stored?.sha256).toBe(manifest.object.sha256);
      const check = createObjectCheck(manifest);
      for await (const group of stored?.rows() ?? []) for (const row of group) check.add(row);
      expect(check.end().faults).toEqual([]);
    }
    const nameOf = createLedgerNaming(ERASURE_KEY);
    for (const { start, end, version } of this.ledger.slices.values()) {
      const events = [...this.ledger.events.values()].filter(
        ({ key: { atMs } }) => atMs >= start * 1000 && atMs < end * 1000,
      );
      const sealed = this.bucket.rowsOf(DOMAIN, start).map(({ name }) => name);
      expect(sealed.toSorted()).toEqual(events.map(({ key }) => nameOf(key)).toSorted());
      expect(this.state.marks.get(`${DOMAIN} ${start}`)?.version).toBe(version);
      const last = links.findLast(({ manifest }) => manifest.start === start)?.manifest;
      expect(Object.values(last?.slice?.stored ?? {})).toEqual(events.length === 0 ? [] : [events.length]);
    }
  }
}

function fullWorld(): World {
  const world = new World();
  for (let slice = 0; slice < SLICES; slice += 1) {
    for (let nth = 0; nth < 5 * slice; nth += 1) world.store(nth, slice);
    world.pass(slice);
  }
  return world;
}

test('seals every slice once, empty ones too, and a second run finds nothing to do', async () => {
  const world = fullWorld();

  const { report } = await world.run();

  expect(report).toEqual({ sealed: SLICES, rows: 30, waitSeconds: 0, done: true });
  await world.check();
  expect((await world.run()).report).toMatchObject({ sealed: 0, rows: 0, done: true });
  expect(world.chain()).toHaveLength(SLICES);
});

test('an event that is stored later goes into a supplement; a pass that changes nothing adds nothing', async () => {
  const world = fullWorld();
  await world.run();
  const before = new Map(world.bucket.objects);
  world.store(99, 1);
  world.pass(1);
  world.pass(2);

  await world.settle();

  await world.check();
  expect(world.chain()).toHaveLength(SLICES + 1);
  for (const [key, text] of before) expect(world.bucket.objects.get(key)).toBe(text);
});

test('waits for the second pass, and for the day index', async () => {
  const world = new World();
  world.store(1, 0);
  world.pass(0, false);
  expect((await world.run()).report).toMatchObject({ sealed: 0, done: true });

  world.pass(0);
  world.nowMs = LATER_MS - DAY * 1000 + 59_999;
  expect((await world.run()).report).toMatchObject({ sealed: 0, done: true });
  world.nowMs += 1;
  expect((await world.run()).report).toMatchObject({ sealed: 1 });
});

test('leaves a slice whose index names an event that is gone to a later run, and reports how long it waits', async () => {
  const world = fullWorld();
  const [gone] = world.ledger.events.keys();
  const event = world.ledger.events.get(gone ?? '');
  const lookUp = world.ledger.lookUp.bind(world.ledger);
  world.ledger.lookUp = async (places) => {
    const found = await lookUp(places);
    found.delete(gone ?? '');
    return found;
  };

  const { report } = await world.run();

  expect(event).toBeDefined();
  expect(report).toMatchObject({ sealed: SLICES - 1, waitSeconds: DAY, done: false });
  expect(world.state.positions.get(DOMAIN)).toBe(SLICE_START + SLICE_SECONDS);
  world.ledger.lookUp = lookUp;
  await world.settle();
  await world.check();
});

test('stops at its deadline and goes on in the next run', async () => {
  const world = fullWorld();
  const seal = createSeal(world.deps());
  expect(await seal({ ignoreWaits: false, deadlineMs: world.nowMs })).toMatchObject({ sealed: 0, done: false });
  await world.settle();
  await world.check();
});

test('appends nothing to a chain that somebody changed', async () => {
  const world = fullWorld();
  await world.run();
  world.state.heads.clear();
  world.bucket.objects.set(manifestKey(DOMAIN, 2), '{}');
  world.store(99, 1);
  world.pass(1);

  const report = await createSeal(world.deps())({ ignoreWaits: true, deadlineMs: world.nowMs + 1000 });

  expect(report).toMatchObject({ sealed: 0, done: false });
  expect(world.failures).toEqual([expect.objectContaining({ name: 'BrokenChainError' })]);
});

test('a slice of many events is held one row group at a time', async () => {
  const world = new World();
  for (let nth = 0; nth < 25; nth += 1) world.store(nth, 0);
  world.pass(0);
  const groups: number[] = [];
  const begin = world.bucket.begin.bind(world.bucket);
  world.bucket.begin = () => {
    const writer = begin();
    const add = writer.add.bind(writer);
    writer.add = async (rows) => {
      groups.push(rows.length);
      await add(rows);
    };
    return writer;
  };

  await createSeal({ ...world.deps(), groupRows: 10 })({ ignoreWaits: true, deadlineMs: world.nowMs + 1000 });

  expect(groups).toEqual([10, 10, 5]);
  await world.check();
});

describe('a run that dies', () => {
  test('at any call, at any moment, leaves what the next run completes', async () => {
    const { mortal } = await fullWorld().run();
    const calls = mortal.points.length;
    expect(calls).toBeGreaterThan(20);
    for (let call = 0; call < calls; call += 1) {
      for (const moment of MOMENTS) {
        for (const kind of ['crash', 'fault'] as const) {
          const world = fullWorld();
          await world.run({ call, moment, kind });
          // An event that comes in before the next run is not in an object that this one left.
          if (kind === 'fault') {
            world.store(99, 1);
            world.pass(1);
          }
          await world.settle();
          await world.check();
          expect(world.chain().length).toBeLessThanOrEqual(kind === 'fault' ? SLICES + 1 : SLICES);
        }
      }
    }
  });
});

test('any order of events, passes, deaths and runs side by side ends in an archive of every event', async () => {
  const trouble = fc.option(
    fc.record({ call: fc.nat(30), moment: fc.constantFrom(...MOMENTS), kind: fc.constantFrom('crash', 'fault') }),
    { nil: undefined, freq: 3 },
  ) as fc.Arbitrary<Trouble | undefined>;
  const step = fc.oneof(
    fc.record({ store: fc.nat(8), slice: fc.nat(SLICES - 1) }),
    fc.record({ pass: fc.nat(SLICES - 1) }),
    fc.record({ runs: fc.array(fc.tuple(trouble, fc.integer({ min: 1 })), { minLength: 1, maxLength: 3 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const world = new World();
      for (const each of steps) {
        if ('store' in each) world.store(each.store, each.slice);
        else if ('pass' in each) world.pass(each.pass);
        else await Promise.all(each.runs.map((one) => world.run(...one)));
      }
      for (const slice of [...world.unseen]) world.pass(slice);
      await world.settle();
      await world.check();
    }),
    { numRuns: RUNS },
  );
}, 120_000);
