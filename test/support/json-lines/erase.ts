import { z } from 'zod';
import type { EraseLine } from '../../../cli/commands/erase/erase-job.ts';

const count = z.int().min(0);

/** What was found of a recipient in the table, or was done about it. */
const found = {
  /** Events of theirs; each leaves a tombstone. */
  events: count,
  statuses: count,
  suppressions: count,
  /** Events of others that name them; the address is taken out. */
  mentions: count,
};

/** The lines of `erase --json`. None holds the address. */
export const eraseLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('plan'),
    messages: count,
    ...found,
    /** Dead letters in all; whose they are shows only when they are received. */
    deadLetters: count,
    /** Objects of the archive, each to be read. */
    objects: count,
    items: count,
    waitSeconds: count,
    /** Dollars, at most. */
    cost: z.number().min(0),
  }),
  z.strictObject({ event: z.literal('marked'), isNew: z.boolean() }),
  z.strictObject({ event: z.literal('waiting'), seconds: count }),
  z.strictObject({ event: z.literal('scanning'), items: count }),
  z.strictObject({ event: z.literal('swept'), sweep: count, items: count, ...found }),
  z.strictObject({ event: z.literal('dead-letters'), received: count, sentBack: count, deleted: count, hidden: count }),
  /** In the DLQs of receivers and the queue of what could not be published. */
  z.strictObject({ event: z.literal('deliveries'), received: count, sentBack: count, deleted: count, hidden: count }),
  z.strictObject({ event: z.literal('waiting-for-seal') }),
  z.strictObject({ event: z.literal('reading-archive'), objects: count, of: count }),
  z.strictObject({ event: z.literal('fault'), where: z.string(), what: z.string() }),
  z.strictObject({
    event: z.literal('archive'),
    /** Objects that were read. */
    objects: count,
    rewritten: count,
    /** Rows that were changed in them. */
    rows: count,
    /** Old versions that were removed. */
    versions: count,
    /** Objects that are not as they were sealed, and were left as they are. */
    faults: count,
  }),
  z.strictObject({ event: z.literal('stopped'), again: z.string() }),
  z.strictObject({
    event: z.literal('erased'),
    ...found,
    deadLetters: count,
    /** Dead letters that were in someone else's hands all the time; whose they are is not known. */
    hidden: count,
    /** Items whose key or tags hold the address; they stay. */
    kept: count,
    /** Messages in the queue, of whomever; process turns those of the recipient into tombstones. */
    queued: count,
  }),
]) satisfies z.ZodType<EraseLine>;
