import { z } from 'zod';
import type { StatusLine } from '../../../../cli/commands/status.ts';

const known = z.int().nullable();

/** A share of mails, and its level by the provider's limits. */
const share = z.strictObject({ part: z.int(), whole: z.int(), standing: z.enum(['few', 'good', 'high', 'over']) });

const domain = z.strictObject({
  domain: z.string(),
  lastEvent: z.strictObject({ type: z.string(), at: z.iso.datetime() }).nullable(),
  completeness: z.enum(['complete', 'incomplete', 'unknown']),
  ledger: z
    .strictObject({
      since: z.iso.datetime(),
      judgedUntil: z.iso.datetime().nullable(),
      expected: z.int(),
      missing: z.int(),
      lost: z.int(),
      /** Time range of the slices with lost events. */
      lostBetween: z.strictObject({ from: z.iso.datetime(), to: z.iso.datetime() }).nullable(),
      unconfirmed: z.int(),
      altered: z.int(),
      openSlices: z.int(),
      shortSlices: z.int(),
      stuckFrom: z.string().nullable(),
      stuck: z.int(),
      lastSlice: z.strictObject({ start: z.iso.datetime(), end: z.iso.datetime(), state: z.string() }).nullable(),
      witness: z.array(z.strictObject({ hour: z.iso.datetime(), lacks: z.number(), causes: z.array(z.string()) })),
    })
    .nullable(),
  providers: z
    .array(
      z.strictObject({
        provider: z.enum(['gmail', 'yahoo', 'outlook']),
        cut: z.boolean(),
        complaints: share,
        bounces: share,
        policy: share,
      }),
    )
    .nullable(),
});

/** The line of `status --json`; null means unknown. */
export const statusLine = z.strictObject({
  event: z.literal('status'),
  health: z.enum(['healthy', 'unhealthy', 'unknown']),
  /** Reasons for not being healthy. */
  reasons: z.array(z.string()),
  /** What may soon be otherwise by itself. */
  notes: z.array(z.string()),
  /** Events not yet in the table. */
  backlog: known,
  deadLetters: known,
  signingKey: z.strictObject({ matches: z.boolean().nullable(), why: z.string().nullable() }).nullable(),
  alarms: z
    .strictObject({
      total: z.int(),
      alarmed: z.array(
        z.strictObject({
          name: z.string(),
          since: z.iso.datetime().nullable(),
          /** Data that set it off, in CloudWatch's words. */
          reason: z.string().optional(),
          /** Why it is on although its cause is over, and until when. */
          over: z.string().optional(),
          happened: z.string().nullable(),
          impact: z.string().nullable(),
          explains: z.array(z.string()),
          runbook: z.string().nullable(),
          first: z.string().nullable(),
        }),
      ),
    })
    .nullable(),
  listing: z.string().nullable(),
  domains: z.array(domain),
  /** Other domains of which the ledger is not in order. */
  furtherDomains: z.array(domain).nullable(),
  /** What could not be read, and why. */
  unknown: z.array(z.string()),
}) satisfies z.ZodType<StatusLine>;
