import { MESSAGES, METRICS } from '../contract.ts';

/** The most lines of each reason in ten seconds of one execution. */
const LOGGED_EACH = 10;
const PERIOD_MS = 10_000;

type RefusalFacts = Readonly<Record<string, string | number | boolean | undefined>>;

interface Log {
  count(metric: string, message: string, facts: RefusalFacts & { reason: string }, times?: number): void;
}

interface RefusalLog {
  /** Logs and counts one refusal; beyond the rate it counts only. */
  note(reason: string, facts: RefusalFacts): void;
  /** Writes one line for each reason whose period is over and that has more refusals than lines. */
  settle(): void;
}

/**
 * Returns a refusal log whose cost a flood of forged posts cannot raise. Counts that were not logged are written with
 * the next webhook after their period; without one, they are lost.
 */
export function createRefusalLog(log: Log, now: () => number): RefusalLog {
  const periods = new Map<string, { readonly endsMs: number; lines: number; unlogged: number }>();
  const settle = () => {
    for (const [reason, { endsMs, unlogged }] of periods) {
      if (now() < endsMs) continue;
      periods.delete(reason);
      if (unlogged > 0) log.count(METRICS.refused, MESSAGES.refusedUnlogged, { reason }, unlogged);
    }
  };
  return {
    settle,
    note(reason, facts) {
      settle();
      const period = periods.get(reason) ?? { endsMs: now() + PERIOD_MS, lines: 0, unlogged: 0 };
      periods.set(reason, period);
      if (period.lines === LOGGED_EACH) {
        period.unlogged += 1;
        return;
      }
      period.lines += 1;
      log.count(METRICS.refused, MESSAGES.refused, { reason, ...facts });
    },
  };
}
