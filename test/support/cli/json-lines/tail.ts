import { z } from 'zod';
import type { TailLine } from '../../../../cli/commands/tail.ts';

/** Lines of `tail --json`; the entry is that of the read API. */
export const tailLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('stored'),
    entry: z.looseObject({ key: z.string(), event: z.string(), recipient: z.string().nullable() }),
  }),
  z.strictObject({ event: z.literal('cursor'), cursor: z.string() }),
]) satisfies z.ZodType<Pick<TailLine, 'event'>>;
