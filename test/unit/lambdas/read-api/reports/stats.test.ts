import type { KnownClasses } from '../../../../../lambdas/domain/ledger/bounce-classes.ts';
import { emptyDimensions } from '../../../../../lambdas/domain/ledger/dimensions.ts';
import { createStats } from '../../../../../lambdas/read-api/reports/stats.ts';
import { numbered, ReconcileWorld } from '../../../../model/worlds/reconcile-world.ts';
import { minutelyLedger } from '../../../../support/fixtures/minutely-ledger.ts';
import { DOMAIN, NOW_MS } from '../../../../support/fixtures/webhooks.ts';

const HOUR = Math.floor(NOW_MS / 3_600_000) * 3600;

/** Statistics of two hours: an event every minute, one of which is missing permanently in the second hour. */
async function openStats() {
  const { book } = await minutelyLedger(HOUR, 120, 100);
  return createStats({ ...NO_LEDGER, slices: book, ledger: book });
}
const all = { domains: [DOMAIN], from: HOUR, to: HOUR + 9000 };
const NO_LEDGER = {
  ledger: { readWatermarks: async () => undefined },
  classes: { read: async () => undefined },
  ends: new Map(),
  now: () => NOW_MS,
};
const BY_TAG = { by: 'tag', per: 'hour' } as const;

test('statistics sum slices to hours, with a bucket for each tag, and mark the open hour', async () => {
  const stats = await openStats();
  const { buckets } = await stats({ ...all, ...BY_TAG, tag: undefined });
  expect(buckets.map(({ tag, open }) => [tag, open])).toEqual(
    [false, true].flatMap((open) => ['', '*', 'spring', 'welcome'].map((tag) => [tag, open])),
  );
  const everything = buckets.filter(({ tag }) => tag === '*').map(({ counts }) => counts);
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
  expect(everything.map(sum)).toEqual([60, 60]);
});

test.each([
  { name: 'ended within an hour that was compared to its end', ends: 6000, isOpen: false },
  { name: 'ended before a slice that was not compared', ends: 7000, isOpen: true },
])('statistics of a domain whose ledger $name are open: $isOpen', async ({ ends, isOpen }) => {
  const { book } = await minutelyLedger(HOUR, 105, -1);
  const position = (await book.readWatermarks(DOMAIN))?.position ?? 0;
  expect(position).toBe(HOUR + 6300);
  const stats = createStats({ ...NO_LEDGER, slices: book, ledger: book, ends: new Map([[DOMAIN, HOUR + ends]]) });
  const { buckets } = await stats({ ...all, by: 'domain', per: 'hour', tag: undefined });
  expect(buckets.map(({ open }) => open)).toEqual([false, isOpen]);
});

test.each(['*', '', 'welcome', 'none'])('statistics of the tag "%s"', async (tag) => {
  const stats = await openStats();
  const { buckets } = await stats({ ...all, ...BY_TAG, tag });
  expect(buckets.map(({ hour, tag: named }) => [hour, named])).toEqual([
    [new Date(HOUR * 1000).toISOString(), tag],
    [new Date((HOUR + 3600) * 1000).toISOString(), tag],
  ]);
  expect(Object.keys(buckets[0]!.counts).length > 0).toBe(tag !== 'none');
});

test('statistics of hundreds of domains are read a few at a time, and listed in their order', async () => {
  const domains = Array.from({ length: 300 }, (_, nth) => `d${nth}.example.com`);
  const slice = { start: HOUR, end: HOUR + 900, missing: {}, altered: {}, short: 0, unlisted: false };
  const dimensions = { ...emptyDimensions(), provider: { gmail: { delivered: 1 } } };
  const inFlight = { now: 0, most: 0 };
  const slices = {
    async *list(domain: string) {
      inFlight.now += 1;
      inFlight.most = Math.max(inFlight.most, inFlight.now);
      // The first is read last.
      for (let turn = domain === domains[0] ? 100 : 1; turn > 0; turn -= 1) await new Promise(setImmediate);
      inFlight.now -= 1;
      yield { ...slice, domain, tags: {}, dimensions };
    },
  };
  const stats = createStats({ slices, ...NO_LEDGER } as never);
  const { buckets } = await stats({ ...all, domains, by: 'domain', per: 'hour', tag: undefined });
  expect(buckets.map(({ domain }) => domain)).toEqual(domains);
  expect(inFlight.most).toBeLessThanOrEqual(10);
});

