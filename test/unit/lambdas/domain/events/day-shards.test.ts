import { dayPartitions } from '../../../../../lambdas/domain/events/day-index.ts';
import { parseDayShards, shardCount, shardOf } from '../../../../../lambdas/domain/events/day-shards.ts';
import { dayIndexKey, parseDayIndexKey } from '../../../../../lambdas/domain/keys.ts';

const SHARDS = [
  { from: '2026-02-02', count: 4 },
  { from: '2026-02-04', count: 8 },
];
const DAY_MS = 86_400_000;
const SECOND_MS = Date.UTC(2026, 1, 2);

test.each([
  ['2026-02-01', 1],
  ['2026-02-02', 4],
  ['2026-02-03', 4],
  ['2026-02-04', 8],
  ['2030-01-01', 8],
])('%s has %i shards', (day, count) => {
  expect(shardCount(SHARDS, day)).toBe(count);
});

test('without shards the key of each day is unchanged', () => {
  expect(shardOf([], SECOND_MS, 'delivered#1')).toBe(0);
  expect(dayIndexKey('mg.example.com', '2026-02-02', 'delivered')).toBe('mg.example.com#2026-02-02#delivered');
  expect(dayPartitions('mg.example.com', SECOND_MS, SECOND_MS, [])[0]).toHaveLength(10);
});

test("a late event of a day before the first shard number keeps that day's key", () => {
  expect(shardOf(SHARDS, SECOND_MS - 1, 'delivered#1')).toBe(0);
});

test('events are spread evenly over the shards of their day by their keys', () => {
  const counts = Array<number>(8).fill(0);
  for (let n = 0; n < 8000; n += 1) {
    const shard = shardOf(SHARDS, SECOND_MS + 2 * DAY_MS, `delivered#${n}`);
    counts[shard]! += 1;
    expect(shardOf(SHARDS, SECOND_MS + 3 * DAY_MS - 1, `delivered#${n}`)).toBe(shard);
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('a range across a change of the number reads the shards that each day has', () => {
  const days = dayPartitions('mg.example.com', SECOND_MS - 1, SECOND_MS + 2 * DAY_MS, SHARDS);

  expect(days.map((partitions) => partitions.length)).toEqual([10, 40, 40, 80]);
  expect(new Set(days.flat()).size).toBe(170);
});

test('the partition of a shard is parsed like that of a whole day', () => {
  const whole = { domain: 'mg.example.com', day: '2026-02-02', type: 'delivered' };
  expect(parseDayIndexKey(dayIndexKey('mg.example.com', '2026-02-02', 'delivered', 3))).toEqual(whole);
  expect(parseDayIndexKey(dayIndexKey('mg.example.com', '2026-02-02', 'delivered'))).toEqual(whole);
});

describe('the shards in an environment variable', () => {
  test('are parsed as written', () => {
    expect(parseDayShards(JSON.stringify(SHARDS))).toEqual(SHARDS);
  });

  test.each([
    '{}',
    '[{"from":"2026-02-02"}]',
    '[{"from":"soon","count":8}]',
    '[{"from":"2026-02-02","count":0}]',
    '[null]',
  ])('are an error if they are %s', (text) => {
    expect(() => parseDayShards(text)).toThrow('the shards of the day index are unreadable');
  });
});
