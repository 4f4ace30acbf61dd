import * as z from 'zod/mini';
import { count, counts, described, name } from './schema.ts';

const slice = name(
  'Slice',
  z.object({
    domain: z.string(),
    start: z.int(),
    end: z.int(),
    state: described(
      '`due`: not compared yet. `open`: something is missing or altered. `short`: Mailgun lists less than before. ' +
        '`unlisted`: never compared, and Mailgun no longer keeps that time.',
      z.enum(['due', 'open', 'short', 'settled', 'unlisted']),
    ),
    expected: counts,
    stored: counts,
    missing: counts,
    recovered: counts,
    unconfirmed: described('Stored, and not listed by Mailgun by the second pass.', counts),
    undecided: described('Stored, and not listed so far; the second pass decides.', counts),
    polled: counts,
    late: counts,
    lost: counts,
    altered: counts,
    stuck: count('Missing events that are no longer requeued.'),
    short: count('Events that an earlier listing contained and the last one did not.'),
    accepted: count('Events that an operator has accepted; counted nowhere else.'),
    passes: count('How often it was compared.'),
    witness: z.optional(
      described(
        "For an `unlisted` slice: `agrees`, or `lacks` and the number of events, by Mailgun's own counts of its hour. Absent if Mailgun did not count that hour, or after 60 days.",
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
    mailgun: described(
      "Mailgun's own counts, by its Metrics API, failures by severity.",
      z.record(z.string(), z.int()),
    ),
    ledger: described('Events listed by Mailgun or stored, as counted by the slices of the hour.', counts),
    lacks: count('How many more events Mailgun counts than the ledger.'),
    exceeds: count('How many fewer events Mailgun counts than the ledger.'),
    causes: described(
      'Why the counts may differ although no event is missing: `opens-and-clicks` may count once per recipient, and `batch-or-routed` mail may count on one side only.',
      z.array(z.enum(['opens-and-clicks', 'batch-or-routed'])),
    ),
    failedWebhooks: count('Webhooks that Mailgun could not deliver, as it counts them.'),
  }),
);

const ledgerResponse = name(
  'Ledger',
  z.object({
    slices: z.array(slice),
    totals: z.object({
      expected: z.int(),
      stored: z.int(),
      unaccounted: described('Missing events of all slices.', z.int()),
      unconfirmed: z.int(),
      undecided: z.int(),
      due: described('Slices not compared yet.', z.int()),
    }),
    completeness: described(
      'Completeness of the due slices: `complete` only if every slice was compared and everything is accounted for.',
      z.enum(['complete', 'incomplete', 'unknown']),
    ),
    comparedTo: described(
      'Epoch seconds up to which all of the time from `from` was compared; null if its beginning was not.',
      z.nullable(z.int()),
    ),
    listing: described(
      'Whether Mailgun retires the API by which the ledger lists events.',
      z.object({
        fellBackAt: described(
          'When the ledger switched to the Logs API because Mailgun had retired its Events API.',
          z.nullable(z.iso.datetime()),
        ),
        announced: described("Mailgun's announcement of the end, from its response headers.", z.nullable(z.string())),
      }),
    ),
    witness: described("Mailgun's own counts of whole hours, beside those of the ledger.", z.array(witnessHour)),
  }),
);

const bucket = name(
  'Bucket',
  z.object({
    hour: described('Start of the hour, or of the day with `per=day`.', z.iso.datetime()),
    domain: z.string(),
    tag: described('`*` counts every event once; the empty tag counts mail without tags.', z.string()),
    provider: z.optional(
      described(
        'Mailbox provider; `other` for those without a name, and for all but the most frequent of a slice.',
        z.string(),
      ),
    ),
    ip: z.optional(
      described('Sending IP address; `other` if the event names none, and for all but the most frequent.', z.string()),
    ),
    counts,
    policy: z.optional(
      described(
        'By provider: permanent failures with an enhanced code `5.7.x` (refused by policy), by code. They also count as `permanent_fail`.',
        counts,
      ),
    ),
    failures: z.optional(
      described(
        'By tag: `failed` by severity, as `permanent_fail` and `temporary_fail`. Failures counted by an earlier version are in neither.',
        counts,
      ),
    ),
    open: described('True if the hour or day may still change.', z.boolean()),
    cut: z.optional(
      described(
        'True if a slice has reached the maximum number of names with a row of their own (50, or 1,000 tags): rarer ones are in `other`, rarer tags in `*` only. By tag, also true if the failures of rare tags did not fit.',
        z.boolean(),
      ),
    ),
  }),
);

const mailgunClasses = name(
  'MailgunClasses',
  z.object({
    triedAt: described('Time of the last daily request to Mailgun.', z.iso.datetime()),
    note: described(
      'Why that request returned no classes, such as `not-given` (to this key or plan) or `rate-limited`; null if it did.',
      z.nullable(z.string()),
    ),
    read: described(
      'The last classes returned, for 7 whole days; null if there were none in the last 8 days.',
      z.nullable(
        z.object({
          at: z.iso.datetime(),
          from: z.iso.datetime(),
          to: z.iso.datetime(),
          classes: described(
            'Most frequent first, with the party that refused the mail.',
            z.array(
              z.object({
                entity: z.nullable(z.string()),
                category: z.nullable(z.string()),
                severity: z.nullable(z.string()),
                failures: z.int(),
              }),
            ),
          ),
          cut: described('True if rarer classes are left out.', z.boolean()),
        }),
      ),
    ),
  }),
);

const statsResponse = name(
  'Stats',
  z.object({
    buckets: z.array(bucket),
    mailgunClasses: z.optional(
      described(
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
