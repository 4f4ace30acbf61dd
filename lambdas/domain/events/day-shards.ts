import { createHash } from 'node:crypto';
import { MAX_DAY_SHARDS } from '../../contract.ts';
import { utcDay } from '../keys.ts';

/**
 * Number of shards per type in the day index, each from a UTC day on; one shard before the first. Numbers only rise, so
 * a reader finds what was stored on a day before its number rose.
 */
export type DayShards = readonly { readonly from: string; readonly count: number }[];

const DAY = /^\d{4}-\d\d-\d\d$/;

/** Parses shard numbers. Throws for any other text: stored events would not be found. */
export function parseDayShards(text: string): DayShards {
  const list = JSON.parse(text) as unknown;
  if (!Array.isArray(list) || !list.every(isEntry))
    throw new Error(`the shards of the day index are unreadable: ${text}`);
  return list;
}

function isEntry(value: unknown): value is DayShards[number] {
  const { from, count } = (value ?? {}) as Partial<DayShards[number]>;
  return typeof from === 'string' && DAY.test(from) && isShardCount(count);
}

const isShardCount = (count: unknown) =>
  Number.isSafeInteger(count) && Number(count) >= 1 && Number(count) <= MAX_DAY_SHARDS;

/** Returns how many shards each type has on a UTC day. */
export function shardCount(shards: DayShards, day: string): number {
  return shards.findLast(({ from }) => from <= day)?.count ?? 1;
}

/** Returns the shards of a UTC day in their order. */
export function eachShard(shards: DayShards, day: string): number[] {
  return Array.from({ length: shardCount(shards, day) }, (_, shard) => shard);
}

/** Returns the shard into which an event of that time is stored, by the hash of its event key. */
export function shardOf(shards: DayShards, timeMs: number, eventKey: string): number {
  const count = shards.length === 0 ? 1 : shardCount(shards, utcDay(timeMs));
  return count === 1 ? 0 : createHash('sha256').update(eventKey).digest().readUInt32BE() % count;
}
