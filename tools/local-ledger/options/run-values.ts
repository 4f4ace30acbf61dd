/** What only a run knows, by what its assembly holds in place of it, so that one assembly serves every run. */
export type RunValues = Readonly<Record<string, string>>;

/** Such as no configuration holds by chance. */
export const PLACEHOLDERS = {
  twinUrl: 'https://twin.invalid',
  dashboardUrl: 'https://dashboard.invalid',
  startEpochSeconds: 9_876_543_210,
} as const;

/** Returns what takes the place of each placeholder in a run. */
export function runValues(twinUrl: string, dashboardUrl: string, startMs: number): RunValues {
  return {
    [PLACEHOLDERS.twinUrl]: twinUrl,
    [PLACEHOLDERS.dashboardUrl]: dashboardUrl,
    [PLACEHOLDERS.startEpochSeconds]: String(Math.floor(startMs / 1000)),
  };
}
