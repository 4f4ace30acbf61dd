import { secondPassSeconds } from '../../../../../lambdas/contract.ts';
import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../../../lambdas/domain/json.ts';
import { add, type Counts } from '../../../../../lambdas/domain/ledger/counts.ts';
import {
  isDue,
  isPastSecondPass,
  secondPassAt,
  sliceFrom,
  stateOf,
} from '../../../../../lambdas/domain/ledger/slice.ts';
import {
  addName,
  countTags,
  emptyTally,
  mergeTallies,
  slicePassed,
  storedTypeOf,
} from '../../../../../lambdas/domain/ledger/tally.ts';
import { isExpectedByWebhook } from '../../../../../lambdas/domain/webhooks/webhook-type.ts';

const BOUNDS = { domain: 'mg.example.com', start: 900, end: 1800 };
const NOW = { startedAtMs: 4_900_000, nowMs: 5_000_000, unlisted: false, isOld: false };

test.each([
  { name: 'aligned', from: 1800, length: 900, end: 2700 },
  { name: 'a start in between: shorter, then aligned', from: 2000, length: 900, end: 2700 },
  { name: 'another length from where the old one ended', from: 2700, length: 1200, end: 3600 },
])('slices: $name', ({ from, length, end }) => {
  expect(sliceFrom(from, length)).toEqual({ start: from, end });
});

test.each([
  [3599_999, false],
  [3600_000, true],
])('a slice is due when its end and the settle time have passed (%d ms)', (nowMs, due) => {
  expect(isDue(BOUNDS, 1800, nowMs)).toBe(due);
});

test.each([
  [86_400, 43_200],
  [172_800, 86_400],
  [30 * 86_400, 86_400],
])('with %d s of retention the second pass is after %d s', (retentionSeconds, seconds) => {
  expect(secondPassSeconds(retentionSeconds)).toBe(seconds);
});

describe('counts', () => {
  test('handle names that every object has', () => {
    const counts: Counts = {};
    for (const name of ['__proto__', 'constructor', '__proto__']) add(counts, name);
    expect(Object.entries(counts)).toEqual([
      ['__proto__', 2],
      ['constructor', 1],
    ]);
  });
});

describe('tags', () => {
  test.each<[name: string, event: JsonObject, rows: string[]]>([
    ['none', {}, ['*', '']],
    ['an empty list', { tags: [] }, ['*', '']],
    ['two', { tags: ['a', 'b'] }, ['*', 'a', 'b']],
    ['one twice', { tags: ['a', 'a'] }, ['*', 'a']],
    ['not strings', { tags: [7, null, {}] }, ['*', '']],
    ['no list', { tags: 'a' }, ['*', '']],
    ['the name of the row of all', { tags: ['*'] }, ['*', '']],
    ['a name that every object has', { tags: ['__proto__'] }, ['*', '__proto__']],
  ])('count in their rows: %s', (_, event, rows) => {
    const tally = emptyTally();
    countTags(tally.tags, parseEvent({ event: 'delivered', ...event }));
    expect(Object.keys(tally.tags)).toEqual(rows);
    for (const row of Object.values(tally.tags)) expect(row).toEqual({ delivered: 1 });
  });

  test('beyond a thousand have no row, but count in *', () => {
    const tally = emptyTally();
    for (let n = 0; n < 2000; n += 1) countTags(tally.tags, parseEvent({ event: 'opened', tags: [`tag-${n}`] }));
    expect(Object.keys(tally.tags)).toHaveLength(1000);
    expect(tally.tags['*']).toEqual({ opened: 2000 });
  });
});

test.each<[event: JsonObject, registered: string[], expected: boolean]>([
  [{ event: 'delivered' }, ['delivered'], true],
  [{ event: 'Delivered' }, ['delivered'], true],
  [{ event: 'delivered' }, ['opened'], false],
  [{ event: 'failed', severity: 'permanent' }, ['permanent_fail'], true],
  [{ event: 'failed', severity: 'temporary' }, ['permanent_fail'], false],
  [{ event: 'failed' }, ['permanent_fail'], true],
  [{ event: 'failed' }, ['delivered'], false],
  [{ event: 'rejected' }, ['rejected'], false],
  [{ event: 'stored' }, ['delivered'], false],
])('%j with %j registered is expected by webhook: %s', (event, registered, expected) => {
  expect(isExpectedByWebhook(parseEvent(event), registered)).toBe(expected);
});

