import type { Stats } from '../stats.ts';

/** What the stack says of itself. */
export async function readStackStats(controlUrl: string, signal: AbortSignal): Promise<Stats> {
  const response = await fetch(`${controlUrl.replace(/\/$/, '')}/stats`, { signal });
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Stats;
}
