import { z } from 'zod';
import type { DistrustLine } from '../../../../cli/commands/distrust.ts';
import { count } from './fields.ts';

/** The lines of `distrust --json`: one for each recipient and suppression, then the sums. */
export const distrustLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('recipient'),
    recipient: z.string(),
    unconfirmed: count,
    status: z.string().nullable(),
    becomes: z.string().nullable(),
    changes: z.boolean(),
  }),
  z.strictObject({
    event: z.literal('suppression'),
    recipient: z.string(),
    domain: z.string(),
    kind: z.string(),
    lifts: z.boolean(),
    fix: z.string().nullable(),
  }),
  z.strictObject({
    event: z.enum(['plan', 'distrusted']),
    messageId: z.string(),
    statuses: count,
    suppressions: count,
    left: count,
  }),
]) satisfies z.ZodType<DistrustLine>;
