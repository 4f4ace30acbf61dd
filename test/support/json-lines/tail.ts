import { z } from 'zod';
import type { TailLine } from '../../../cli/commands/tail.ts';

/** The lines of `tail --json`; the entry is that of the read API, which its description holds. */
export const tailLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('stored'),
    entry: z.looseObject({ key: z.string(), event: z.string(), recipient: z.string().nullable() }),
  }),
  z.strictObject({ event: z.literal('cursor'), cursor: z.string() }),
]) satisfies z.ZodType<Pick<TailLine, 'event'>>;
