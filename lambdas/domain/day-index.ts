import type { JsonObject } from './canonical.ts';
import { eventName } from './event.ts';
import { keyPart, utcDay } from './identity.ts';

/** Types with a partition of their own in the day index; a closed set, so that a reader can visit them all. */
export const INDEXED_TYPES = [
  'accepted',
  'clicked',
  'complained',
  'delivered',
  'failed',
  'opened',
  'rejected',
  'stored',
  'unsubscribed',
] as const;

/** Partition of every other type. */
export const OTHER_TYPE = 'other';

const DAY_MS = 86_400_000;

/** `<domain>#<UTC day>#<type>` */
const partitionOf = (domain: string, day: string, type: string) => `${keyPart(domain)}#${day}#${type}`;

/** All partitions of the day index that a stretch of time touches, one list for each day, in their order. */
export function dayPartitions(domain: string, fromMs: number, toMs: number): string[][] {
  const days: string[] = [];
  for (let ms = Math.floor(fromMs / DAY_MS) * DAY_MS; ms <= toMs; ms += DAY_MS) days.push(utcDay(ms));
  return days.map((day) => [...INDEXED_TYPES, OTHER_TYPE].map((type) => partitionOf(domain, day, type)));
}

/** Partition of an event in the day index. */
export function dayPartition(domain: string, timeMs: number, event: JsonObject): string {
  return partitionOf(domain, utcDay(timeMs), indexedType(eventName(event)));
}

/** The type under which the day index holds events of this name. */
export function indexedType(name: string): string {
  return INDEXED_TYPES.find((indexed) => indexed === name) ?? OTHER_TYPE;
}

/** Partition of one type and the day of a time. */
export function typePartition(domain: string, timeMs: number, type: string): string {
  return partitionOf(domain, utcDay(timeMs), type);
}

/** The domain that a partition of the day index is of, as the key has it. */
export function domainOfPartition(partition: string): string {
  return partition.slice(0, partition.indexOf('#'));
}
