import { secondPassSeconds } from '../../lambdas/contract.ts';
import type { Cursor } from '../../lambdas/domain/reconcile-ports.ts';
import type { Slice } from '../../lambdas/domain/slice.ts';
import type { LedgerTimes } from './times.ts';

/** Whether the slice was compared once more after Mailgun had all its time: only then does an absence say something. */
export function isLookedAtTwice(slice: Slice, cursor: Cursor | undefined, { retentionSeconds }: LedgerTimes): boolean {
  if (cursor !== undefined && slice.start < cursor.second) return true;
  return slice.passedAt >= (slice.end + secondPassSeconds(retentionSeconds)) * 1000;
}
