import { z } from 'zod';
import type { TokenRotateLine, TokenShowLine } from '../../../../cli/commands/token.ts';

/** The line of `token show --json`. */
export const tokenShowLine = z.strictObject({
  event: z.literal('token'),
  token: z.string(),
}) satisfies z.ZodType<TokenShowLine>;

/** The line of `token rotate --json`, which does not hold the token. */
export const tokenRotateLine = z.strictObject({
  event: z.literal('rotated'),
  refusedWithinSeconds: z.int(),
}) satisfies z.ZodType<TokenRotateLine>;
