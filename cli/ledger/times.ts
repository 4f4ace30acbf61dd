import { z } from 'zod';
import { OutOfReach, type Target } from '../target.ts';

const times = z.object({
  everySeconds: z.number(),
  settleSeconds: z.number(),
  sliceSeconds: z.number(),
  retentionSeconds: z.number(),
});

/** What the stack chose about its ledger. */
export type LedgerTimes = z.infer<typeof times>;

export function ledgerTimes(target: Target): LedgerTimes {
  const parsed = times.safeParse(JSON.parse(target.output('LedgerTimes')));
  if (!parsed.success) throw new OutOfReach(`the output LedgerTimes of ${target.stackName} is of another version`);
  return parsed.data;
}
