import { z } from 'zod';
import type { WhyLine } from '../../../../cli/commands/why.ts';

const event = z.strictObject({
  key: z.string(),
  at: z.iso.datetime(),
  /** The event in a sentence. */
  says: z.string(),
  /** First source of the event, and when; null if that is not kept. */
  source: z.enum(['webhook', 'reconcile']).nullable(),
  receivedAt: z.iso.datetime().nullable(),
  /** When a webhook brought it; null if none did. */
  webhookAt: z.iso.datetime().nullable(),
  decides: z.boolean(),
  erased: z.boolean(),
  /** True if it was read from the archive instead of the table. */
  archived: z.boolean(),
  reconciled: z.strictObject({
    slice: z.enum(['open', 'short', 'settled', 'unlisted', 'due', 'not due', 'unknown']),
    listed: z.enum(['yes', 'never', 'unknown']),
    why: z.string().nullable(),
  }),
  /** With --all, the remaining fields as Mailgun sent them. */
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
    archiveUnread: z.string().nullable(),
  }),
  z.strictObject({
    event: z.literal('recipient'),
    recipient: z.string(),
    status: z.string().nullable(),
    reason: z.string().nullable(),
    statusAt: z.iso.datetime().nullable(),
    decidedBy: z.string().nullable(),
    /** Why that event decides. */
    because: z.string(),
    /** Events that Mailgun never listed. */
    mayBeForged: z.int(),
    events: z.array(event),
    /** With --classes, if anything failed. */
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
        /** Why Mailgun's classes are unavailable; null if they are not. */
        unknown: z.string().nullable(),
      })
      .exactOptional(),
  }),
]) satisfies z.ZodType<WhyLine>;
