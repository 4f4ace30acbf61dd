import { z } from 'zod';
import type { SendTestLine } from '../../../../cli/commands/send-test.ts';

/** `acknowledged`: ingest responded; `stored`: process has taken it from the queue; `readable`: the read API shows it. */
const hop = z.enum(['acknowledged', 'stored', 'readable']);

/** The lines of `send-test --json`. */
export const sendTestLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('sent'), messageId: z.string(), recipient: z.string(), eventKey: z.string() }),
  z.strictObject({ event: z.literal('hop'), hop, tookMs: z.int().min(0), sinceSentMs: z.int().min(0) }),
  z.strictObject({ event: z.literal('waiting'), why: z.string() }),
  z.strictObject({ event: z.literal('lost'), hop, why: z.string() }),
  z.strictObject({ event: z.literal('unchecked'), hop, why: z.string() }),
  z.strictObject({ event: z.literal('not-ready'), why: z.string() }),
  z.strictObject({ event: z.literal('done'), messageId: z.string(), tookMs: z.int().min(0) }),
]) satisfies z.ZodType<SendTestLine>;
