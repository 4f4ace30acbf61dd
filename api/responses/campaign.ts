import * as z from 'zod/mini';
import { FAILURE_CLASSES, type FailureClass } from '../../lambdas/domain/status/failure-class.ts';
import { count, counts, described, epochSeconds, name } from './schema.ts';

const failureClass = z.enum(Object.keys(FAILURE_CLASSES) as [FailureClass, ...FailureClass[]]);

const percentiles = name(
  'Percentiles',
  described(
    'Median and 95th percentile in seconds, exact to the second up to an hour and to the minute beyond.',
    z.object({ p50: z.nullable(z.number()), p95: z.nullable(z.number()) }),
  ),
);

const mails = name(
  'CampaignMails',
  z.object({
    mails: count('Messages times recipients, the unit of every number here.'),
    accepted: count('Accepted by Mailgun.'),
    delivered: count("Accepted by the recipient's server, including those that bounced later."),
    deferred: count('Deferred at least once, whatever became of them.'),
    failed: count('Given up, or bounced after delivery.'),
    failedByClass: described(
      '`failed` by failure class; the first failure of each mail counts.',
      z.record(z.string(), z.int()),
    ),
    withoutOutcome: count('Neither delivered nor failed so far.'),
    testMode: count('Sent in test mode; counted nowhere else.'),
    unconfirmedEvents: count('Events that Mailgun does not list: they may be forged, and are counted like others.'),
    secondsToDelivery: percentiles,
    secondsToFirstOpen: percentiles,
  }),
);

const people = name(
  'CampaignPeople',
  z.object({
    people: count('Distinct recipients, including erased ones; every number here counts these.'),
    openers: count('Recipients who opened a mail; opens by machines, such as mail proxies, are counted separately.'),
    clickers: count('Recipients who clicked a link; likewise.'),
    machineOpeners: count('Recipients whose mail only machines opened.'),
    machineClickers: count('Recipients whose mail only machines clicked in.'),
    complainers: count('Recipients who reported a mail as spam.'),
    unsubscribers: count('Recipients who unsubscribed through a mail of the campaign.'),
  }),
);

const failure = name(
  'CampaignFailure',
  z.object({
    recipient: described('As sent; null if the recipient was erased.', z.nullable(z.string())),
    messageId: z.nullable(z.string()),
    at: epochSeconds,
    failureClass,
    reason: z.nullable(z.string()),
    code: described("The server's enhanced status code, otherwise its SMTP code.", z.nullable(z.string())),
    text: described("The server's response, or Mailgun's text if it did not try.", z.nullable(z.string())),
  }),
);

const campaignResponse = name(
  'Campaign',
  z.object({
    tag: z.string(),
    domain: z.string(),
    from: z.int(),
    to: z.int(),
    asOf: described('When the report was counted, to the minute.', z.iso.datetime()),
    completeness: described(
      'Completeness from the first mail until now, or until the ledger of a former domain ended, as far as slices are due: `complete` only if every slice was compared ' +
        'and everything is accounted for, so the numbers are exact.',
      z.enum(['complete', 'incomplete', 'unknown']),
    ),
    completeFrom: described(
      'Null if every event since `from` is counted, otherwise the epoch seconds from which they are. If at or before `from`, ' +
        'some mail has no `accepted` event, which may be earlier.',
      z.nullable(z.int()),
    ),
    archive: z.optional(
      described(
        'Absent if the table holds every event since `from`, or if there is no archive. `counted`: events that have left the ' +
          'table are counted from the archive. Otherwise they are not: `too-large` for one response, or read `too-slow`ly ' +
          '(`ledger report` counts them); `unavailable`: retry.',
        z.enum(['counted', 'too-large', 'too-slow', 'unavailable']),
      ),
    ),
    listed: described(
      'Events by type as the ledger counts them under this tag, without untagged delayed bounces.',
      counts,
    ),
    cut: z.optional(
      described(
        'True if a slice had more tags than it counts, so `listed` may lack rare ones; all other numbers count event by event.',
        z.boolean(),
      ),
    ),
    mails: described(
      'Null if the campaign is too large for one response; `ledger report` counts it.',
      z.nullable(mails),
    ),
    people: described('Null as `mails` is.', z.nullable(people)),
    failures: described('Failed mails, at most 1,000; `mails.failed` is their number.', z.array(failure)),
  }),
);

export type CampaignResponse = z.infer<typeof campaignResponse>;
export type CampaignFailureEntry = z.infer<typeof failure>;
