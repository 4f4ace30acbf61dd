import type { Lease } from '../domain/reconcile-ports.ts';

/** Somebody else wrote what this run was about to write, so its results are void. */
export class LostRaceError extends Error {
  override name = 'LostRaceError';
}

export interface LeaseDeps {
  lease: Lease;
  now: () => number;
  newHolderId: () => string;
}

const LEASE_MS = 30_000;
const PROLONG_AFTER_MS = 10_000;

/** Works while no other run does; `busy` where one is at work. `keepAlive` throws once the lease is lost. */
export async function withLease<T>(
  { lease, now, newHolderId }: LeaseDeps,
  work: (keepAlive: () => Promise<void>) => Promise<T>,
): Promise<T | 'busy'> {
  const holder = newHolderId();
  let heldAt = now();
  if (!(await lease.hold(holder, heldAt, heldAt + LEASE_MS))) return 'busy';
  const keepAlive = async () => {
    const nowMs = now();
    if (nowMs - heldAt < PROLONG_AFTER_MS) return;
    if (!(await lease.hold(holder, nowMs, nowMs + LEASE_MS))) throw new LostRaceError();
    heldAt = nowMs;
  };
  try {
    return await work(keepAlive);
  } finally {
    // It runs out by itself.
    await lease.release(holder).catch(() => {});
  }
}
