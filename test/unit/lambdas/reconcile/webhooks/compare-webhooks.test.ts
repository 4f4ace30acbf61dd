import type { SendingDomain } from '../../../../../lambdas/contract.ts';
import type { RegisteredWebhook } from '../../../../../lambdas/domain/webhooks/webhook-drift.ts';
import { ListingError, type RegisteredWebhooks } from '../../../../../lambdas/reconcile/ports.ts';
import { createCompareWebhooks } from '../../../../../lambdas/reconcile/webhooks/compare-webhooks.ts';
import { createLastCounts } from '../../../../../lambdas/reconcile/webhooks/last-counts.ts';
import { InMemoryLastCounts } from '../../../../support/doubles/in-memory-last-counts.ts';

const OWN = 'https://hooks.example.com/webhooks/mailgun/a-path-secret-of-ours';
const HOUR_MS = 3_600_000;
const FULL_HOUR = 500_000 * HOUR_MS;
const DOMAINS = [
  { name: 'us.example.com', region: 'us' as const },
  { name: 'eu.example.com', region: 'eu' as const },
  { name: 'second.example.com', region: 'us' as const },
];

function comparison(
  ofDomain: Record<string, RegisteredWebhook[] | Error>,
  isConfigured = async () => true,
  domains: readonly SendingDomain[] = DOMAINS,
  store = new InMemoryLastCounts(),
) {
  const notes: [string, unknown][] = [];
  const calls: string[] = [];
  const deadlines: number[] = [];
  const clock = { ms: FULL_HOUR, msPerCall: 0, msOfAccount: { us: 0, eu: 0 } };
  const webhooks: RegisteredWebhooks = {
    async ofDomain({ name }, deadlineMs) {
      calls.push(name);
      deadlines.push(deadlineMs);
      clock.ms += clock.msPerCall;
      if (clock.ms > deadlineMs) throw new ListingError('unavailable');
      const registered = ofDomain[name] ?? [];
      if (registered instanceof Error) throw registered;
      return registered;
    },
    async ofAccount(region, deadlineMs) {
      calls.push(region);
      const repliesAt = clock.ms + clock.msOfAccount[region];
      clock.ms = Math.min(repliesAt, deadlineMs);
      if (repliesAt > deadlineMs) throw new ListingError('unavailable');
      return [];
    },
  };
  const compare = createCompareWebhooks({
    webhooks,
    domains,
    webhookUrl: OWN,
    wanted: ['delivered'],
    isConfigured,
    everySeconds: 900,
    lastCounts: createLastCounts({
      store,
      now: () => clock.ms,
      onFailure: (error) => notes.push(['-', (error as Error).message]),
    }),
    now: () => clock.ms,
    onCompared: (domain, counts) => notes.push([domain, counts]),
    onFailure: (domain, error) => notes.push([domain, (error as ListingError).reason]),
  });
  return { compare, notes, calls, deadlines, clock };
}

const own: RegisteredWebhook[] = [{ level: 'domain', type: 'delivered', url: OWN }];
const all = Object.fromEntries(DOMAINS.map(({ name }) => [name, own]));

test("without drift the sum is 0, and each account's webhooks are read once per region", async () => {
  const { compare, notes, calls } = comparison(all);
  expect(await compare({ ignoreWaits: false })).toBe(0);
  expect(notes).toEqual(DOMAINS.map(({ name }) => [name, {}]));
  expect(calls).toEqual(['us', 'eu', 'us.example.com', 'eu.example.com', 'second.example.com']);
});

test('webhook drift is counted over all domains, and reported by kind without any URL', async () => {
  const foreign: RegisteredWebhook = { level: 'domain', type: 'delivered', url: 'https://crm.example.net/token' };
  const { compare, notes } = comparison({
    ...all,
    'eu.example.com': [foreign],
    'second.example.com': [...own, foreign],
  });
  expect(await compare({ ignoreWaits: false })).toBe(3);
  expect(notes).toEqual([
    ['us.example.com', {}],
    ['eu.example.com', { missing: 1, foreign: 1 }],
    ['second.example.com', { foreign: 1 }],
  ]);
  expect(JSON.stringify(notes)).not.toContain('https');
});

