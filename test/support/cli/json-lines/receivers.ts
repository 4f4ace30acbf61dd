import { z } from 'zod';
import type { DiscardDeadLine } from '../../../../cli/commands/receivers/discard.ts';
import type { DeliveryLine, ReceiverLine } from '../../../../cli/commands/receivers/list.ts';
import type { RedeliverLine } from '../../../../cli/commands/receivers/redeliver.ts';
import type { EnableLine, ReceiverTestLine, RotateReceiverLine } from '../../../../cli/commands/receivers.ts';
import { count } from './fields.ts';

const attempt = z.strictObject({
  /** Epoch milliseconds. */
  at: z.number(),
  ms: z.number(),
  status: z.int().optional(),
  error: z.string().optional(),
});

const ledger = { published: count, acknowledged: count, waiting: count, dead: count, unaccounted: count };

/** The lines of `receivers list --json`. */
export const receiverLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('receiver'),
    name: z.string(),
    url: z.url(),
    state: z.enum(['enabled', 'failing', 'disabled']),
    reason: z.string().nullable(),
    lastStatus: z.int().nullable(),
    queued: count,
    inDlq: count,
    ledger: z.strictObject(ledger),
    hours: z.array(z.strictObject({ hour: z.iso.datetime(), ...ledger })),
    unaccounted: z.array(z.strictObject({ id: z.string(), publishedAt: z.iso.datetime() })),
  }),
  z.strictObject({ event: z.literal('listed'), count }),
]) satisfies z.ZodType<ReceiverLine>;

/** The line of `receivers test --json`. */
export const receiverTestLine = z.strictObject({
  event: z.literal('tested'),
  id: z.string(),
  state: z.string(),
  attempt: attempt.nullable(),
}) satisfies z.ZodType<ReceiverTestLine>;

/** The lines of `receivers log --json`. */
export const deliveryLine = z.strictObject({
  event: z.literal('delivery'),
  id: z.string(),
  publishedAt: z.iso.datetime(),
  type: z.string(),
  messageId: z.string().nullable(),
  state: z.string(),
  unaccounted: z.boolean(),
  attempts: z.array(attempt),
  response: z.string().nullable(),
}) satisfies z.ZodType<DeliveryLine>;

/** The line of `receivers redeliver --json`. */
export const redeliverLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('redelivered'), sent: count, left: count, unreadable: count, unseen: count }),
  z.strictObject({ event: z.literal('plan'), dead: count, seconds: count }),
]) satisfies z.ZodType<RedeliverLine>;

const inDlq = { left: count, unreadable: count, unseen: count };

/** The lines of `receivers discard --json`. */
export const discardDeadLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('plan'), dead: count, ...inDlq }),
  z.strictObject({ event: z.literal('discarded'), deleted: count, ...inDlq }),
]) satisfies z.ZodType<DiscardDeadLine>;

/** The line of `receivers rotate --json`, which holds the new secret; `previousUntil` is null if the old one was lost. */
export const rotateReceiverLine = z.strictObject({
  event: z.literal('rotated'),
  secret: z.string().regex(/^whsec_/),
  previousUntil: z.iso.datetime().nullable(),
}) satisfies z.ZodType<RotateReceiverLine>;

/** The line of `receivers enable --json`. */
export const enableLine = z.strictObject({
  event: z.literal('enabled'),
  wasDisabled: z.boolean(),
  queued: count,
  sentBy: z.iso.datetime().nullable(),
  alarmEndsBy: z.iso.datetime().nullable(),
}) satisfies z.ZodType<EnableLine>;
