import { z } from 'zod';
import type { DrillLine } from '../../../../cli/commands/drill.ts';

/** The lines of `drill --json`. */
export const drillLine = z.discriminatedUnion('event', [
  /** A topic that the alarm notifies, on AWS. */
  z.strictObject({ event: z.literal('subscribed'), topic: z.string(), confirmed: z.int(), pending: z.int() }),
  z.strictObject({ event: z.literal('sounded'), alarm: z.string() }),
  z.strictObject({
    event: z.literal('arrived'),
    alarm: z.string(),
    topic: z.string(),
    subject: z.string(),
    tookMs: z.int().min(0),
  }),
  /** `arrived`: null if only a person could know, and no one was asked. */
  z.strictObject({ event: z.literal('drilled'), alarm: z.string(), arrived: z.boolean().nullable() }),
]) satisfies z.ZodType<DrillLine>;
