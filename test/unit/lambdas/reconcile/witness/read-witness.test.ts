import type { WitnessHour } from '../../../../../lambdas/domain/ledger/witness.ts';
import { ListingError, type WitnessState } from '../../../../../lambdas/reconcile/ports.ts';
import { createReadWitness, MAX_CALLS_A_DAY } from '../../../../../lambdas/reconcile/witness/read-witness.ts';

const DAY = 86_400;
const START = 20_000 * DAY;
const DOMAIN = 'mg.example.com';
const hour = (nth: number, over: Partial<WitnessHour> = {}): WitnessHour => ({
  start: START + nth * 3600,
  counts: { delivered: 1 },
  failedWebhooks: 0,
  ...over,
});

let clock: { ms: number };
let position: number;
let calls: [from: number, to: number][];
let reply: (domain: string) => WitnessHour[] | ListingError;
/** State of the domain that most tests read. */
let state: WitnessState | undefined;
let kept: Map<string, WitnessHour>;
let puts: number;
let crashAtPut: number;
let failures: unknown[];
let deadlines: number[];

beforeEach(() => {
  clock = { ms: (START + 3 * 3600) * 1000 };
  position = START + 2 * 3600 + 900;
  calls = [];
  reply = () => [];
  state = undefined;
  kept = new Map();
  puts = 0;
  crashAtPut = 0;
  failures = [];
  deadlines = [];
});

function reading({ isConfigured = async () => true, domains = [DOMAIN], withoutLedger = '' } = {}) {
  const states = new Map<string, WitnessState>();
  const read = createReadWitness({
    domains: domains.map((name) => ({ name, region: 'us' })),
    ledger: {
      readWatermarks: async (name) => (name === withoutLedger ? undefined : { position, second: START, start: START }),
    },
    metrics: {
      async hours({ name }, from, to, deadlineMs) {
        deadlines.push(deadlineMs);
        calls.push([(from - START) / 3600, (to - START) / 3600]);
        const given = reply(name);
        if (given instanceof ListingError) throw given;
        return given;
      },
    },
    witness: {
      readState: async (name) => states.get(name),
      async moveState(name, moved, previous) {
        const held = states.get(name);
        if (held?.calledAt !== previous?.calledAt || held?.calls !== previous?.calls) return false;
        states.set(name, moved);
        state = states.get(DOMAIN);
        return true;
      },
      hours: async (name, from, to) =>
        [...kept].flatMap(([key, found]) =>
          key.startsWith(`${name} `) && found.start >= from && found.start < to ? [found] : [],
        ),
      async put(name, counted) {
        puts += 1;
        if (puts === crashAtPut) throw new Error('cut off');
        kept.set(`${name} ${counted.start}`, counted);
      },
    },
    isConfigured,
    now: () => clock.ms,
    onFailure: (_, error) => failures.push(error instanceof ListingError ? error.reason : (error as Error).message),
  });
  return (ignoreWaits = false, limit = {}) => read({ ignoreWaits, ...limit });
}

test('readWitness reads the whole hours that the ledger has passed, and three days again an hour later', async () => {
  const read = reading();
  reply = () => [hour(0), hour(1)];
  await read();
  clock.ms += 3_600_000;
  position += 3600;
  await read();

  expect(calls).toEqual([
    [0, 2],
    [0, 3],
  ]);
  expect([kept.size, puts]).toEqual([2, 2]);
  expect(state).toMatchObject({ since: START, until: START + 3 * 3600 });
});

test('a long ledger is read in several calls, the oldest hour that Mailgun keeps first', async () => {
  const read = reading();
  clock.ms += 90 * DAY * 1000;
  position += 90 * DAY;
  for (let nth = 0; nth < 4; nth += 1) {
    await read();
    clock.ms += 3_600_000;
  }

  const last = 90 * 24 + 2;
  expect(calls[0]).toEqual([30 * 24 + 3, 30 * 24 + 503]);
  expect(calls[1]?.[0]).toBe(30 * 24 + 503);
  expect(calls.slice(-1)).toEqual([[last - 72, last]]);
});

test('readWitness calls Mailgun for no domain once the run has ended', async () => {
  const read = reading();
  await read(true, { deadlineMs: clock.ms });
  expect(calls).toEqual([]);
  await read(true, { deadlineMs: clock.ms + 1 });
  expect(calls).toHaveLength(1);
});

test('readWitness calls Mailgun at most thirty times a day', async () => {
  const read = reading();
  for (let nth = 0; nth < 50; nth += 1) {
    clock.ms += 60_000;
    await read(true);
  }
  expect(calls).toHaveLength(MAX_CALLS_A_DAY);
  clock.ms += DAY * 1000;
  await read();
  expect(calls).toHaveLength(MAX_CALLS_A_DAY + 1);
});

test('readWitness calls Mailgun once an hour, and never without a key or a ledger hour', async () => {
  const read = reading();
  for (let nth = 0; nth < 12; nth += 1, clock.ms += 300_000) await read();
  expect(calls).toHaveLength(2);
  await reading({ isConfigured: () => Promise.reject(new Error('unreadable')) })(true);
  position = START + 1800;
  await read(true);
  expect(calls).toHaveLength(2);
});

