import { checkArchive } from '../../cli/commands/verify.ts';
import type { ArchiveRow } from '../../lambdas/domain/archive/archive-row.ts';
import { stateDomain } from '../../lambdas/domain/archive/certificate.ts';
import { checkChain } from '../../lambdas/domain/archive/chain.ts';
import { type ChainLink, linkOf, parseManifest, type SliceFigures } from '../../lambdas/domain/archive/manifest.ts';
import { erasedKey, manifestKey, objectKey, recordKey } from '../../lambdas/domain/archive/object-keys.ts';
import { canonicalJson } from '../../lambdas/domain/canonical-json.ts';
import { erasureHash } from '../../lambdas/domain/recipients/erasure.ts';
import { createSeal } from '../../lambdas/seal/seal.ts';
import { LostRaceError } from '../../lambdas/shared/lease.ts';
import { SLICE_SECONDS, SLICE_START } from '../support/archive/archive.ts';
import { CRASH_MOMENTS, CrashableInvocation, type InjectedFailure } from '../support/doubles/crashable-invocation.ts';
import { ERASURE_KEY } from '../support/fixtures/erasures.ts';
import { DOMAIN } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { fullWorld, SealWorld, SLICES } from './worlds/seal-world.ts';

// Erasing removes a recipient's content from the archive; everything else stays as it was sealed and certified.

const RUNS = shareOf(250);
const ERASED = 'r1@example.org';
const RANGE = { from: SLICE_START, to: SLICE_START + SLICES * SLICE_SECONDS };

const remains = (world: SealWorld) => world.everyText().filter((text) => text.includes(ERASED)).length;

/** Returns a certificate of the current archive, to check it by later. */
function certified(world: SealWorld) {
  return stateDomain(DOMAIN, checkChain(DOMAIN, world.chain()).links, RANGE);
}

async function faultsOf(world: SealWorld, statement: ReturnType<typeof certified>) {
  return (await checkArchive(statement, world.bucket)).faults;
}

async function sealedWorld(): Promise<SealWorld> {
  const world = fullWorld();
  await world.settle();
  world.sweepTable(ERASED);
  return world;
}

test('erasing removes the recipient from every object, keeps certificates and other rows valid, and is complete after one run', async () => {
  const world = await sealedWorld();
  const before = certified(world);
  const rows = world.bucket.rowsOf(DOMAIN, SLICE_START + SLICE_SECONDS);
  expect(remains(world)).toBe(3);

  expect(await world.erase(ERASED)).toEqual({ objects: 3, rewritten: 3, rows: 3, versions: 3, faults: 0 });

  expect(remains(world)).toBe(0);
  expect(await faultsOf(world, before)).toEqual([]);
  expect(await faultsOf(world, certified(world))).toEqual([]);
  await world.check();
  const others = (row: ArchiveRow) => row.recipient !== ERASED && row.recipient !== null;
  const now = world.bucket.rowsOf(DOMAIN, SLICE_START + SLICE_SECONDS);
  expect(now.filter(others)).toEqual(rows.filter(others));
  expect(now.filter(({ salt }) => salt === null)).toHaveLength(1);
  expect(world.bucket.objects.get(erasedKey(erasureHash(ERASURE_KEY, ERASED)))).toBeDefined();
  const links = world.chain().length;
  expect(await world.erase(ERASED)).toEqual({ objects: 3, rewritten: 0, rows: 0, versions: 0, faults: 0 });
  expect(world.chain()).toHaveLength(links);
});

test('an object that differs from its seal is left unchanged and counted', async () => {
  const world = await sealedWorld();
  const key = objectKey(DOMAIN, SLICE_START + SLICE_SECONDS, 0);
  const changed = (world.bucket.objects.get(key) ?? '').replace('"source":"webhook"', '"source":"replay"');
  world.bucket.objects.set(key, changed);

  expect(await world.erase(ERASED)).toMatchObject({ rewritten: 2, faults: 1 });

  expect(world.bucket.objects.get(key)).toBe(changed);
});

