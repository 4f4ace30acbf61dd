import { z } from 'zod';
import type { EraseLine } from '../../../../cli/commands/erase/erase-job.ts';
import { count } from './fields.ts';

/** Items of a recipient found in the table, or changed. */
const found = {
  /** The recipient's events; each leaves a tombstone. */
  events: count,
  statuses: count,
  suppressions: count,
  /** Other recipients' events that contain the address, which is removed. */
  mentions: count,
  /** Of the events, statuses and suppressions, those whose recipient names another address as well. */
  shared: count,
};

/** The lines of `erase --json`. None holds the address. */
export const eraseLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('plan'),
    messages: count,
    ...found,
    /** Dead letters of all recipients; whose they are shows only when they are received. */
    deadLetters: count,
    /** Archive objects to read. */
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
  /** In the receivers' DLQs and the publish failure queue. */
  z.strictObject({ event: z.literal('deliveries'), received: count, sentBack: count, deleted: count, hidden: count }),
  z.strictObject({ event: z.literal('waiting-for-seal') }),
  z.strictObject({ event: z.literal('reading-archive'), objects: count, of: count }),
  z.strictObject({ event: z.literal('fault'), where: z.string(), what: z.string() }),
  z.strictObject({ event: z.literal('archive-unreached'), domains: z.array(z.string()).min(1) }),
  z.strictObject({
    event: z.literal('archive'),
    /** Objects read. */
    objects: count,
    rewritten: count,
    /** Rows changed in them. */
    rows: count,
    /** Old versions deleted. */
    versions: count,
    /** Objects that differ from their seal, left unchanged. */
    faults: count,
  }),
  z.strictObject({ event: z.literal('stopped'), again: z.string() }),
  z.strictObject({
    event: z.literal('erased'),
    ...found,
    deadLetters: count,
    /** Dead letters that were invisible all the time; whose they are is unknown. */
    hidden: count,
    /** Items whose key or tags contain the address; they stay. */
    kept: count,
    /** Messages of all recipients in the queue; process turns those of the recipient into tombstones. */
    queued: count,
  }),
]) satisfies z.ZodType<EraseLine>;
