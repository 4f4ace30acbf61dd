import { z } from 'zod';
import type { WhyLine } from '../../../cli/commands/why.ts';

const event = z.strictObject({
  key: z.string(),
  at: z.iso.datetime(),
  /** What happened, for people. */
  says: z.string(),
  /** What brought it first, and when; null where that is not kept. */
  source: z.enum(['webhook', 'reconcile']).nullable(),
  receivedAt: z.iso.datetime().nullable(),
  /** When a webhook brought it; null where none did. */
  webhookAt: z.iso.datetime().nullable(),
  decides: z.boolean(),
  erased: z.boolean(),
  /** Whether the table holds it, or it was read in the archive. */
  archived: z.boolean(),
  reconciled: z.strictObject({
    slice: z.enum(['open', 'short', 'settled', 'unlisted', 'due', 'not due', 'unknown']),
    listed: z.enum(['yes', 'never', 'unknown']),
    why: z.string().nullable(),
  }),
  /** With --all, the rest of the event as Mailgun sent it. */
  details: z.looseObject({ tags: z.unknown(), other: z.record(z.string(), z.unknown()) }).exactOptional(),
});

/** The lines of `why --json`: the message, then one line for each recipient. */
export const whyLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('message'),
    messageId: z.string(),
    recipients: z.int(),
    events: z.int(),
    archivedDays: z.array(z.iso.date()),
  }),
  z.strictObject({
    event: z.literal('recipient'),
    recipient: z.string(),
    status: z.string().nullable(),
    reason: z.string().nullable(),
    statusAt: z.iso.datetime().nullable(),
    decidedBy: z.string().nullable(),
    /** Why that event counts more than the others. */
    because: z.string(),
    /** Events that Mailgun never listed. */
    mayBeForged: z.int(),
    events: z.array(event),
    /** With --classes, where anything failed. */
    classes: z
      .strictObject({
        sendingDomain: z.string(),
        recipientDomain: z.string(),
        day: z.iso.date(),
        classes: z.array(
          z.strictObject({
            entity: z.string().nullable(),
            category: z.string().nullable(),
            severity: z.string().nullable(),
            explanation: z.string().nullable(),
            failures: z.int(),
          }),
        ),
        /** Why Mailgun does not tell them; null where it does. */
        unknown: z.string().nullable(),
      })
      .exactOptional(),
  }),
]) satisfies z.ZodType<WhyLine>;
