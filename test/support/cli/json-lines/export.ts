import { z } from 'zod';
import type { ExportLine } from '../../../../cli/commands/export.ts';
import { count } from './fields.ts';

/** The lines of `export --out --json`. */
export const exportLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('progress'), domain: z.string(), reached: z.iso.datetime(), events: count }),
  z.strictObject({ event: z.literal('resume'), commands: z.array(z.string()) }),
  z.strictObject({ event: z.literal('exported'), complete: z.boolean(), events: count, files: count }),
]) satisfies z.ZodType<ExportLine>;
