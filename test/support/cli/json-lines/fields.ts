import { z } from 'zod';

// Fields that the lines of several commands share.

export const count = z.int().min(0);

/** Where a slice is. */
export const sliceBounds = { domain: z.string(), start: z.iso.datetime(), end: z.iso.datetime() };