test('statistics sum the spellings of a tag', async () => {
  const slice = { start: HOUR, end: HOUR + 900, missing: {}, altered: {}, short: 0, unlisted: false };
  const tags = { Spring: { opened: 1 }, spring: { opened: 2, clicked: 1 }, '*': { opened: 3, clicked: 1 } };
  const slices = {
    async *list() {
      yield { ...slice, tags, dimensions: emptyDimensions() };
    },
  };
  const stats = createStats({ slices, ...NO_LEDGER } as never);
  const counts = async (tag: string | undefined) =>
    (await stats({ ...all, ...BY_TAG, tag })).buckets.map((bucket) => [bucket.tag, bucket.counts]);
  expect(await counts(undefined)).toEqual([
    ['*', { opened: 3, clicked: 1 }],
    ['spring', { opened: 3, clicked: 1 }],
  ]);
  expect(await counts('spring')).toEqual([['spring', { opened: 3, clicked: 1 }]]);
});

test('statistics by tag divide failures by severity as far as their slices counted it', async () => {
  const slice = { start: HOUR, end: HOUR + 900, missing: {}, altered: {}, short: 0, unlisted: false };
  const tags = { '*': { failed: 3 }, Spring: { failed: 3, delivered: 1 } };
  const failure = { '*': { permanent_fail: 1, temporary_fail: 2 }, spring: { permanent_fail: 1, temporary_fail: 2 } };
  const slices = {
    async *list() {
      yield { ...slice, tags, dimensions: { ...emptyDimensions(), failure } };
      yield { ...slice, start: HOUR + 900, tags, dimensions: emptyDimensions() };
    },
  };
  const stats = createStats({ slices, ...NO_LEDGER } as never);
  const { buckets } = await stats({ ...all, ...BY_TAG, tag: 'spring' });
  expect(buckets.map(({ tag, counts, failures }) => [tag, counts, failures])).toEqual([
    ['spring', { failed: 6, delivered: 2 }, { permanent_fail: 1, temporary_fail: 2 }],
  ]);
});

test('statistics mark slices that may have had more names than rows', async () => {
  const slice = { start: HOUR, end: HOUR + 900, missing: {}, altered: {}, short: 0, unlisted: false };
  const named = (rows: number, kind: string) =>
    Object.fromEntries(Array.from({ length: rows }, (_, nth) => [`${kind}-${nth}`, { delivered: 1 }]));
  const cutIn = async (by: 'provider' | 'ip' | 'tag' | 'domain', rows: number) => {
    const counted = { provider: named(rows, 'p'), ip: named(rows, 'i'), policy: {}, failure: {} };
    const slices = {
      async *list() {
        yield { ...slice, domain: DOMAIN, tags: named(rows, 't'), dimensions: counted };
      },
    };
    const stats = createStats({ slices, ...NO_LEDGER } as never);
    return new Set((await stats({ ...all, by, per: 'hour', tag: undefined })).buckets.map(({ cut }) => cut));
  };
  expect(await cutIn('provider', 49)).toEqual(new Set([undefined]));
  for (const by of ['provider', 'ip'] as const) expect(await cutIn(by, 50)).toEqual(new Set([true]));
  expect(await cutIn('tag', 999)).toEqual(new Set([undefined]));
  expect(await cutIn('tag', 1000)).toEqual(new Set([true]));
  expect(await cutIn('domain', 1000)).toEqual(new Set([undefined]));
});

test('statistics by tag mark slices without space for the failures of a tag', async () => {
  const slice = { start: HOUR, end: HOUR + 900, missing: {}, altered: {}, short: 0, unlisted: false };
  const tags = { '*': { failed: 2 }, spring: { failed: 1 }, rare: { failed: 1 } };
  const failure = { '*': { permanent_fail: 2 }, spring: { permanent_fail: 1 } };
  const slices = {
    async *list() {
      yield { ...slice, tags, dimensions: { ...emptyDimensions(), failure } };
    },
  };
  const stats = createStats({ slices, ...NO_LEDGER } as never);
  const { buckets } = await stats({ ...all, ...BY_TAG, tag: 'rare' });
  expect(buckets.map(({ failures, cut }) => [failures, cut])).toEqual([[undefined, true]]);
});

