import type { Lease } from './ports.ts';

/** Another run has taken over, so the results of this one are void. */
export class LostRaceError extends Error {
  override name = 'LostRaceError';
}

export interface LeaseDeps {
  lease: Lease;
  now: () => number;
  newRunId: () => string;
  /** Calls a task at this interval, until the returned function is called. */
  every: (ms: number, task: () => Promise<void>) => () => void;
}

/** Longer than the longest wait for Mailgun, so that a renewal may fail twice before the lease ends. */
const LEASE_MS = 120_000;
const RENEW_EVERY_MS = 30_000;

/** The lease of a run: its id, and a check that throws `LostRaceError` once another run holds it. */
export interface HeldLease {
  runId: string;
  assertHeld(): void;
}

/**
 * Runs the work under the lease, which a timer renews; returns `busy` if another run holds it: a conditional write of
 * the table (`lease-repository.ts`) admits the holder, and anyone once the lease is over.
 */
export async function withLease<T>(deps: LeaseDeps, work: (held: HeldLease) => Promise<T>): Promise<T | 'busy'> {
  const { lease, now } = deps;
  const runId = deps.newRunId();
  let heldUntil = now() + LEASE_MS;
  if (!(await lease.hold(runId, now(), heldUntil))) return 'busy';
  let isTaken = false;
  const renew = async () => {
    const nowMs = now();
    try {
      if (await lease.hold(runId, nowMs, nowMs + LEASE_MS)) heldUntil = nowMs + LEASE_MS;
      else isTaken = true;
    } catch {
      // The table does not respond; the lease holds until its time is over, and the next renewal may succeed.
    }
  };
  const stop = deps.every(RENEW_EVERY_MS, renew);
  const assertHeld = () => {
    if (isTaken || now() >= heldUntil) throw new LostRaceError();
  };
  try {
    return await work({ runId, assertHeld });
  } finally {
    stop();
    // It expires by itself.
    await lease.release(runId).catch(() => {});
  }
}

/** Calls a task at an interval, whatever else is under way; returns the function that stops it. */
export function every(ms: number, task: () => Promise<void>): () => void {
  const timer = setInterval(() => void task(), ms);
  return () => clearInterval(timer);
}
