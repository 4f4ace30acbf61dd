import { DAY_MS } from '../../contract.ts';
import { INDEXED_NAMES, OTHER_EVENT } from '../event-types.ts';
import type { JsonObject } from '../json.ts';
import { dayIndexKey, utcDay } from '../keys.ts';
import type { EventPlace } from '../ledger/ledger-name.ts';
import { type DayShards, eachShard } from './day-shards.ts';
import { eventName } from './event.ts';

/** Types with a partition of their own in the index by day. */
export const INDEXED_TYPES = INDEXED_NAMES;

/** Partition of every other type. */
export const OTHER_TYPE = OTHER_EVENT.event;

/** Position and time of a stored event, as in the day index. */
export interface StoredKey extends EventPlace {
  atMs: number;
}

/** A stretch of time in epoch milliseconds; the end does not belong to it. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

/** Returns all partitions of the day index in a time range, one list per day, in order. */
export function dayPartitions(domain: string, fromMs: number, toMs: number, shards: DayShards): string[][] {
  const days: string[] = [];
  for (let ms = Math.floor(fromMs / DAY_MS) * DAY_MS; ms <= toMs; ms += DAY_MS) days.push(utcDay(ms));
  return days.map((day) =>
    [...INDEXED_TYPES, OTHER_TYPE].flatMap((type) =>
      eachShard(shards, day).map((shard) => dayIndexKey(domain, day, type, shard)),
    ),
  );
}

/** Returns the partition of an event in the day index. */
export function dayPartition(domain: string, timeMs: number, event: JsonObject, shard = 0): string {
  return dayIndexKey(domain, utcDay(timeMs), indexedType(eventName(event)), shard);
}

/** Returns the day index's type for events of this name. */
export function indexedType(name: string): string {
  return INDEXED_TYPES.find((indexed) => indexed === name) ?? OTHER_TYPE;
}

/** Returns the partition of a shard for a type and the day of a time. */
export function typePartition(domain: string, timeMs: number, type: string, shard: number): string {
  return dayIndexKey(domain, utcDay(timeMs), type, shard);
}