test('a run that is cut between its writes is completed by the next', async () => {
  const read = reading();
  reply = () => [hour(0), hour(1)];
  crashAtPut = 2;
  expect(await read()).toBeUndefined();
  expect([failures, state?.until]).toEqual([['cut off'], START]);
  clock.ms += 3_600_000;
  await read();
  expect([kept.size, state?.until]).toEqual([2, START + 2 * 3600]);
});

test.each(['rate-limited', 'unauthorized', 'malformed'] as const)(
  'a call that ends %s keeps the known hours, and is reported',
  async (reason) => {
    const read = reading();
    reply = () => [hour(0)];
    await read();
    const before = structuredClone([state?.until, kept]);
    clock.ms += 3_600_000;
    reply = () => new ListingError(reason);
    expect(await read()).toBeUndefined();
    expect([state?.until, kept]).toEqual(before);
    expect(failures).toEqual([reason]);
  },
);

test('if Mailgun keeps less than sixty days, the next call begins three days back, and older time stays unknown', async () => {
  const read = reading();
  clock.ms += 30 * DAY * 1000;
  position += 30 * DAY;
  reply = () => new ListingError('out-of-retention');
  await read();
  reply = () => [];
  clock.ms += 3_600_000;
  await read();
  await read(true);
  const end = 30 * 24 + 2;
  expect(calls).toEqual([
    [0, 500],
    [end - 72, end],
    [end - 72, end],
  ]);
  expect(state).toMatchObject({ since: START + (end - 72) * 3600 });
});

test('failed webhooks are counted for the last hours only', async () => {
  const read = reading();
  clock.ms = (START + 8 * 3600) * 1000;
  position = START + 8 * 3600;
  reply = () => [hour(0, { failedWebhooks: 9 }), hour(6, { failedWebhooks: 2 })];
  expect(await read()).toBe(2);
  expect(await read(true)).toBe(2);
});

test('a domain that is not read, or whose read fails, counts as last read for six hours', async () => {
  const read = reading({ domains: ['a.example.com', 'b.example.com'] });
  clock.ms = (START + 8 * 3600) * 1000;
  position = START + 8 * 3600;
  const failedOf = (b: () => WitnessHour[] | ListingError) => (domain: string) =>
    domain.startsWith('a') ? [hour(6, { failedWebhooks: 2 })] : b();
  reply = failedOf(() => [hour(6, { failedWebhooks: 5 })]);
  expect(await read()).toBe(7);
  reply = failedOf(() => new ListingError('rate-limited'));
  expect(await read(true)).toBe(7);
  expect(await read()).toBeUndefined();
  clock.ms += 6 * 3_600_000;
  reply = failedOf(() => new ListingError('rate-limited'));
  expect(await read()).toBeUndefined();
});

test.each(['unauthorized', 'domain-not-found', 'out-of-retention', 'malformed'] as const)(
  'a domain whose counts end as %s, which may last, counts no failed webhook',
  async (reason) => {
    const read = reading({ domains: ['a.example.com', 'b.example.com'] });
    reply = (domain) => (domain.startsWith('a') ? [] : new ListingError(reason));
    expect(await read()).toBe(0);
    expect(failures).toEqual([reason]);
  },
);

test('a domain whose state cannot be read is not counted as without failed webhooks', async () => {
  const read = reading({ domains: ['a.example.com', 'b.example.com'] });
  reply = (domain) => {
    if (domain.startsWith('a')) return [];
    throw new Error('the table is down');
  };
  expect(await read()).toBeUndefined();
});

test('failed webhooks of one domain are counted although another was never read', async () => {
  const read = reading({ domains: ['a.example.com', 'b.example.com'] });
  reply = (domain) => (domain.startsWith('a') ? [hour(1, { failedWebhooks: 2 })] : new ListingError('unavailable'));
  expect(await read()).toBe(2);
});

test('a domain without a ledger counts no failed webhook', async () => {
  const read = reading({ domains: ['a.example.com', 'b.example.com'], withoutLedger: 'b.example.com' });
  expect(await read()).toBe(0);
});

test('hundreds of domains are read in one run, as far as it lasts', async () => {
  const domains = Array.from({ length: 600 }, (_, nth) => `d${nth}.example.com`);
  // Four calls of a second each are made at a time.
  reply = () => {
    clock.ms += 250;
    return [];
  };
  expect(await reading({ domains })()).toBe(0);
  expect(calls).toHaveLength(600);

  calls = [];
  expect(await reading({ domains })(false, { deadlineMs: clock.ms + 20_000 })).toBeUndefined();
  expect(calls).toHaveLength(80);
});

test('a call for one domain ends after eight seconds', async () => {
  const domains = Array.from({ length: 600 }, (_, nth) => `d${nth}.example.com`);
  await reading({ domains })();
  expect(new Set(deadlines)).toEqual(new Set([clock.ms + 8000]));
});
