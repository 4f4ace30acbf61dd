import { z } from 'zod';
import type { UnconfirmedLine } from '../../../../cli/commands/unconfirmed.ts';
import { count, sliceBounds } from './fields.ts';

/** The lines of `unconfirmed --json`: one for each event and slice, then what was searched. */
export const unconfirmedLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('unconfirmed'),
    domain: z.string(),
    messageId: z.string().nullable(),
    recipient: z.string(),
    type: z.string(),
    at: z.iso.datetime(),
    receivedAt: z.iso.datetime().nullable(),
    unconfirmedSince: z.iso.datetime(),
    decides: z.string().nullable(),
    suppresses: z.array(z.string()),
    fix: z.string().nullable(),
  }),
  z.strictObject({
    event: z.literal('slice'),
    ...sliceBounds,
    events: count,
    compare: z.string().nullable(),
    accept: z.string(),
  }),
  z.strictObject({
    event: z.literal('undecided'),
    ...sliceBounds,
    types: z.record(z.string(), count),
    decidedAt: z.iso.datetime(),
  }),
  z.strictObject({
    event: z.literal('altered'),
    ...sliceBounds,
    types: z.record(z.string(), count),
    accept: z.string(),
  }),
  z.strictObject({
    event: z.literal('altered-event'),
    domain: z.string(),
    messageId: z.string().nullable(),
    recipient: z.string().nullable(),
    eventKey: z.string(),
    wasDistrusted: z.boolean(),
    differs: z.array(
      z.strictObject({ fact: z.string(), stored: z.string().nullable(), listed: z.string().nullable() }),
    ),
    isPutRight: z.boolean(),
    why: z.string().nullable(),
  }),
  z.strictObject({
    event: z.literal('searched'),
    domains: z.array(z.string()),
    since: z.iso.datetime(),
    slices: count,
    found: count,
    /** Not listed so far; the second pass decides. */
    undecided: count,
    altered: count,
  }),
]) satisfies z.ZodType<UnconfirmedLine>;
