/** Maximum difference of two clocks, in seconds, before one counts as wrong. */
const MAX_SKEW_SECONDS = 60;

interface ClockTimes {
  /** The signed time, in epoch seconds. */
  signedAt: number;
  /** Time of receipt by the gateway in epoch milliseconds, from a second clock of ours; undefined if unknown. */
  gatewayMs: number | undefined;
  nowMs: number;
}

/** Returns whose clock made a signature stale, and by how many seconds it differs from the others. */
export function judgeClocks({ signedAt, gatewayMs, nowMs }: ClockTimes): { clock: string; secondsOff: number } {
  const own = gatewayMs === undefined ? 0 : Math.round((nowMs - gatewayMs) / 1000);
  if (Math.abs(own) > MAX_SKEW_SECONDS) {
    return { clock: own > 0 ? 'ours is ahead' : 'ours is behind', secondsOff: Math.abs(own) };
  }
  const ahead = Math.round(signedAt - nowMs / 1000);
  // A captured webhook that is sent again is as old as one from a clock that is behind.
  return {
    clock: ahead > 0 ? "the sender's is ahead" : "the sender's is behind, or sent again",
    secondsOff: Math.abs(ahead),
  };
}
