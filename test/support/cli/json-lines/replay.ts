import { z } from 'zod';
import type { RestoreLine } from '../../../../cli/commands/replay/from-archive.ts';
import type { ReplayLine } from '../../../../cli/commands/replay/report.ts';
import { count } from './fields.ts';

const counts = {
  slices: count,
  newSlices: count,
  changedSlices: count,
  /** Events that Mailgun lists. */
  expected: count,
  missing: count,
  /** Requeued; in a plan, to be requeued. */
  sent: count,
  /** Requeued five times, and no longer. */
  stuck: count,
  /** Slices beyond Mailgun's retention. */
  unreachable: count,
};

/** Upper limits. */
const cost = z.strictObject({ writes: count, reads: count, queueRequests: count, dollars: z.number().min(0) });

/** The lines of `replay --json`. */
export const replayLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('progress'), domain: z.string(), reached: z.iso.datetime(), ...counts }),
  z.strictObject({ event: z.enum(['waiting', 'left']), domain: z.string(), why: z.string() }),
  z.strictObject({ event: z.literal('resume'), commands: z.array(z.string()) }),
  z.strictObject({ event: z.literal('noted') }),
  z.strictObject({ event: z.literal('replayed'), complete: z.boolean(), ...counts }),
  z.strictObject({
    event: z.literal('plan'),
    complete: z.boolean(),
    ...counts,
    cost,
  }),
]) satisfies z.ZodType<ReplayLine>;

const restored = {
  /** In table and archive together. */
  events: count,
  sent: count,
  /** Of those, older than the table's retention; null where that is not known. */
  expired: count.nullable(),
  /** Events that have no known position: of erased recipients, or named for another place. */
  unplaced: count,
  slices: count,
  /** Erasure markers. */
  markers: count,
};

/** The lines of `replay --from-archive --json`. */
export const restoreLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('progress'), domain: z.string(), reached: z.iso.datetime(), ...restored }),
  z.strictObject({ event: z.literal('waiting'), messages: count }),
  z.strictObject({ event: z.literal('left'), domain: z.string(), why: z.string() }),
  z.strictObject({ event: z.literal('resume'), commands: z.array(z.string()) }),
  z.strictObject({ event: z.literal('restored'), complete: z.boolean(), ...restored }),
  z.strictObject({ event: z.literal('plan'), complete: z.boolean(), ...restored, cost }),
]) satisfies z.ZodType<RestoreLine>;
