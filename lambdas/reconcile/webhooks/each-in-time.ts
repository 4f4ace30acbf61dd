import { HOUR_MS } from '../../contract.ts';
import { eachOf, startingWith } from '../../domain/concurrency.ts';

/** Mailgun responds faster than this. */
const SHARE_MS = 1000;
const MAX_AT_ONCE = 8;

/**
 * Calls Mailgun for each domain in turn, with an equal share of the time. If there are too many, several are called in
 * parallel, and those without time left have their turn in another hour.
 */
export async function eachInTime<T>(
  domains: readonly T[],
  { maxMs, endMs: lastMs, now }: { maxMs: number; endMs?: number | undefined; now: () => number },
  visit: (domain: T, deadlineMs: number) => Promise<void>,
): Promise<void> {
  const endMs = Math.min(now() + maxMs, lastMs ?? Number.POSITIVE_INFINITY);
  const atOnce = Math.min(MAX_AT_ONCE, Math.ceil((domains.length * SHARE_MS) / maxMs));
  const turns = atOnce > 1 ? startingWith(domains, Math.floor(now() / HOUR_MS)) : domains;
  await eachOf(turns.entries(), atOnce, async ([index, domain]) => {
    const leftMs = endMs - now();
    const shareMs = (leftMs * atOnce) / (turns.length - index);
    if (atOnce === 1) await visit(domain, now() + shareMs);
    else if (leftMs > 0) await visit(domain, now() + Math.min(leftMs, Math.max(SHARE_MS, shareMs)));
  });
}