test.each([
  ['R#ada@example.org#E#delivered#x', 'delivered'],
  ['R#-#E#-#x', '-'],
])('the type of %s', (sort, type) => {
  expect(storedTypeOf(sort)).toBe(type);
});

describe('a slice after a pass', () => {
  const tally = (over = {}) => ({ ...emptyTally(), ...over });

  test('that found something missing is open, then settled, and may open again', () => {
    const open = slicePassed(BOUNDS, undefined, tally({ listed: { a: 3 }, stored: { a: 2 }, missing: { a: 1 } }), NOW);
    const settled = slicePassed(BOUNDS, open, tally({ listed: { a: 3 }, stored: { a: 3 } }), {
      ...NOW,
      nowMs: 6_000_000,
    });
    const again = slicePassed(BOUNDS, settled, tally({ listed: { a: 4 }, stored: { a: 3 }, missing: { a: 1 } }), NOW);
    expect([open, settled, again].map(stateOf)).toEqual(['open', 'settled', 'open']);
    expect([open, settled, again].map(({ settledAt }) => settledAt)).toEqual([null, 6_000_000, null]);
    expect([open, settled, again].map(({ expected }) => expected)).toEqual([{ a: 3 }, { a: 3 }, { a: 4 }]);
  });

  test('expects events that are listed or stored', () => {
    const slice = slicePassed(
      BOUNDS,
      undefined,
      tally({ listed: { a: 2 }, stored: { a: 2 }, missing: { a: 1 }, unconfirmed: { a: 1 } }),
      NOW,
    );
    expect(slice).toMatchObject({ expected: { a: 3 }, missing: { a: 1 }, unconfirmed: { a: 1 } });
  });
});

test('an altered event and a shrunk listing keep a slice from settling', () => {
  const slice = (over: Partial<ReturnType<typeof emptyTally>>) =>
    stateOf(slicePassed(BOUNDS, undefined, { ...emptyTally(), ...over }, NOW));
  expect([slice({ altered: { a: 1 } }), slice({ short: 1 }), slice({ unconfirmed: { a: 1 } })]).toEqual([
    ...['open', 'short', 'settled'],
  ]);
});

test('a pass without a listing keeps what is known of origins, and never unsettles by it', () => {
  const listed = { ...emptyTally(), listed: { a: 2 }, stored: { a: 2 }, lost: { a: 1 }, tags: { '*': { a: 2 } } };
  const first = slicePassed(BOUNDS, undefined, listed, NOW);
  const later = { ...NOW, startedAtMs: 8_000_000, nowMs: 9_000_000, unlisted: true, isOld: true };
  const again = slicePassed(BOUNDS, first, { ...emptyTally(), stored: { a: 2 } }, later);
  expect(again).toEqual({ ...first, passes: 2, version: 2, finalAt: 9_000_000 });
});

test('sums of tallies include tags named like members of objects', () => {
  const tally = emptyTally();
  Object.assign(tally, { stored: { a: 1 }, sent: 2, sends: 3, short: 1, unconfirmedNames: ['n'] });
  countTags(tally.tags, parseEvent({ event: 'a', tags: ['__proto__'] }));
  expect(mergeTallies([tally, tally])).toEqual({
    ...emptyTally(),
    stored: { a: 2 },
    sent: 4,
    sends: 3,
    short: 2,
    unconfirmedNames: ['n', 'n'],
    tags: Object.fromEntries(['*', '__proto__'].map((tag) => [tag, { a: 2 }])),
  });
});

test('the names of a slice are kept up to a thousand', () => {
  const names: string[] = [];
  for (let n = 0; n < 2000; n += 1) addName(names, `event-${n}`);
  expect(names).toHaveLength(1000);
});

test.each([
  [3600, 1800, 2699, false],
  [3600, 1800, 2700, true],
  [30 * 86_400, 86_400, 900 + 86_399, false],
  [30 * 86_400, 86_400, 900 + 86_400, true],
])('with a retention of %i s, the second pass is due %i s after the end of the slice: at %i s %p', (...given) => {
  const [retention, after, nowSeconds, isPast] = given;
  const bounds = { start: 0, end: 900 };
  expect([secondPassAt(bounds, retention), isPastSecondPass(bounds, retention, nowSeconds * 1000)]).toEqual([
    900 + after,
    isPast,
  ]);
});