test("an unreadable domain's webhooks are left out, and do not block the others", async () => {
  const { compare, notes } = comparison({ ...all, 'us.example.com': new ListingError('rate-limited') });
  expect(await compare({ ignoreWaits: false })).toBeUndefined();
  expect(notes[0]).toEqual(['us.example.com', 'rate-limited']);
  expect(notes).toHaveLength(3);
});

test.each(['unauthorized', 'domain-not-found', 'out-of-retention', 'refused', 'malformed', 'too-large'] as const)(
  'drift that is gone ends although the webhooks of another domain are %s for ever',
  async (reason) => {
    const found: Record<string, RegisteredWebhook[] | Error> = {
      ...all,
      'us.example.com': new ListingError(reason),
      'eu.example.com': [],
    };
    const { compare, notes } = comparison(found);
    expect(await compare({ ignoreWaits: true })).toBe(1);
    found['eu.example.com'] = own;
    expect(await compare({ ignoreWaits: true })).toBe(0);
    expect(notes.filter(([domain]) => domain === 'us.example.com')).toEqual(Array(2).fill(['us.example.com', reason]));
  },
);

test('drift of a domain that Mailgun comes to refuse counts for a day', async () => {
  const found: Record<string, RegisteredWebhook[] | Error> = { ...all, 'us.example.com': [] };
  const { compare, clock } = comparison(found);
  const sums = [await compare({ ignoreWaits: true })];
  found['us.example.com'] = new ListingError('unauthorized');
  for (const hours of [23, 24]) {
    clock.ms = FULL_HOUR + hours * HOUR_MS;
    sums.push(await compare({ ignoreWaits: true }));
  }
  expect(sums).toEqual([1, 1, 0]);
});

test('a count of yesterday is not known any more', async () => {
  const found: Record<string, RegisteredWebhook[] | Error> = { ...all };
  const { compare, clock } = comparison(found);
  expect(await compare({ ignoreWaits: true })).toBe(0);
  found['us.example.com'] = new ListingError('rate-limited');
  clock.ms += 24 * HOUR_MS;
  expect(await compare({ ignoreWaits: true })).toBeUndefined();
});

test('drift of one domain is counted although another cannot be read', async () => {
  const { compare } = comparison({ ...all, 'us.example.com': new ListingError('unavailable'), 'eu.example.com': [] });
  expect(await compare({ ignoreWaits: false })).toBe(1);
});

test('drift that was found counts until its domain is read without it', async () => {
  const found: Record<string, RegisteredWebhook[] | Error> = { ...all, 'us.example.com': [] };
  const { compare } = comparison(found);
  const sums = [await compare({ ignoreWaits: true })];
  for (const state of [new ListingError('unavailable'), own]) {
    found['us.example.com'] = state;
    sums.push(await compare({ ignoreWaits: true }));
  }
  found['eu.example.com'] = new ListingError('unavailable');
  sums.push(await compare({ ignoreWaits: true }));
  expect(sums).toEqual([1, 1, 0, 0]);
});

test('a cold start keeps the drift of domains that it cannot read at once', async () => {
  const store = new InMemoryLastCounts();
  const drifting = { ...all, 'us.example.com': [], 'eu.example.com': [] };
  expect(await comparison(drifting, undefined, undefined, store).compare({ ignoreWaits: true })).toBe(2);
  const unread = { ...drifting, 'us.example.com': new ListingError('unavailable') };
  expect(await comparison(unread, undefined, undefined, store).compare({ ignoreWaits: true })).toBe(2);
});

test('the counts of domains that are compared no more are not kept', async () => {
  const store = new InMemoryLastCounts();
  await comparison(all, undefined, undefined, store).compare({ ignoreWaits: true });
  await comparison(all, undefined, DOMAINS.slice(1), store).compare({ ignoreWaits: true });
  expect([...store.counts.keys()]).toEqual(['eu.example.com', 'second.example.com']);
});

test('webhook drift is not measured where the last counts cannot be read, and all the same where they cannot be stored', async () => {
  const store = new InMemoryLastCounts();
  const { compare, notes, calls } = comparison({ ...all, 'us.example.com': [] }, undefined, undefined, store);
  store.down.add('read');
  expect(await compare({ ignoreWaits: true })).toBeUndefined();
  expect([notes, calls]).toEqual([[['-', 'the read is throttled']], []]);
  store.down.clear();
  store.down.add('write');
  expect(await compare({ ignoreWaits: true })).toBe(1);
  expect(notes.at(-1)).toEqual(['-', 'the write is throttled']);
});

