import { manifestKey } from '../../lambdas/domain/archive/object-keys.ts';
import { createSeal } from '../../lambdas/seal/seal.ts';
import { SLICE_SECONDS, SLICE_START } from '../support/archive/archive.ts';
import { CRASH_MOMENTS, type InjectedFailure } from '../support/doubles/crashable-invocation.ts';
import { DOMAIN } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { DAY, fullWorld, LATER_MS, SealWorld, SLICES } from './worlds/seal-world.ts';

const RUNS = shareOf(250);
test('seal seals every slice once, empty ones too, and a second run finds nothing to do', async () => {
  const world = fullWorld();

  const { report } = await world.run();

  expect(report).toEqual({ sealed: SLICES, rows: 30, waitSeconds: 0, done: true, busy: false });
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

test('seal waits for the second pass, and for the day index', async () => {
  const world = new SealWorld();
  world.store(1, 0);
  world.pass(0, false);
  expect((await world.run()).report).toMatchObject({ sealed: 0, done: true });

  world.pass(0);
  world.nowMs = LATER_MS - DAY * 1000 + 59_999;
  expect((await world.run()).report).toMatchObject({ sealed: 0, done: true });
  world.nowMs += 1;
  expect((await world.run()).report).toMatchObject({ sealed: 1 });
});

test('seal leaves a slice to a later run if the index names a deleted event, and reports how long it waits', async () => {
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

test('seal reports what waits while another run holds the lease', async () => {
  const world = fullWorld();
  await world.lease.hold('erase');

  const { report } = await world.run(undefined, 0, world.lease);

  expect(report).toEqual({ sealed: 0, rows: 0, waitSeconds: DAY, done: false, busy: true });
  expect(world.bucket.objects.size).toBe(0);
  await world.settle();
  await world.lease.release('erase');
  await world.lease.hold('another erase');
  const later = await world.run(undefined, 0, world.lease);
  expect(later.report).toMatchObject({ waitSeconds: 0, busy: true });
});

test('a sealed slice does not count as waiting, even if an earlier one is not sealed', async () => {
  const world = new SealWorld();
  world.pass(0, false);
  world.store(1, 1);
  world.pass(1);
  expect((await world.run()).report).toMatchObject({ sealed: 1 });
  await world.lease.hold('erase');

  const { report } = await world.run(undefined, 0, world.lease);

  expect(report).toMatchObject({ waitSeconds: 0, busy: true });
});

test('a sealed slice with later events counts as waiting while the lease is held, once its day is checked', async () => {
  const world = fullWorld();
  await world.run();
  world.store(99, 1);
  world.pass(1);
  await world.lease.hold('erase');

  const waits: number[] = [];
  for (let turn = 0; turn < 90; turn += 1) {
    world.nowMs += 900_000;
    waits.push((await world.run(undefined, 0, world.lease)).report?.waitSeconds ?? 0);
  }

  expect(Math.max(...waits)).toBeGreaterThan(DAY);
});

test('a bucket that refuses all calls leaves slices waiting, and the report says for how long', async () => {
  const world = fullWorld();
  world.bucket.putTextIfAbsent = () => Promise.reject(new Error('access denied'));

  const { report } = await world.run();

  expect(report).toMatchObject({ sealed: 0, waitSeconds: DAY, done: false });
  expect(world.failures).toHaveLength(1);
});

test('seal stops at its deadline and continues in the next run', async () => {
  const world = fullWorld();
  const seal = createSeal(world.deps());
  expect(await seal({ ignoreWaits: false, deadlineMs: world.nowMs })).toMatchObject({ sealed: 0, done: false });
  await world.settle();
  await world.check();
});

test('seal appends nothing to a modified chain', async () => {
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

test('seal continues no chain in a bucket that lacks its head, reports what waits, and goes on once it is back', async () => {
  const world = fullWorld();
  await world.run();
  const archive = new Map(world.bucket.objects);
  world.bucket.objects.clear();
  world.store(99, SLICES);
  world.pass(SLICES);
  world.nowMs += 900_000;

  const report = await createSeal(world.deps())({ ignoreWaits: false, deadlineMs: world.nowMs + 600_000 });

  expect(report).toMatchObject({ sealed: 0, waitSeconds: DAY + 900, done: false });
  expect([...world.bucket.objects.keys()]).toEqual([]);
  expect(world.failures).toEqual([
    expect.objectContaining({
      name: 'BrokenChainError',
      message: expect.stringContaining(manifestKey(DOMAIN, SLICES)),
    }),
  ]);
  for (const [key, text] of archive) world.bucket.objects.set(key, text);
  await world.settle();
  await world.check();
  expect(world.chain()).toHaveLength(SLICES + 1);
});

test('seal continues no chain whose head in the bucket is another one', async () => {
  const world = fullWorld();
  await world.run();
  const last = manifestKey(DOMAIN, SLICES);
  world.bucket.objects.set(last, `${world.bucket.objects.get(last)} `);
  world.store(99, 1);
  world.pass(1);

  expect((await createSeal(world.deps())({ ignoreWaits: true, deadlineMs: world.nowMs + 1000 })).sealed).toBe(0);
  expect(world.failures).toEqual([expect.objectContaining({ name: 'BrokenChainError' })]);
});

test.each(['the bucket refuses all calls', 'another run holds the lease', 'the time of the run is up'])(
  'a slice that is passed again and again hides none behind it that waits, where %s',
  async (trouble) => {
    const world = new SealWorld();
    const again = LATER_MS - 1_800_000;
    world.pass(0, true, { short: 1 });
    world.pass(0, true, { short: 1 }, again);
    world.pass(1, true, { short: 1 }, again);
    world.pass(2, true, { short: 1 });
    // Settled at last.
    world.pass(2, true, {}, again);
    world.pass(3);
    if (trouble.startsWith('the bucket')) world.bucket.putTextIfAbsent = () => Promise.reject(new Error('denied'));
    if (trouble.startsWith('another run')) await world.lease.hold('erase');
    const isLate = trouble.startsWith('the time');
    const deadlineMs = world.nowMs + (isLate ? 0 : 600_000);

    const report = await createSeal(world.deps(undefined, world.lease))({ ignoreWaits: false, deadlineMs });

    expect(report).toMatchObject({ sealed: 0, waitSeconds: DAY, done: false });
  },
);

test('a slice that was sealed, and is passed again, waits from that pass on', async () => {
  const world = new SealWorld();
  world.pass(0, false);
  world.pass(1, true, { short: 1 });
  await world.run();
  world.pass(1, true, { short: 1 }, LATER_MS - 1_800_000);
  await world.lease.hold('erase');

  expect((await world.run(undefined, 0, world.lease)).report).toMatchObject({ waitSeconds: 1800, busy: true });
});

test('past its deadline seal reads a bounded number of slices, whatever their state', async () => {
  const world = new SealWorld();
  for (let slice = 0; slice < 300; slice += 1) world.pass(slice, true, { short: 1 });
  world.nowMs += 300 * SLICE_SECONDS * 1000;
  const { list } = world.ledger;
  let read = 0;
  world.ledger.list = async function* (...range) {
    for await (const slice of list.apply(this, range)) {
      read += 1;
      yield slice;
    }
  };

  await createSeal(world.deps())({ ignoreWaits: false, deadlineMs: world.nowMs });

  expect(read).toBe(100);
});

test('a slice that is held back for corrections waits from the end of that time on', async () => {
  const world = new SealWorld();
  world.pass(0, true, { altered: { delivered: 1 } });
  await world.lease.hold('erase');
  const waits: (number | null | undefined)[] = [];
  for (const hours of [5, 6, 7]) {
    world.nowMs = LATER_MS - DAY * 1000 + hours * 3_600_000;
    waits.push((await world.run(undefined, 0, world.lease)).report?.waitSeconds);
  }

  expect(waits).toEqual([0, 0, 3600]);
});

test('seal waits for the correction of what a final pass found altered, but not for ever', async () => {
  for (const isCorrected of [true, false]) {
    const world = new SealWorld();
    world.store(1, 0);
    world.change(1, 0, { reason: 'forged' });
    world.pass(0, true, { altered: { delivered: 1 } });
    world.nowMs = LATER_MS - DAY * 1000 + 60_000;
    expect((await world.run()).report).toMatchObject({ sealed: 0, done: true });
    if (isCorrected) {
      world.change(1, 0, {});
      world.pass(0);
    } else {
      world.nowMs += 6 * 3_600_000 - 60_001;
      expect((await world.run()).report).toMatchObject({ sealed: 0 });
      world.nowMs += 1;
    }

    expect((await world.run()).report).toMatchObject({ sealed: 1 });
    await world.check();
  }
});

test('seal does not wait for what is stuck: nothing corrects it', async () => {
  const world = new SealWorld();
  world.store(1, 0);
  world.pass(0, true, { altered: { delivered: 1 }, stuck: 1 });
  world.nowMs = LATER_MS - DAY * 1000 + 60_000;

  expect((await world.run()).report).toMatchObject({ sealed: 1 });
});

/** Returns a world whose table was made again without a backup, so that it knows nothing of the chain. */
async function lostTable(world: SealWorld): Promise<SealWorld> {
  await world.settle();
  for (const known of [world.state.heads, world.state.marks, world.state.positions]) known.clear();
  return world;
}

test('seal gets past a long chain that the table does not know, a part in each run', async () => {
  const world = await lostTable(fullWorld());
  const readText = world.bucket.readText.bind(world.bucket);
  world.bucket.readText = async (key) => {
    world.nowMs += 1000;
    return readText(key);
  };

  const heads: (number | undefined)[] = [];
  for (let run = 0; run < SLICES; run += 1) {
    const report = await createSeal(world.deps())({ ignoreWaits: true, deadlineMs: world.nowMs + 500 });
    expect(report).toMatchObject({ sealed: 0, done: false });
    heads.push(world.state.heads.get(DOMAIN)?.sequence);
  }

  expect(heads).toEqual([1, 2, 3, 4]);
  expect(world.failures).toEqual([]);
  world.bucket.readText = readText;
  await world.settle();
  await world.check();
  expect(world.chain()).toHaveLength(SLICES);
});

test('a run that is killed while it reads a long chain is not repeated from the beginning', async () => {
  const world = new SealWorld();
  for (let nth = 0; nth < 101; nth += 1) {
    world.store(nth, 0);
    world.pass(0);
    await world.settle();
  }
  await lostTable(world);

  await world.run({ call: 304, moment: 'before', kind: 'crash' });

  expect(world.state.heads.get(DOMAIN)?.sequence).toBe(100);
});

test('a domain whose waits cannot be read reports no wait, and the others are sealed', async () => {
  const world = fullWorld();
  world.state.readPosition = async (domain) => {
    if (domain !== DOMAIN) throw new Error('throttled');
    return undefined;
  };

  expect((await world.run()).report).toMatchObject({ sealed: SLICES, waitSeconds: null, done: false });
  expect(world.failures).toHaveLength(2);
});

test('events of a domain that nothing compares count as waiting, however the run ends', async () => {
  const world = new SealWorld();
  world.store(0, 1);
  world.nowMs = (SLICE_START + SLICE_SECONDS + 7 * 3600) * 1000;

  expect((await world.run()).report).toMatchObject({ sealed: 0, waitSeconds: 7 * 3600, done: true });
  await world.lease.hold('erase');
  expect((await world.run(undefined, 0, world.lease)).report).toMatchObject({ waitSeconds: 7 * 3600, busy: true });
  world.pass(0, false);
  expect((await world.run()).report).toMatchObject({ waitSeconds: 0 });
});

test('past its deadline seal reads no further than to the first slice that waits', async () => {
  const world = fullWorld();
  const { list } = world.ledger;
  let read = 0;
  world.ledger.list = async function* (...range) {
    for await (const slice of list.apply(this, range)) {
      read += 1;
      yield slice;
    }
  };

  const report = await createSeal(world.deps())({ ignoreWaits: false, deadlineMs: world.nowMs });

  expect(report).toMatchObject({ sealed: 0, waitSeconds: DAY, done: false });
  expect(read).toBe(1);
});

test('sealing a large slice holds one row group in memory at a time', async () => {
  const world = new SealWorld();
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

test('a stale chain head does not undo the mark of a sealed slice', async () => {
  const world = new SealWorld();
  world.pass(0);
  world.pass(1);
  const moveHead = world.state.moveHead.bind(world.state);
  world.state.moveHead = async () => {
    world.state.moveHead = moveHead;
  };
  await world.run();

  await world.check();
});

describe('a seal run that crashes', () => {
  test.each(['a slice', 'a supplement'])(
    'before it notes %s as the end of a chain is completed, though nothing follows',
    async (what) => {
      const crashed = async (call?: number) => {
        const world = new SealWorld();
        world.store(1, 0);
        world.pass(0);
        if (what === 'a supplement') {
          await world.settle();
          world.store(2, 0);
          world.pass(0);
        }
        const position = world.state.positions.get(DOMAIN);
        // The slice has its turn at once.
        world.state.positions.clear();
        const { invocation } = await world.run(call === undefined ? call : { call, moment: 'before', kind: 'crash' });
        if (position !== undefined) world.state.positions.set(DOMAIN, position);
        return { world, points: invocation.points };
      };
      const { points } = await crashed();
      const { world } = await crashed(points.lastIndexOf('state.moveHead'));
      expect(world.state.heads.get(DOMAIN)?.sequence ?? 0).toBe(world.chain().length - 1);
      world.failures.length = 0;

      for (let turn = 0; turn < 90; turn += 1) {
        world.nowMs += 900_000;
        await world.run();
      }

      await world.check();
      expect(world.failures).toEqual([]);
    },
  );

  test.each([
    ['begins', 0, SLICES - 1],
    ['reads the chain', 500, SLICES],
  ])(
    'before it notes the end of a chain is no failure of a run whose time is up when it %s',
    async (_, leftMs, head) => {
      const world = fullWorld();
      const { invocation } = await fullWorld().run();
      await world.run({ call: invocation.points.lastIndexOf('state.moveHead'), moment: 'before', kind: 'crash' });
      world.failures.length = 0;
      const readText = world.bucket.readText.bind(world.bucket);
      world.bucket.readText = async (key) => {
        world.nowMs += 1000;
        return readText(key);
      };

      const report = await createSeal(world.deps())({ ignoreWaits: false, deadlineMs: world.nowMs + leftMs });

      expect([report.sealed, world.state.heads.get(DOMAIN)?.sequence, world.failures]).toEqual([0, head, []]);
      expect(report.done).toBe(leftMs === 0);
      world.bucket.readText = readText;
      // The slice has its turn at once.
      world.state.positions.clear();
      await world.run();
      await world.check();
    },
  );

  test('at any call, at any moment, is completed by the next run', async () => {
    const { invocation } = await fullWorld().run();
    const calls = invocation.points.length;
    expect(calls).toBeGreaterThan(20);
    for (let call = 0; call < calls; call += 1) {
      for (const moment of CRASH_MOMENTS) {
        for (const kind of ['crash', 'fault'] as const) {
          const world = fullWorld();
          await world.run({ call, moment, kind });
          // An event that arrives before the next run is not in this run's object.
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

test('any order of events, passes, crashes and concurrent runs ends in an archive of every event', async () => {
  const trouble = fc.option(
    fc.record({ call: fc.nat(30), moment: fc.constantFrom(...CRASH_MOMENTS), kind: fc.constantFrom('crash', 'fault') }),
    { nil: undefined, freq: 3 },
  ) as fc.Arbitrary<InjectedFailure | undefined>;
  const step = fc.oneof(
    fc.record({ store: fc.nat(8), slice: fc.nat(SLICES - 1) }),
    fc.record({ pass: fc.nat(SLICES - 1) }),
    fc.record({ runs: fc.array(fc.tuple(trouble, fc.integer({ min: 1 })), { minLength: 1, maxLength: 3 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const world = new SealWorld();
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
