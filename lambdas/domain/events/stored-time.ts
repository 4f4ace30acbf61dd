/** An event stored within this time of its receipt needs no separate storing time: the receipt is used. */
export const PROMPTLY_MS = 15_000;

/** So long after an event was stored it is in the day index: 15 seconds for its time of storing, the rest for the write and the index. */
export const VISIBLE_AFTER_MS = 90_000;

/** When an event was received, and when it was stored if that was later; epoch milliseconds. */
export interface StoredTime {
  receivedAtMs: number;
  storedAtMs?: number | undefined;
}

/** Returns the time of storing as it is kept of an event: nothing of one that is stored promptly. */
export function lateStoredTime(receivedAtMs: number, nowMs: number): { storedAtMs?: number } {
  return nowMs - receivedAtMs > PROMPTLY_MS ? { storedAtMs: nowMs } : {};
}

/** Returns when an event was stored, up to 15 seconds too early. */
export function storedTimeOf({ receivedAtMs, storedAtMs }: StoredTime): number {
  return storedAtMs ?? receivedAtMs;
}