/** Adds an object of another domain, which no manifest names yet. */
function addOther(world: SealWorld): string {
  const rows = world.bucket.rowsOf(DOMAIN, SLICE_START + SLICE_SECONDS);
  const key = objectKey('other.example.com', SLICE_START, 0);
  world.bucket.objects.set(key, canonicalJson(rows));
  return key;
}

test.each([
  { gap: 'in the middle of the chain', sequence: 2, isHeadKnown: true },
  { gap: 'in the middle of a chain that a lost table knew', sequence: 2, isHeadKnown: false },
  { gap: 'at the end of the chain, whose head the table knows', sequence: SLICES, isHeadKnown: true },
  { gap: 'at the end of a chain that a lost table knew', sequence: SLICES, isHeadKnown: false },
])(
  'a manifest that is absent $gap is a fault of its domain: its objects stay, those of others are erased',
  async ({ sequence, isHeadKnown }) => {
    const world = await sealedWorld();
    const before = certified(world);
    const other = addOther(world);
    const absent = manifestKey(DOMAIN, sequence);
    const text = world.bucket.objects.get(absent) ?? '';
    world.bucket.objects.delete(absent);
    world.bucket.deleted.add(absent);
    world.bucket.versions.set(absent, new Map([['1', text]]));
    if (!isHeadKnown) world.state.heads.clear();

    expect(await world.erase(ERASED)).toEqual({ objects: 1, rewritten: 1, rows: 1, versions: 1, faults: 1 });

    expect(world.lines).toContainEqual({
      event: 'fault',
      where: `the archive of ${DOMAIN}`,
      what: `has a broken chain: ${absent}, a link of the chain, is not in the bucket`,
    });
    expect(remains(world)).toBe(3);
    expect(world.bucket.objects.get(other)).not.toContain(ERASED);
    world.bucket.objects.set(absent, text);
    expect(await world.erase(ERASED)).toMatchObject({ rewritten: 3, faults: 0 });
    expect(remains(world)).toBe(0);
    expect(await faultsOf(world, before)).toEqual([]);
  },
);

test('a chain that breaks while its objects are erased is one fault, and the other domains are erased', async () => {
  const world = await sealedWorld();
  const other = addOther(world);
  const isHead = world.bucket.readText.bind(world.bucket);
  let reads = 0;
  // The index is read once; then the writer of the chain looks for its head.
  world.bucket.readText = async (key) => {
    if (key === manifestKey(DOMAIN, SLICES)) reads += 1;
    return reads > 1 ? undefined : isHead(key);
  };

  expect(await world.erase(ERASED)).toMatchObject({ rewritten: 1, faults: 1 });

  expect(world.bucket.objects.get(other)).not.toContain(ERASED);
});

test('a chain whose lost manifest cannot be put back is begun anew, and erase ends', async () => {
  const world = await sealedWorld();
  world.bucket.objects.delete(manifestKey(DOMAIN, 2));
  expect(await world.erase(ERASED)).toMatchObject({ faults: 1 });

  // As the runbook says: the rest of the chain is deleted, then given up.
  for (let sequence = 1; sequence <= SLICES; sequence += 1) {
    world.bucket.objects.delete(manifestKey(DOMAIN, sequence));
    world.bucket.deleted.add(manifestKey(DOMAIN, sequence));
  }
  for (const known of [world.state.heads, world.state.marks, world.state.positions]) known.clear();

  expect(await world.erase(ERASED)).toMatchObject({ rewritten: 3, faults: 0 });
  expect(remains(world)).toBe(0);
  await world.settle();
  await world.check();
});

test('an object of which only the delete marker is left is nothing to erase', async () => {
  const world = await sealedWorld();
  const key = objectKey(DOMAIN, SLICE_START + SLICE_SECONDS, 0);
  const text = world.bucket.objects.get(key) ?? '';
  world.bucket.objects.delete(key);
  world.bucket.deleted.add(key);
  world.bucket.versions.set(key, new Map([['1', text]]));
  expect(await world.erase(ERASED)).toMatchObject({ rewritten: 2, faults: 1 });

  world.bucket.versions.delete(key);

  expect(await world.erase(ERASED)).toMatchObject({ rewritten: 0, faults: 0 });
});

