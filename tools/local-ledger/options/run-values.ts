/** Values known only at run time, keyed by the placeholder in the assembly, so that one assembly serves every run. */
export type RunValues = Readonly<Record<string, string>>;

/** Values that a configuration cannot contain by chance. */
export const PLACEHOLDERS = {
  twinUrl: 'https://twin.invalid',
  dashboardUrl: 'https://dashboard.invalid',
  startEpochSeconds: 9_876_543_210,
} as const;

/** Returns the run's value for each placeholder. */
export function runValues(twinUrl: string, dashboardUrl: string, startMs: number): RunValues {
  return {
    [PLACEHOLDERS.twinUrl]: twinUrl,
    [PLACEHOLDERS.dashboardUrl]: dashboardUrl,
    [PLACEHOLDERS.startEpochSeconds]: String(Math.floor(startMs / 1000)),
  };
}
