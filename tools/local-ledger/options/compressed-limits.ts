import type { ReconcileChoice } from './reconcile-choice.ts';

/** As in the configuration; a test compares them. */
const OLDEST_MESSAGE_SECONDS = 300;
const PUBLISH_LAG_SECONDS = 21_600;
const MAX_PERIOD_SECONDS = 43_200;

/**
 * Scales time limits of metrics to the compressed minute; limits on reconcile's backlog become two of its runs. Latency
 * limits stay, since responses are not faster here.
 */
export function compressedLimits(metricPeriodSeconds: number, reconcileEverySeconds: number) {
  const compressed = (seconds: number) => Math.max(1, Math.round((seconds * metricPeriodSeconds) / 60));
  const runMinutes = Math.ceil((2 * reconcileEverySeconds) / metricPeriodSeconds);
  return {
    oldestMessageSeconds: compressed(OLDEST_MESSAGE_SECONDS),
    publishLagSeconds: compressed(PUBLISH_LAG_SECONDS),
    runPeriodSeconds: Math.min(60 * runMinutes, MAX_PERIOD_SECONDS),
  };
}

/**
 * Half of the retention as deployed, but no earlier than the alarms on its causes, which take two runs and their
 * period.
 */
export function compressedWatermarkSeconds({
  retentionSeconds,
  settleSeconds,
  sliceSeconds,
  everySeconds,
}: Pick<ReconcileChoice, 'retentionSeconds' | 'settleSeconds' | 'sliceSeconds' | 'everySeconds'>): number {
  return Math.max(Math.floor(retentionSeconds / 2), settleSeconds + sliceSeconds + 4 * everySeconds);
}
