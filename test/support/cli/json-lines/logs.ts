import { z } from 'zod';
import type { LogsLine } from '../../../../cli/commands/logs.ts';

/** Lines of `logs --json`; `facts` is the logged line. */
export const logsLine = z.strictObject({
  event: z.literal('log'),
  at: z.iso.datetime(),
  facts: z.record(z.string(), z.unknown()),
}) satisfies z.ZodType<LogsLine>;

/** The line of `logs --count --json`. */
export const logsCountLine = z.strictObject({
  event: z.literal('count'),
  count: z.int(),
  /** Number of access log lines by status; null for other logs. */
  statuses: z.record(z.string(), z.int()).nullable(),
}) satisfies z.ZodType<LogsLine>;
