import { z } from 'zod';
import type { PublishLine } from '../../../../cli/commands/publish.ts';
import { count } from './fields.ts';

const sums = {
  /** Stored events read. */
  events: count,
  statuses: count,
  suppressions: count,
  /** Events that the bus rejects permanently. */
  refused: count,
};

/** The lines of `publish --json`. */
export const publishLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('partial'), completeFrom: z.iso.datetime(), retentionDays: z.int().min(1) }),
  z.strictObject({ event: z.literal('progress'), domain: z.string(), reached: z.iso.datetime(), ...sums }),
  z.strictObject({ event: z.enum(['waiting', 'left']), domain: z.string(), why: z.string() }),
  z.strictObject({ event: z.literal('resume'), commands: z.array(z.string()) }),
  z.strictObject({ event: z.literal('published'), complete: z.boolean(), ...sums }),
  z.strictObject({
    event: z.literal('plan'),
    complete: z.boolean(),
    ...sums,
    /** Upper limits. */
    cost: z.strictObject({ published: count, reads: count, dollars: z.number().min(0), seconds: count }),
  }),
]) satisfies z.ZodType<PublishLine>;