test('statistics by mailbox provider and sending IP divide failures by severity over a whole day', async () => {
  const world = new ReconcileWorld();
  const midnight = Math.floor(NOW_MS / 86_400_000) * 86_400;
  world.fromEpochSeconds = midnight;
  const failed = { event: 'failed', recipient: 'ada@gmail.com' };
  const byPolicy = { 'delivery-status': { code: 550, 'enhanced-code': '5.7.26' } };
  for (const [n, event] of [
    { event: 'delivered', recipient: 'ada@gmail.com', envelope: { 'sending-ip': '192.0.2.1' } },
    { ...failed, severity: 'permanent', envelope: { 'sending-ip': '192.0.2.1' }, ...byPolicy },
    { ...failed, severity: 'temporary', reason: 'generic', ...byPolicy },
    { ...failed, severity: 'temporary', reason: 'old' },
    { event: 'delivered', recipient: 'bob@north.example' },
    { event: 'delivered', recipient: 'bob@gmail.com', flags: { 'is-test-mode': true } },
    { event: 'delivered', recipient: 'bob@gmail.com', flags: { 'is-routed': true } },
  ].entries()) {
    world.happen(numbered(n, midnight + n * 7200, { severity: 'none', reason: 'none', ...event }), false);
  }
  await world.process();
  world.nowMs = (midnight + 100_000) * 1000;
  await world.run();
  const stats = createStats({ ...NO_LEDGER, slices: world.book, ledger: world.book });
  const query = { domains: [DOMAIN], from: midnight, to: midnight + 86_400, tag: undefined, per: 'day' } as const;

  const rows = async (by: 'provider' | 'ip') =>
    (await stats({ ...query, by })).buckets.map(({ hour, tag, counts, ...bucket }) => [hour, tag, bucket[by], counts]);

  const hour = new Date(midnight * 1000).toISOString();
  expect(await rows('provider')).toEqual([
    [hour, '*', 'gmail', { delivered: 1, permanent_fail: 2, temporary_fail: 1 }],
    [hour, '*', 'other', { delivered: 1 }],
  ]);
  expect(await rows('ip')).toEqual([
    [hour, '*', '192.0.2.1', { delivered: 1, permanent_fail: 1 }],
    [hour, '*', 'other', { delivered: 1, permanent_fail: 1, temporary_fail: 1 }],
  ]);
});

test('statistics by mailbox provider count permanent refusals by policy by code', async () => {
  const bucketOf = async (by: 'provider' | 'ip') => {
    const slice = { start: HOUR, end: HOUR + 900, missing: {}, altered: {}, short: 0, unlisted: false };
    const policy = { gmail: { '5.7.26': 2 } };
    const rows = { gmail: { delivered: 1, permanent_fail: 3 }, other: { delivered: 4 } };
    const slices = {
      async *list() {
        yield { ...slice, dimensions: { provider: rows, ip: rows, policy } };
        yield { ...slice, dimensions: { provider: rows, ip: rows, policy } };
      },
    };
    const stats = createStats({ slices, ...NO_LEDGER } as never);
    const { buckets } = await stats({ ...all, tag: undefined, by, per: 'day' });
    return buckets.map(({ policy }) => policy);
  };
  expect(await bucketOf('provider')).toEqual([{ '5.7.26': 4 }, undefined]);
  expect(await bucketOf('ip')).toEqual([undefined, undefined]);
});

test('statistics by domain have one row for each', async () => {
  const slices = {
    async *list(domain: string) {
      const slice = { domain, start: HOUR, end: HOUR + 900, missing: {}, altered: {}, short: 0, unlisted: false };
      const provider = { gmail: { delivered: 2, permanent_fail: 1 }, other: { delivered: domain.length } };
      yield { ...slice, dimensions: { provider, ip: {}, policy: {}, failure: {} } };
      yield {
        ...slice,
        start: HOUR + 900,
        dimensions: { provider: { gmail: { delivered: 1 } }, ip: {}, policy: {}, failure: {} },
      };
    },
  };
  const stats = createStats({ slices, ...NO_LEDGER } as never);
  const query = { ...all, domains: ['a.example', 'bb.example'], tag: undefined, by: 'domain', per: 'hour' } as const;
  expect((await stats(query)).buckets).toEqual(
    [['a.example', 12] as const, ['bb.example', 13] as const].map(([domain, delivered]) => ({
      hour: new Date(HOUR * 1000).toISOString(),
      domain,
      tag: '*',
      open: true,
      counts: { delivered, permanent_fail: 1 },
    })),
  );
});

test("statistics have Mailgun's own classes only by mailbox provider, while they are recent", async () => {
  const DAY = 86_400;
  const now = NOW_MS / 1000;
  const classes = [{ entity: 'Gmail', category: 'Spam content', severity: null, failures: 2 }];
  const known = (at: number): KnownClasses => ({
    triedAt: NOW_MS,
    note: 'rate-limited',
    read: { at, from: DAY, to: 8 * DAY, classes, isCut: true },
  });
  const slices = { async *list() {} };
  const shown = async (by: 'provider' | 'tag', at: number) => {
    const stats = createStats({ ...NO_LEDGER, slices, classes: { read: async () => known(at) } } as never);
    return (await stats({ ...all, by, per: 'day', tag: undefined })).mailgunClasses;
  };
  expect(await shown('tag', now)).toBeUndefined();
  expect(await shown('provider', now - 8 * DAY + 1)).toEqual({
    triedAt: new Date(NOW_MS).toISOString(),
    note: 'rate-limited',
    read: {
      at: new Date((now - 8 * DAY + 1) * 1000).toISOString(),
      from: '1970-01-02T00:00:00.000Z',
      to: '1970-01-09T00:00:00.000Z',
      classes,
      cut: true,
    },
  });
  expect(await shown('provider', now - 8 * DAY)).toMatchObject({ note: 'rate-limited', read: null });
});
