import { z } from 'zod';
import type { DlqRedriveLine } from '../../../../cli/commands/dlq/redrive.ts';
import type { DlqDiscardLine, DlqListLine } from '../../../../cli/commands/dlq.ts';

/** Reason by this version's parser or by process; `tries-used-up` if SQS itself moved the message. */
const reason = z.string();
/** Error of this version's parser. */
const error = z.strictObject({ reason: z.string(), where: z.string() });

/** The lines of `dlq list --json`. */
export const dlqListLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('reason'),
    reason,
    count: z.int(),
    oldestAt: z.iso.datetime(),
    newestAt: z.iso.datetime(),
    /** Some ids for `dlq show`. */
    sample: z.array(z.string()),
  }),
  /** `complete`: everything was read. */
  z.strictObject({ event: z.literal('dead-letters'), count: z.int(), complete: z.boolean() }),
]) satisfies z.ZodType<DlqListLine>;

/** The one line of `dlq show --json`. */
export const dlqShowLine = z.strictObject({
  event: z.literal('dead-letter'),
  id: z.string(),
  reason,
  /** Detail that process added to the reason. */
  detail: z.string().nullable(),
  sentAt: z.iso.datetime(),
  receiveCount: z.int(),
  /** Error of this version's parser; null if it reads the body. */
  error: error.nullable(),
  message: z
    .strictObject({
      source: z.enum(['webhook', 'reconcile']),
      receivedAt: z.iso.datetime(),
      domain: z.string(),
      messageId: z.string().nullable(),
      eventKey: z.string(),
      stored: z.boolean(),
    })
    .nullable(),
  advice: z.string(),
  body: z.string().optional(),
});

/** The lines of `dlq redrive --json`. */
export const dlqRedriveLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('planned'), reason, count: z.int(), mayComeBack: z.boolean() }),
  z.strictObject({ event: z.literal('unreadable'), id: z.string(), reason, error }),
  z.strictObject({ event: z.literal('plan'), count: z.int(), unreadable: z.int(), complete: z.boolean() }),
  z.strictObject({ event: z.literal('progress'), sent: z.int(), left: z.int() }),
  z.strictObject({ event: z.literal('stopped'), why: z.string() }),
  z.strictObject({ event: z.literal('back'), id: z.string(), reason }),
  z.strictObject({
    event: z.literal('redriven'),
    sent: z.int(),
    stored: z.int(),
    /** Stored before they were requeued. */
    known: z.int(),
    /** In the DLQ again. */
    back: z.int(),
    /** Not processed yet. */
    waiting: z.int(),
    /** Not sent. */
    left: z.int(),
    /** Not sent, because this version cannot read them. */
    unreadable: z.int(),
    /** False if one run could not process all. */
    complete: z.boolean(),
  }),
]) satisfies z.ZodType<DlqRedriveLine>;

/** The lines of `dlq discard --json`. */
export const dlqDiscardLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('would-discard'),
    id: z.string(),
    reason,
    loses: z.enum(['nothing', 'event', 'unreadable']),
    eventKey: z.string().nullable(),
    domain: z.string().nullable(),
  }),
  z.strictObject({
    event: z.literal('plan'),
    count: z.int(),
    losesEvents: z.int(),
    unreadable: z.int(),
    complete: z.boolean(),
  }),
  z.strictObject({ event: z.literal('discarded'), count: z.int(), left: z.int(), complete: z.boolean() }),
]) satisfies z.ZodType<DlqDiscardLine>;
