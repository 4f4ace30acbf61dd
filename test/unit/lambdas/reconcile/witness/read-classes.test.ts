import type { BounceClass, KnownClasses } from '../../../../../lambdas/domain/ledger/bounce-classes.ts';
import { ListingError, type ListingFailure, type MailgunClasses } from '../../../../../lambdas/reconcile/ports.ts';
import { createReadClasses } from '../../../../../lambdas/reconcile/witness/read-classes.ts';

const DAY_MS = 86_400_000;
const DAY = 20_000 * 86_400;
const FIRST_MS = DAY * 1000 + 3_600_000;
const DOMAIN = 'mg.example.com';
const row = (failures: number, over: Partial<BounceClass> = {}): BounceClass => ({
  entity: 'Gmail',
  category: 'Spam content',
  severity: 'critical',
  failures,
  ...over,
});

let nowMs: number;
let calls: string[];
let ranges: object[];
let held: Map<string, KnownClasses>;
let failures: unknown[];
let reply: () => Awaited<ReturnType<MailgunClasses['ofDomain']>>;
let callTakesMs: number;

beforeEach(() => {
  nowMs = FIRST_MS;
  calls = [];
  ranges = [];
  held = new Map();
  failures = [];
  reply = () => ({ rows: [row(2)], isWhole: true });
  callTakesMs = 0;
});

function reading({ domains = [DOMAIN], isConfigured = async () => true, write = put } = {}) {
  return createReadClasses({
    domains: domains.map((name) => ({ name, region: 'us' })),
    isConfigured,
    classes: {
      async ofDomain({ name }, range) {
        calls.push(name);
        ranges.push(range);
        nowMs += callTakesMs;
        return reply();
      },
    },
    store: { read: async (name) => held.get(name), write },
    now: () => nowMs,
    onFailure: (_domain, error) => failures.push(error),
  });
}

async function put(name: string, next: KnownClasses, previous: KnownClasses | undefined) {
  if (held.get(name)?.triedAt !== previous?.triedAt) return false;
  held.set(name, next);
  return true;
}

const refuse = (reason: ListingFailure) => () => {
  throw new ListingError(reason);
};

test('readClasses reads the seven whole days before once a UTC day, and sums rows of one class', async () => {
  reply = () => ({
    rows: [
      row(2),
      row(1, { entity: null }),
      row(3),
      row(0, { category: 'none' }),
      row(9, { category: 'x'.repeat(300) }),
    ],
    isWhole: true,
  });
  const read = reading();
  await read();
  nowMs = DAY * 1000 + DAY_MS - 1;
  await read();
  expect(calls).toEqual([DOMAIN]);
  const range = { from: DAY - 7 * 86_400, to: DAY };
  expect(ranges).toEqual([range]);
  expect(held.get(DOMAIN)).toEqual({
    triedAt: FIRST_MS,
    note: null,
    read: {
      at: FIRST_MS / 1000,
      ...range,
      classes: [row(9, { category: 'x'.repeat(200) }), row(5), row(1, { entity: null })],
      isCut: false,
    },
  });
  nowMs += 1;
  await read();
  expect(calls).toHaveLength(2);
});

test.each([
  ['more classes than are kept', Array.from({ length: 51 }, (_, nth) => row(nth + 1, { category: `${nth}` })), true],
  ['rows that Mailgun did not list whole', [row(1)], false],
])('classes: %s are cut, and marked as cut', async (_name, rows, isWhole) => {
  reply = () => ({ rows, isWhole });
  await reading()();
  const { classes, isCut } = held.get(DOMAIN)?.read ?? {};
  expect(isCut).toBe(true);
  expect(classes).toHaveLength(Math.min(50, rows.length));
  expect(classes?.[0]).toEqual(rows.at(-1));
});

test.each([
  ['without classes', () => undefined, 'not-given', 0],
  ['that refuses the key', refuse('unauthorized'), 'not-given', 0],
  ['that limits calls', refuse('rate-limited'), 'rate-limited', 1],
  ['that fails', refuse('unavailable'), 'unavailable', 1],
])('a Mailgun %s leaves a note beside the last classes, until they are old', async (_name, fails, note, reported) => {
  const read = reading();
  await read();
  const before = held.get(DOMAIN)?.read;
  reply = fails;
  for (const days of [1, 7]) {
    nowMs = FIRST_MS + days * DAY_MS;
    await read();
    expect(held.get(DOMAIN)).toEqual({ triedAt: nowMs, note, read: before });
    await read();
  }
  expect(calls).toHaveLength(3);
  nowMs = FIRST_MS + 8 * DAY_MS;
  await read();
  expect(held.get(DOMAIN)).toEqual({ triedAt: nowMs, note, read: null });
  expect(failures).toHaveLength(3 * reported);
});

test('a run that is cut within the call has used its attempt, and records that it did not finish', async () => {
  reply = () => {
    throw new Error('cut');
  };
  await reading()();
  expect(held.get(DOMAIN)).toEqual({ triedAt: FIRST_MS, note: 'unfinished', read: null });
  nowMs += 900_000;
  await reading()();
  expect(calls).toHaveLength(1);
});

test('two concurrent runs call Mailgun once', async () => {
  const first = reading()();
  nowMs += 1;
  await Promise.all([first, reading()()]);
  expect(calls).toHaveLength(1);
});

test('readClasses does not call Mailgun without an API key or a recorded attempt', async () => {
  await reading({ isConfigured: async () => false })();
  await reading({ isConfigured: () => Promise.reject(new Error('no secret')) })();
  expect(failures).toEqual([]);
  await reading({ write: () => Promise.reject(new Error('no table')) })();
  expect(failures).toHaveLength(1);
  expect(calls).toEqual([]);
});

test('domains for which no time is left are read in the next run', async () => {
  const domains = Array.from({ length: 9 }, (_, nth) => `d${nth}.example.com`);
  callTakesMs = 1000;
  const read = reading({ domains });
  reply = refuse('unavailable');
  await read();
  expect(calls.length).toBeGreaterThan(0);
  expect(calls.length).toBeLessThan(9);
  nowMs += 900_000;
  await read();
  nowMs += 900_000;
  await read();
  nowMs += 900_000;
  await read();
  expect(calls.toSorted()).toEqual(domains);
});
