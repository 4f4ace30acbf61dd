import { z } from 'zod';
import type { SuppressionsCompareLine } from '../../../../cli/commands/suppressions/compare.ts';
import type { SuppressionsIndexLine, SuppressionsListLine } from '../../../../cli/commands/suppressions/list.ts';
import type { SuppressionsLiftLine, SuppressionsShowLine } from '../../../../cli/commands/suppressions.ts';

const suppression = z.strictObject({
  domain: z.string(),
  kind: z.enum(['bounce', 'complaint', 'unsubscribe']),
  /** `*`, or the tag unsubscribed from. */
  scope: z.string(),
  reason: z.string().nullable(),
  since: z.iso.datetime(),
  lastAt: z.iso.datetime(),
  liftedAt: z.iso.datetime().nullable(),
  eventKey: z.string(),
  /** True if not lifted, or suppressed again by a later event. */
  active: z.boolean(),
});

/** The lines of `suppressions show --json`. */
export const suppressionsShowLine = z.discriminatedUnion('event', [
  suppression.extend({
    event: z.literal('suppression'),
    causes: z.array(
      z.strictObject({
        eventKey: z.string(),
        messageId: z.string().nullable(),
        at: z.iso.datetime(),
        unconfirmed: z.boolean(),
        confirmed: z.boolean(),
      }),
    ),
  }),
  z.strictObject({
    event: z.literal('recipient'),
    recipient: z.string(),
    suppressed: z.boolean(),
    known: z.boolean(),
  }),
]) satisfies z.ZodType<SuppressionsShowLine>;

/** The lines of `suppressions lift --json`. */
export const suppressionsLiftLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('lifted'),
    domain: z.string(),
    kind: suppression.shape.kind,
    scope: z.string(),
    liftedAt: z.iso.datetime(),
    /** Result for Mailgun's own entry; null if it was not to be changed. */
    atMailgun: z.enum(['deleted', 'not-there']).nullable(),
  }),
  z.strictObject({
    event: z.literal('would-lift'),
    domain: z.string(),
    kind: suppression.shape.kind,
    scope: z.string(),
    since: z.iso.datetime(),
    atMailgun: z.boolean(),
  }),
  z.strictObject({ event: z.literal('plan'), recipient: z.string(), count: z.int() }),
  z.strictObject({
    event: z.literal('left'),
    domain: z.string(),
    kind: suppression.shape.kind,
    scope: z.string(),
    since: z.iso.datetime(),
  }),
  z.strictObject({ event: z.literal('done'), recipient: z.string(), lifted: z.int(), alreadyLifted: z.int() }),
]) satisfies z.ZodType<SuppressionsLiftLine>;

/** The lines of `suppressions compare --json`. */
export const suppressionsCompareLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('difference'),
    difference: z.enum(['not-here', 'lifted-here', 'too-wide', 'not-at-mailgun']),
    domain: z.string(),
    kind: suppression.shape.kind,
    recipient: z.string(),
    scopes: z.array(z.string()),
  }),
  z.strictObject({
    event: z.literal('compared'),
    listed: z.int(),
    stored: z.int(),
    differences: z.int(),
    fixed: z.int(),
    erased: z.int(),
  }),
]) satisfies z.ZodType<SuppressionsCompareLine>;

/** The lines of `suppressions list --json`. */
export const suppressionsListLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('suppression'),
    recipient: z.string(),
    ...suppression.omit({ liftedAt: true, active: true }).shape,
    source: z.enum(['event', 'mailgun']),
  }),
  z.strictObject({ event: z.literal('listed'), domains: z.array(z.string()), count: z.int() }),
]) satisfies z.ZodType<SuppressionsListLine>;

/** The line of `suppressions index --json`. */
export const suppressionsIndexLine = z.strictObject({
  event: z.literal('indexed'),
  stored: z.int(),
  indexed: z.int(),
}) satisfies z.ZodType<SuppressionsIndexLine>;
