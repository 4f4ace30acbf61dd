/** An event stored within this time of its receipt needs no separate storing time: the receipt is used. */
export const PROMPTLY_MS = 15_000;

/** An event is in the day index this long after it was stored: 15 s for its storing time, the rest for write and index. */
export const VISIBLE_AFTER_MS = 90_000;

/** When an event was received, and when it was stored if that was later; epoch milliseconds. */
export interface StoredTime {
  receivedAtMs: number;
  storedAtMs?: number | undefined;
}

/** Returns the storing time to keep with an event; nothing for one that is stored promptly. */
export function lateStoredTime(receivedAtMs: number, nowMs: number): { storedAtMs?: number } {
  return nowMs - receivedAtMs > PROMPTLY_MS ? { storedAtMs: nowMs } : {};
}

/** Returns when an event was stored, up to 15 seconds too early. */
export function storedTimeOf({ receivedAtMs, storedAtMs }: StoredTime): number {
  return storedAtMs ?? receivedAtMs;
}
