// Imports nothing: functions, command line and page read it.

/** Median and 95th percentile in seconds; null without data. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
}

/** Returns how long mails took, as command line and page say it. */
export function durations({ p50, p95 }: Percentiles): string {
  return p50 === null || p95 === null ? 'not known' : `half within ${duration(p50)}, 95 % within ${duration(p95)}`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
