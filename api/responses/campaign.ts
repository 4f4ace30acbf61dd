import * as z from 'zod/mini';
import { FAILURE_CLASSES, type FailureClass } from '../../lambdas/domain/status/failure-class.ts';
import { count, counts, epochSeconds, name, says } from './schema.ts';

const failureClass = z.enum(Object.keys(FAILURE_CLASSES) as [FailureClass, ...FailureClass[]]);

const percentiles = name(
  'Percentiles',
  says(
    'Seconds that half and 95 of a hundred took at most, exact to the second up to an hour and to the minute from there.',
    z.object({ p50: z.nullable(z.number()), p95: z.nullable(z.number()) }),
  ),
);

const mails = name(
  'CampaignMails',
  z.object({
    mails: count('Messages times recipients; every number here counts these.'),
    accepted: count('Accepted by Mailgun.'),
    delivered: count('Taken by the server of the recipient, also where they bounced later.'),
    deferred: count('Put off at least once, whatever became of them.'),
    failed: count('Given up, or bounced after the delivery.'),
    failedByClass: says('The same by class; the first failure of a mail counts.', z.record(z.string(), z.int())),
    withoutOutcome: count('Neither delivered nor failed so far.'),
    testMode: count('In test mode, and counted as nothing else.'),
    unconfirmedEvents: count('Events that Mailgun does not list: possibly forged, and counted like others.'),
    secondsToDelivery: percentiles,
    secondsToFirstOpen: percentiles,
  }),
);

const people = name(
  'CampaignPeople',
  z.object({
    people: count('Different recipients, erased ones too; every number here counts these.'),
    openers: count('Who opened a mail; machines that do, such as mail proxies, are counted separately.'),
    clickers: count('Who clicked a link; likewise.'),
    machineOpeners: count('Recipients whose mail only machines opened.'),
    machineClickers: count('Recipients in whose mail only machines clicked.'),
    complainers: count('Who reported a mail as spam.'),
    unsubscribers: count('Who unsubscribed by a mail of the campaign.'),
  }),
);

const failure = name(
  'CampaignFailure',
  z.object({
    recipient: says('As sent; null where the recipient was erased.', z.nullable(z.string())),
    messageId: z.nullable(z.string()),
    at: epochSeconds,
    failureClass,
    reason: z.nullable(z.string()),
    code: says('Enhanced code of the server, else its code.', z.nullable(z.string())),
    text: says('What the server said, or Mailgun where it did not try.', z.nullable(z.string())),
  }),
);

export const campaignResponse = name(
  'Campaign',
  z.object({
    tag: z.string(),
    domain: z.string(),
    from: z.int(),
    to: z.int(),
    asOf: says('When it was counted, to the minute.', z.iso.datetime()),
    completeness: says(
      'Of the time from the first mail until now, as far as it is due: `complete` only where every slice was compared ' +
        'and everything is accounted for, so that the numbers are exact.',
      z.enum(['complete', 'incomplete', 'unknown']),
    ),
    completeFrom: says(
      'Null where every event since `from` is counted; else epoch seconds from which on they are. Up to `from`: some mail ' +
        'has no acceptance, which may lie before.',
      z.nullable(z.int()),
    ),
    archive: z.optional(
      says(
        'Absent where the table holds every event since `from`, or there is no archive. `counted`: what has left the table ' +
          'is counted from the archive. Else it is not: `too-large` for one response, or it came `too-slow`, and `ledger ' +
          'report` counts it; `unavailable`: ask again.',
        z.enum(['counted', 'too-large', 'too-slow', 'unavailable']),
      ),
    ),
    listed: says(
      'Events by type as the ledger counts them under this tag; untagged delayed bounces are not in it.',
      counts,
    ),
    cut: z.optional(
      says(
        'True where a slice had more tags than it counts, so `listed` may lack rare ones; all other numbers count event by event.',
        z.boolean(),
      ),
    ),
    mails: says('Null where the campaign is too large for one response: `ledger report` counts it.', z.nullable(mails)),
    people: says('The same.', z.nullable(people)),
    failures: says('Failed mails, up to 1,000 of them; their number is in `mails.failed`.', z.array(failure)),
  }),
);

export type CampaignResponse = z.infer<typeof campaignResponse>;
export type CampaignFailureEntry = z.infer<typeof failure>;
