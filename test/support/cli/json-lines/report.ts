import { z } from 'zod';
import type { ReportLine } from '../../../../cli/commands/report.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../../../lambdas/domain/status/failure-class.ts';
import { count } from './fields.ts';

const percentiles = z.strictObject({ p50: z.number().nullable(), p95: z.number().nullable() });
const of = { tag: z.string(), domain: z.string(), from: z.iso.datetime(), to: z.iso.datetime() };

/** The lines of `report --json`. */
export const reportLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('failed'),
    recipient: z.string().nullable(),
    messageId: z.string().nullable(),
    at: z.iso.datetime(),
    failureClass: z.enum(Object.keys(FAILURE_CLASSES) as [FailureClass, ...FailureClass[]]),
    reason: z.string().nullable(),
    code: z.string().nullable(),
    text: z.string().nullable(),
  }),
  z.strictObject({
    event: z.literal('report'),
    ...of,
    asOf: z.iso.datetime(),
    completeness: z.enum(['complete', 'incomplete', 'unknown']),
    completeFrom: z.nullable(z.iso.datetime()),
    cut: z.boolean(),
    mails: z.strictObject({
      mails: count,
      accepted: count,
      delivered: count,
      deferred: count,
      failed: count,
      failedByClass: z.record(z.string(), count),
      withoutOutcome: count,
      testMode: count,
      unconfirmedEvents: count,
      secondsToDelivery: percentiles,
      secondsToFirstOpen: percentiles,
    }),
    people: z.strictObject({
      people: count,
      openers: count,
      clickers: count,
      machineOpeners: count,
      machineClickers: count,
      complainers: count,
      unsubscribers: count,
    }),
  }),
  z.strictObject({
    event: z.literal('plan'),
    ...of,
    events: count,
    uncountedSeconds: count,
    objects: count,
    bytes: count,
    dollars: z.number(),
    cut: z.boolean(),
  }),
]) satisfies z.ZodType<ReportLine>;
