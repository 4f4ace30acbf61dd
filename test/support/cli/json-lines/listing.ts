import { z } from 'zod';
import type { ListingLine } from '../../../../cli/commands/listing.ts';

/** The line of `listing --json`. */
export const listingLine = z.strictObject({
  event: z.literal('listing'),
  fellBackAt: z.iso.datetime().nullable(),
  announced: z
    .strictObject({
      api: z.enum(['events', 'logs']),
      deprecation: z.exactOptional(z.string()),
      sunset: z.exactOptional(z.string()),
      at: z.iso.datetime(),
    })
    .nullable(),
  wentBack: z.boolean(),
}) satisfies z.ZodType<ListingLine>;
