import { z } from 'zod';
import type { DoctorLine } from '../../../../cli/commands/doctor/machine-checks.ts';
import type { CostsLine, PlanLine } from '../../../../cli/commands/doctor.ts';

/** One line of `doctor --json`. */
export const doctorLine = z.strictObject({
  event: z.literal('check'),
  check: z.string(),
  state: z.enum(['ok', 'warning', 'wrong', 'unknown', 'skipped']),
  says: z.string(),
  fix: z.string().nullable(),
}) satisfies z.ZodType<DoctorLine>;

const dollars = z.number();

/** The line of `doctor --costs --json`. */
export const costsLine = z.strictObject({
  event: z.literal('costs'),
  seconds: z.number(),
  costs: z.array(z.strictObject({ what: z.string(), dollars })),
  cheaper: z.array(z.strictObject({ setting: z.string(), dollars })),
  floodDollars: dollars,
}) satisfies z.ZodType<CostsLine>;

/** The line of `doctor --plan-for --json`. */
export const planLine = z.strictObject({
  event: z.literal('plan'),
  perSecond: z.number(),
  settings: z.strictObject({
    throttlePerSecond: z.number(),
    throttleBurst: z.number(),
    maxConcurrency: z.number(),
    shards: z.number(),
    parallel: z.number(),
  }),
  quotas: z.strictObject({ executions: z.number(), gatewayPerSecond: z.number() }),
  warmWritesPerSecond: z.number().nullable(),
  dollarsPerMonth: z.number(),
  dollarsKeptPerMonth: z.number(),
  beyond: z.array(z.string()),
}) satisfies z.ZodType<PlanLine>;