test('verify names an absent manifest behind those of a certificate', async () => {
  const world = await sealedWorld();
  const before = certified(world);
  await world.erase(ERASED);
  world.bucket.objects.delete(manifestKey(DOMAIN, SLICES + 1));

  expect(await faultsOf(world, before)).toContainEqual({
    where: expect.stringContaining(`manifest ${SLICES + 2} of `),
    what: `manifest ${SLICES + 1} is missing before it`,
  });
});

test('seal writes the marker of a recipient who was erased before the archive existed', async () => {
  const world = fullWorld();
  world.sweepTable(ERASED);

  await world.settle();

  expect(world.bucket.objects.has(erasedKey(erasureHash(ERASURE_KEY, ERASED)))).toBe(true);
});

test.each([
  { what: 'is not in the archive', text: undefined },
  { what: 'has other bytes than its manifest names', text: '{}' },
])('a record of a slice that $what is named', async ({ what, text }) => {
  const world = await sealedWorld();
  const where = recordKey(DOMAIN, SLICE_START, 0);
  if (text === undefined) world.bucket.objects.delete(where);
  else world.bucket.objects.set(where, text);

  expect(await faultsOf(world, certified(world))).toEqual([{ where, what }]);
});

test('a manifest of an earlier version, with fewer figures than its record has now, verifies', async () => {
  const world = new SealWorld();
  world.store(1, 0);
  world.pass(0);
  await world.settle();
  const { manifest } = parseManifest(world.chain()[0] ?? '') as ChainLink;
  const { altered: _altered, polled: _polled, ...slice } = manifest.slice as SliceFigures;
  const putWith = (figures: object) => {
    const link = linkOf({ ...manifest, slice: figures as SliceFigures });
    world.bucket.objects.set(manifestKey(DOMAIN, 1), link.text);
  };

  putWith(slice);
  expect(await faultsOf(world, certified(world))).toEqual([]);
  putWith({ ...slice, stored: { delivered: 2 } });
  expect(await faultsOf(world, certified(world))).toEqual([
    { where: recordKey(DOMAIN, SLICE_START, 0), what: 'has other figures than its manifest' },
  ]);
});

describe('an erase run that crashes', () => {
  test('at any call, at any moment, leaves certificates valid, and the next run completes it', async () => {
    const clean = await sealedWorld();
    await clean.erase(ERASED);
    const calls = clean.points.length;
    expect(new Set(clean.points)).toEqual(
      new Set([
        ...['bucket.readText', 'objects.open', 'state.readHead', 'bucket.putTextIfAbsent', 'state.moveHead'],
        ...['replacement.putOver', 'objects.removeVersion'],
      ]),
    );
    for (let call = 0; call < calls; call += 1) {
      // The moment after a reply equals the one before the next call.
      for (const moment of ['before', 'committed'] as const) {
        const world = await sealedWorld();
        const before = certified(world);
        await world.erase(ERASED, { call, moment, kind: 'crash' }).catch(() => {});
        expect([call, moment, await faultsOf(world, before)]).toEqual([call, moment, []]);

        expect(await world.erase(ERASED)).toMatchObject({ objects: 3, faults: 0 });

        expect([call, moment, remains(world)]).toEqual([call, moment, 0]);
        expect(await faultsOf(world, before)).toEqual([]);
        await world.check();
        expect(world.chain().length).toBe(clean.chain().length);
      }
    }
  });
});

const SEEDS = Array.from({ length: 60 }, (_, nth) => nth + 1);

