import { z } from 'zod';
import type { AcceptLine } from '../../../../cli/commands/accept.ts';
import { count } from './fields.ts';

const bounds = { domain: z.string(), start: z.iso.datetime(), end: z.iso.datetime() };

/** Lines of `accept --json`: the slice after its last pass, then the result. */
export const acceptLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('slice'),
    ...bounds,
    state: z.enum(['due', 'open', 'short', 'settled', 'unlisted']),
    missing: count,
    altered: count,
    short: count,
    unconfirmed: count,
    /** From earlier acceptances. */
    accepted: count,
    acceptedBefore: z.strictObject({ reason: z.string(), at: z.iso.datetime() }).nullable(),
  }),
  z.strictObject({ event: z.literal('nothing-to-accept') }),
  z.strictObject({ event: z.literal('plan'), events: count }),
  z.strictObject({ event: z.literal('accepted'), ...bounds, accepted: count, reason: z.string() }),
  z.strictObject({ event: z.literal('not-accepted'), state: z.string(), why: z.string(), whatToDo: z.string() }),
]) satisfies z.ZodType<AcceptLine>;
