import { z } from 'zod';
import type { FindLine } from '../../../../cli/commands/find.ts';

/** The lines of `find --json`: one for each message, then what was found. */
export const findLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('message'),
    messageId: z.string().nullable(),
    recipient: z.string().nullable(),
    subject: z.string().nullable(),
    firstAt: z.iso.datetime(),
    status: z.string().nullable(),
    reason: z.string().nullable(),
    statusAt: z.iso.datetime(),
    tags: z.array(z.string()),
    domain: z.string().nullable(),
    testMode: z.boolean(),
    direction: z.enum(['inbound', 'outbound']),
    unconfirmed: z.boolean(),
    confirmed: z.boolean(),
    opens: z.int(),
    clicks: z.int(),
    machineOpens: z.int(),
    machineClicks: z.int(),
  }),
  z.strictObject({
    event: z.literal('found'),
    recipient: z.string().nullable(),
    messages: z.int(),
    hasMore: z.boolean(),
  }),
]) satisfies z.ZodType<FindLine>;
