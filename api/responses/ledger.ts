import * as z from 'zod/mini';
import { count, counts, name, says } from './schema.ts';

const slice = name(
  'Slice',
  z.object({
    domain: z.string(),
    start: z.int(),
    end: z.int(),
    state: says(
      '`due`: not compared yet. `open`: something is missing or altered. `short`: Mailgun lists less than before. ' +
        '`unlisted`: never compared, and Mailgun no longer keeps that time.',
      z.enum(['due', 'open', 'short', 'settled', 'unlisted']),
    ),
    expected: counts,
    stored: counts,
    missing: counts,
    recovered: counts,
    unconfirmed: says('Stored, and not listed by Mailgun by the second pass.', counts),
    undecided: says('Stored, and not listed so far; the second pass decides.', counts),
    polled: counts,
    late: counts,
    lost: counts,
    altered: counts,
    stuck: count('Missing events that are not sent any more.'),
    short: count('Events that an earlier listing held and the last one did not.'),
    accepted: count('Events that an operator has accepted, which count as nothing else.'),
    passes: count('How often it was compared.'),
    witness: z.optional(
      says(
        "Of an `unlisted` slice: `agrees`, or `lacks` and how many events, by Mailgun's own counts of its hour. Absent where it did not count that hour, or over 60 days ago.",
        z.string(),
      ),
    ),
  }),
);

const witnessHour = name(
  'WitnessHour',
  z.object({
    domain: z.string(),
    start: z.int(),
    mailgun: says("Mailgun's own counts, by its Metrics API, failures by severity.", z.record(z.string(), z.int())),
    ledger: says('Listed by Mailgun or stored, as the slices of the hour count it.', counts),
    lacks: count('How many events more Mailgun counts than the ledger.'),
    exceeds: count('How many events fewer Mailgun counts than the ledger.'),
    causes: says(
      'Why the counts may differ although no event is missing: `opens-and-clicks` may count once a recipient, and `batch-or-routed` mail may count on one side alone.',
      z.array(z.enum(['opens-and-clicks', 'batch-or-routed'])),
    ),
    failedWebhooks: count('Webhooks that Mailgun could not deliver, as it counts them.'),
  }),
);

export const ledgerResponse = name(
  'Ledger',
  z.object({
    slices: z.array(slice),
    totals: z.object({
      expected: z.int(),
      stored: z.int(),
      unaccounted: says('Missing over all slices.', z.int()),
      unconfirmed: z.int(),
      undecided: z.int(),
      due: says('Slices that wait to be compared.', z.int()),
    }),
    completeness: says(
      'Of the time that is due: `complete` only where every slice was compared and everything is accounted for.',
      z.enum(['complete', 'incomplete', 'unknown']),
    ),
    listing: says(
      'How the Mailgun API that the ledger lists by ends.',
      z.object({
        fellBackAt: says(
          'Since when the ledger lists by the Logs API, because Mailgun has ended its Events API.',
          z.nullable(z.iso.datetime()),
        ),
        announced: says("Mailgun's announcement of an end, by its headers.", z.nullable(z.string())),
      }),
    ),
    witness: says('Whole hours as Mailgun itself counts them, beside the ledger.', z.array(witnessHour)),
  }),
);

const bucket = name(
  'Bucket',
  z.object({
    hour: says('Start of the hour, or of the day where days are asked for.', z.iso.datetime()),
    domain: z.string(),
    tag: says('`*` counts every event once; empty counts mail without tags.', z.string()),
    provider: z.optional(
      says('Mailbox provider; `other` for those without a name, and beyond the most frequent of a slice.', z.string()),
    ),
    ip: z.optional(
      says('Sending IP address; `other` where the event names none, and beyond the most frequent.', z.string()),
    ),
    counts,
    policy: z.optional(
      says(
        'By provider: the permanent failures with an enhanced code `5.7.x`, a refusal by policy, by that code. They are in `permanent_fail` too.',
        counts,
      ),
    ),
    failures: z.optional(
      says(
        'By tag: `failed` by severity, as `permanent_fail` and `temporary_fail`. Failures that an earlier version counted are in neither.',
        counts,
      ),
    ),
    open: says('Whether the hour or day may still change.', z.boolean()),
    cut: z.optional(
      says(
        'True where a slice of it has as many names as get a row of their own, 50 or 1,000 tags: the rarer ones are in `other`, of tags in `*` alone; by tag also where the failures of rare tags had no room.',
        z.boolean(),
      ),
    ),
  }),
);

const mailgunClasses = name(
  'MailgunClasses',
  z.object({
    triedAt: says('When Mailgun was last asked, once a day.', z.iso.datetime()),
    note: says(
      'Why it gave none then, such as `not-given` to the key or plan, or `rate-limited`; null where it did.',
      z.nullable(z.string()),
    ),
    read: says(
      'What it gave last, of 7 whole days; null where it gave nothing in the last 8 days.',
      z.nullable(
        z.object({
          at: z.iso.datetime(),
          from: z.iso.datetime(),
          to: z.iso.datetime(),
          classes: says(
            'The most frequent first, with the party that refused the mail.',
            z.array(
              z.object({
                entity: z.nullable(z.string()),
                category: z.nullable(z.string()),
                severity: z.nullable(z.string()),
                failures: z.int(),
              }),
            ),
          ),
          cut: says('Whether rarer classes are left out.', z.boolean()),
        }),
      ),
    ),
  }),
);

export const statsResponse = name(
  'Stats',
  z.object({
    buckets: z.array(bucket),
    mailgunClasses: z.optional(
      says(
        'By provider: how Mailgun itself classifies failures, whatever the range. Absent unless `reconcile.bounceClasses` is set.',
        mailgunClasses,
      ),
    ),
  }),
);

export type SliceEntry = z.infer<typeof slice>;
export type LedgerResponse = z.infer<typeof ledgerResponse>;
export type StatsBucket = z.infer<typeof bucket>;
export type MailgunClassesEntry = z.infer<typeof mailgunClasses>;
export type StatsResponse = z.infer<typeof statsResponse>;