test('two recipients erased at the same time are both removed', async () => {
  for (const seed of SEEDS) {
    const world = await sealedWorld();
    world.sweepTable('r2@example.org');
    await Promise.all([world.erase(ERASED, undefined, seed), world.erase('r2@example.org', undefined, seed + 999)]);
    expect([seed, world.everyText().filter((text) => /r[12]@example\.org/.test(text))]).toEqual([seed, []]);
    await world.check();
  }
});

test('erase waits for a run of seal that read the recipient before the table was swept', async () => {
  for (const seed of SEEDS) {
    const world = fullWorld();
    const sealing = world.run(undefined, seed, world.lease);
    for (let turns = 0; turns < 20 * seed; turns += 1) await null;
    world.sweepTable(ERASED);
    await Promise.all([sealing, world.erase(ERASED, undefined, seed + 999)]);
    expect([seed, remains(world)]).toEqual([seed, 0]);
    await world.settle();
    await world.check();
  }
});

test.each([
  { after: 'events.lookUp', leftover: false },
  { after: 'bucket.open', leftover: true },
])(
  'a run of seal whose lease ends after $after seals nothing that is erased meanwhile',
  async ({ after, leftover }) => {
    const world = fullWorld();
    if (leftover) {
      const { invocation } = await fullWorld().run();
      await world.run({ call: invocation.points.indexOf('writer.putIfAbsent'), moment: 'committed', kind: 'crash' });
    }
    let isErased = false;
    const invocation = new CrashableInvocation();
    const gate = invocation.gate.bind(invocation);
    invocation.gate = async (name, call) => {
      const reply = await gate(name, call);
      if (name !== after || reply === undefined || isErased) return reply;
      isErased = true;
      world.nowMs += 121_000;
      world.lease.end();
      world.sweepTable(ERASED);
      await world.erase(ERASED);
      return reply;
    };

    await createSeal(world.deps(invocation, world.lease))({ ignoreWaits: false, deadlineMs: world.nowMs + 600_000 });

    expect(isErased).toBe(true);
    expect(world.failures).toContainEqual(expect.any(LostRaceError));
    expect(remains(world)).toBe(0);
    await world.settle();
    await world.check();
  },
);

test('concurrent runs of seal and erase, with any crash, end in an archive without the recipients', async () => {
  const trouble = fc.option(
    fc.record({ call: fc.nat(30), moment: fc.constantFrom(...CRASH_MOMENTS), kind: fc.constantFrom('crash', 'fault') }),
    { nil: undefined, freq: 3 },
  ) as fc.Arbitrary<InjectedFailure | undefined>;
  const run = fc.record({ trouble, seed: fc.integer({ min: 1 }), erases: fc.constantFrom(undefined, 1, 2) });
  const step = fc.oneof(
    fc.record({ store: fc.integer({ min: 3, max: 8 }), slice: fc.nat(SLICES - 1) }),
    fc.record({ runs: fc.array(run, { minLength: 1, maxLength: 3 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
      const world = fullWorld();
      for (const each of steps) {
        if ('store' in each) {
          world.store(each.store, each.slice);
          world.pass(each.slice);
          continue;
        }
        const runs = each.runs.map(async ({ trouble: met, seed, erases }) => {
          if (erases === undefined) return world.run(met, seed, world.lease);
          // A run of seal may have read what is being swept.
          await Promise.resolve();
          world.sweepTable(`r${erases}@example.org`);
          return world.erase(`r${erases}@example.org`, met, seed).catch(() => {});
        });
        await Promise.all(runs);
      }
      for (const nth of [1, 2]) {
        world.sweepTable(`r${nth}@example.org`);
        // One undisturbed erase while seal is running.
        await Promise.all([world.run(undefined, nth, world.lease), world.erase(`r${nth}@example.org`, undefined, 9)]);
      }
      expect(world.everyText().filter((text) => /r[12]@example\.org/.test(text))).toEqual([]);
      await world.settle();
      expect(world.everyText().filter((text) => /r[12]@example\.org/.test(text))).toEqual([]);
      await world.check();
      expect(await faultsOf(world, certified(world))).toEqual([]);
    }),
    { numRuns: RUNS },
  );
}, 120_000);
