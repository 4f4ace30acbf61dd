import type { LedgerStats } from '../controls/ledger-controls.ts';

/** What the stack says of itself. */
export async function readStackStats(controlUrl: string, signal: AbortSignal): Promise<LedgerStats> {
  const response = await fetch(`${controlUrl.replace(/\/$/, '')}/stats`, { signal });
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as LedgerStats;
}
