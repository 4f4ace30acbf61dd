import { describe, expect, test } from '@jest/globals';
import { MOST_SENDS, secondPassSeconds } from '../../lambdas/contract.ts';
import type { JsonObject } from '../../lambdas/domain/canonical.ts';
import { add, type Counts, difference, greatest, isLessThan } from '../../lambdas/domain/counts.ts';
import { isDue, sliceFrom, stateOf, waitSeconds } from '../../lambdas/domain/slice.ts';
import {
  confirm,
  countAttempt,
  countListed,
  countUnconfirmed,
  emptyTally,
  shortName,
  slicePassed,
  storedTypeOf,
} from '../../lambdas/domain/tally.ts';
import { isExpectedByWebhook } from '../../lambdas/domain/webhook-type.ts';
import { openLimitSeconds } from '../../lib/config/ledger-times.ts';

const BOUNDS = { domain: 'mg.example.com', start: 900, end: 1800 };
const NOW = { nowMs: 5_000_000, unlisted: false };

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

test('waits double, and what the alarm allows is longer than all of them', () => {
  const waits = [1, 2, 3, 4, 5, 6].map((sends) => waitSeconds(sends, 900) / 60);
  expect(waits).toEqual([15, 30, 60, 120, 240, 240]);
  const all = Array.from({ length: MOST_SENDS }, (_, sends) => waitSeconds(sends + 1, 900));
  const choice = { everySeconds: 900, settleSeconds: 1, sliceSeconds: 1, retentionSeconds: 1 };
  expect(openLimitSeconds(choice)).toBeGreaterThan(all.reduce((sum, wait) => sum + wait, 0));
});

describe('counts', () => {
  test('do not trip over names that every object has', () => {
    const counts: Counts = {};
    for (const name of ['__proto__', 'constructor', '__proto__']) add(counts, name);
    expect(Object.entries(counts)).toEqual([
      ['__proto__', 2],
      ['constructor', 1],
    ]);
    expect(Object.entries(greatest(counts, {}))).toHaveLength(2);
  });

  test('never shrink, and differ by what is missing', () => {
    expect(greatest({ a: 1, b: 5 }, { a: 3, c: 1 })).toEqual({ a: 3, b: 5, c: 1 });
    expect(difference({ a: 3, b: 1 }, { a: 1, b: 2 })).toEqual({ a: 2 });
    expect([isLessThan({}, { a: 1 }), isLessThan({ a: 1 }, { a: 1 }), isLessThan({ a: 1 }, {})]).toEqual([
      true,
      false,
      false,
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
  ])('%s', (_, event, rows) => {
    const tally = emptyTally();
    countListed(tally, { event: 'delivered', ...event });
    expect(Object.keys(tally.tags)).toEqual(rows);
    for (const row of Object.values(tally.tags)) expect(row).toEqual({ delivered: 1 });
  });

  test('beyond a thousand have no row of their own, but count in *', () => {
    const tally = emptyTally();
    for (let n = 0; n < 2000; n += 1) countListed(tally, { event: 'opened', tags: [`tag-${n}`] });
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
  expect(isExpectedByWebhook(event, registered)).toBe(expected);
});

test.each([
  ['R#ada@example.org#E#delivered#x', 'delivered'],
  ['R#-#E#-#x', '-'],
])('the type of %s', (sort, type) => {
  expect(storedTypeOf(sort)).toBe(type);
});

describe('a slice after a pass', () => {
  const tally = (over = {}) => ({ ...emptyTally(), ...over });

  test('that finds something missing is open, then settled, and may open again', () => {
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

  test('expects what is listed or stored, whichever side lacks it', () => {
    const slice = slicePassed(
      BOUNDS,
      undefined,
      tally({ listed: { a: 2 }, stored: { a: 2 }, missing: { a: 1 }, unconfirmed: { a: 1 } }),
      NOW,
    );
    expect(slice).toMatchObject({ expected: { a: 3 }, missing: { a: 1 }, unconfirmed: { a: 1 } });
  });
});

describe('unconfirmed events', () => {
  test('are named until they are listed after all', () => {
    const tally = emptyTally();
    for (const name of ['one', 'two']) countUnconfirmed(tally, name, 'opened');
    confirm(tally, 'one', 'opened');
    const { unconfirmed, unconfirmedNames } = slicePassed(BOUNDS, undefined, tally, NOW);
    expect([unconfirmed, unconfirmedNames]).toEqual([{ opened: 1 }, { [shortName('two')]: 1 }]);
  });

  test('beyond two hundred are counted, and not named', () => {
    const tally = emptyTally();
    for (let n = 0; n < 1000; n += 1) countUnconfirmed(tally, `event-${n}`, 'opened');
    expect(tally.unconfirmed).toEqual({ opened: 1000 });
    expect(Object.keys(tally.unconfirmedNames)).toHaveLength(200);
  });
});

describe('attempts', () => {
  const missing = (names: string[], previous?: Parameters<typeof countAttempt>[2]) => {
    const tally = emptyTally();
    const sent = names.filter((name) => countAttempt(tally, name, previous));
    Object.assign(tally, { listed: { a: 1000 }, missing: { a: names.length } });
    return { sent, slice: slicePassed(BOUNDS, previous, tally, NOW) };
  };

  test('are counted for each event, so a new one is sent beside one that is stuck', () => {
    let { slice } = missing(['old']);
    for (let n = 1; n < MOST_SENDS; n += 1) ({ slice } = missing(['old'], slice));
    expect(slice).toMatchObject({ attempts: { old: 5 }, stuck: 0, sends: 5 });
    const both = missing(['old', 'new'], slice);
    expect(both.sent).toEqual(['new']);
    expect(both.slice).toMatchObject({ attempts: { old: 5, new: 1 }, stuck: 1, sends: 6 });
  });

  test('of very many are counted together, never less than they were', () => {
    const names = Array.from({ length: 1000 }, (_, n) => `event-${n}`);
    const first = missing(names).slice;
    expect(first).toMatchObject({ attempts: {}, otherAttempts: 1 });
    const second = missing(names.slice(0, 10), first).slice;
    expect(second).toMatchObject({ attempts: { 'event-3': 2 }, otherAttempts: 0 });
  });
});
