import { z } from 'zod';
import type { DoctorLine } from '../../../cli/commands/doctor/machine-checks.ts';

/** One line of `doctor --json`. */
export const doctorLine = z.strictObject({
  event: z.literal('check'),
  check: z.string(),
  state: z.enum(['ok', 'warning', 'wrong', 'unknown', 'skipped']),
  says: z.string(),
  fix: z.string().nullable(),
}) satisfies z.ZodType<DoctorLine>;
