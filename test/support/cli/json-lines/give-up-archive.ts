import { z } from 'zod';
import type { GiveUpLine } from '../../../../cli/commands/give-up-archive.ts';
import { count } from './fields.ts';

/** Lines of `give-up-archive --json`: each chain that ends in no bucket of the stack, then the result. */
export const giveUpLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('unreached'), domain: z.string(), manifests: count }),
  z.strictObject({ event: z.literal('nothing-to-give-up') }),
  z.strictObject({ event: z.literal('plan'), domains: z.array(z.string()).min(1) }),
  z.strictObject({ event: z.literal('given-up'), domains: z.array(z.string()), reason: z.string() }),
]) satisfies z.ZodType<GiveUpLine>;
