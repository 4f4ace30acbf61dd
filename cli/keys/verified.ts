import { MESSAGES } from '../../lambdas/contract.ts';
import type { LogEntry, Target } from '../target.ts';

export interface Verified {
  readonly current: number;
  readonly previous: number;
  readonly parent: number;
  readonly unauthorized: number;
}

/** Which key verified the webhooks that were taken since then. Ingest logs only those of another key than the current. */
export async function readVerified(target: Target, sinceMs: number): Promise<Verified> {
  const [access, others, refused] = await Promise.all([
    target.logs('webhook-access', sinceMs),
    target.logs('ingest', sinceMs, MESSAGES.verifiedByAnotherKey),
    target.logs('ingest', sinceMs, MESSAGES.refused),
  ]);
  const count = (entries: readonly LogEntry[], name: string, value: string) =>
    entries.filter(({ facts }) => String(facts[name]) === value).length;
  const previous = count(others, 'key', 'previous');
  const parent = count(others, 'key', 'parent');
  return {
    current: Math.max(0, count(access, 'status', '200') - previous - parent),
    previous,
    parent,
    unauthorized: count(refused, 'reason', 'unauthorized'),
  };
}