test('without a readable domain webhook drift is not measured', async () => {
  const failure = new ListingError('unavailable');
  const { compare } = comparison(Object.fromEntries(DOMAINS.map(({ name }) => [name, failure])));
  expect(await compare({ ignoreWaits: false })).toBeUndefined();
});

test.each([
  ['without an API key', async () => false],
  ['where the key cannot be read', async () => Promise.reject(new Error('denied'))],
])("Mailgun's webhooks are not read %s", async (_name, isConfigured) => {
  const { compare, calls } = comparison(all, isConfigured as () => Promise<boolean>);
  expect(await compare({ ignoreWaits: true })).toBeUndefined();
  expect(calls).toEqual([]);
});

test('every fourth run of a day compares webhooks, once an hour', async () => {
  const { compare, clock } = comparison(all);
  const compared: number[] = [];
  for (let run = 0; run < 96; run += 1) {
    // Schedules are seconds late.
    clock.ms = FULL_HOUR + run * 900_000 + (run % 7) * 1000;
    if ((await compare({ ignoreWaits: false })) !== undefined) compared.push(run);
  }
  expect(compared).toEqual(Array.from({ length: 24 }, (_, hour) => hour * 4));
});

test('comparing webhooks of all domains ends after ten seconds', async () => {
  const { compare, notes, deadlines, clock } = comparison(all);
  clock.msPerCall = 3000;
  await compare({ ignoreWaits: true });
  expect(deadlines.map((ms) => Math.round(ms - FULL_HOUR))).toEqual([3333, 6500, 10_000]);
  expect(notes).toHaveLength(3);
});

test('ten domains are all compared where each call takes most of a share', async () => {
  const ten = Array.from({ length: 10 }, (_, nth) => ({ name: `d${nth}.example.com`, region: 'us' as const }));
  const { compare, clock } = comparison(Object.fromEntries(ten.map(({ name }) => [name, own])), undefined, ten);
  clock.msPerCall = 600;
  clock.msOfAccount.us = 600;
  expect(await compare({ ignoreWaits: true })).toBe(0);
});

test('an account that does not reply leaves time to the domains of the other region', async () => {
  const { compare, notes, clock } = comparison({ ...all, 'eu.example.com': [] });
  clock.msOfAccount.us = 10_000;
  expect(await compare({ ignoreWaits: true })).toBe(1);
  expect(notes).toEqual([
    ['us.example.com', 'unavailable'],
    ['eu.example.com', { missing: 1 }],
    ['second.example.com', 'unavailable'],
  ]);
});

test('an account that fails ends nothing where its domain has failed before', async () => {
  const unhandled: unknown[] = [];
  const collect = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', collect);
  try {
    const { compare, notes, clock } = comparison({ ...all, 'eu.example.com': new ListingError('unauthorized') });
    clock.msOfAccount.eu = 10_000;
    await compare({ ignoreWaits: true });
    await new Promise((resolve) => setImmediate(resolve));
    expect(notes[1]).toEqual(['eu.example.com', 'unauthorized']);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', collect);
  }
});

test('comparing webhooks ends with the run', async () => {
  const { compare, notes, deadlines } = comparison(all);
  await compare({ ignoreWaits: true, deadlineMs: FULL_HOUR + 3000 });
  expect(Math.max(...deadlines)).toBe(FULL_HOUR + 3000);
  expect(notes).toHaveLength(3);
});

test('more domains than ten seconds suffice for are all compared within a few hours', async () => {
  const many = Array.from({ length: 400 }, (_, nth) => ({ name: `d${nth}.example.com`, region: 'us' as const }));
  const { compare, notes, clock } = comparison({}, undefined, many);
  clock.msPerCall = 90;
  for (let hour = 0; hour < 12; hour += 1) {
    clock.ms = FULL_HOUR + hour * HOUR_MS;
    await compare({ ignoreWaits: false });
    expect(clock.ms).toBeLessThan(FULL_HOUR + hour * HOUR_MS + 11_000);
  }
  expect(notes.filter(([, counts]) => typeof counts === 'string').length).toBeLessThan(12 * 2);
  const compared = notes.filter(([, counts]) => typeof counts === 'object').map(([name]) => name);
  expect(new Set(compared).size).toBe(400);
});
