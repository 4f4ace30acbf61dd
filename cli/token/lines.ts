import { z } from 'zod';

/** The line of `token show --json`. */
export const tokenShowLine = z.strictObject({ event: z.literal('token'), token: z.string() });

/** The line of `token rotate --json`, which does not hold the token. */
export const tokenRotateLine = z.strictObject({ event: z.literal('rotated'), refusedWithinSeconds: z.int() });

export type TokenShowLine = z.infer<typeof tokenShowLine>;
export type TokenRotateLine = z.infer<typeof tokenRotateLine>;
