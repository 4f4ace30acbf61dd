import * as z from 'zod/mini';
import { SUPPRESSION_KINDS } from '../../lambdas/domain/event-types.ts';
import { confirmed, count, described, isoTime, name, next, unconfirmed } from './schema.ts';

const cause = name(
  'SuppressionCause',
  z.object({
    eventKey: z.string(),
    messageId: z.nullable(z.string()),
    at: isoTime('When it happened.'),
    unconfirmed,
    confirmed,
  }),
);

const suppression = name(
  'Suppression',
  z.object({
    domain: described(
      'The sending domain; `-` if the event names none, which suppresses for every domain.',
      z.string(),
    ),
    kind: z.enum(SUPPRESSION_KINDS),
    scope: described('`*`, or the tag that the recipient unsubscribed from.', z.string()),
    reason: z.nullable(z.string()),
    source: described(
      "`mailgun` if the address is on Mailgun's own suppression list, so that Mailgun does not even try.",
      z.enum(['event', 'mailgun']),
    ),
    since: isoTime('Time of the earliest event that caused it.'),
    lastAt: isoTime('Time of the latest such event.'),
    eventKey: z.string(),
    causes: described(
      'All events that caused it, newest first, from the newest 100 messages to the address; null unless requested with `causes=true`.',
      z.nullable(z.array(cause)),
    ),
    liftedAt: described('When it was lifted; it is in force again if `lastAt` is later.', z.nullable(z.iso.datetime())),
  }),
);

const suppressionsResponse = name(
  'Suppressions',
  z.object({
    recipient: described('The address as parsed.', z.string()),
    suppressed: described('True if one of them is in force for the given domain and tags.', z.boolean()),
    suppressions: z.array(suppression),
  }),
);

const listedSuppression = name(
  'ListedSuppression',
  z.extend(suppression, { recipient: described('The address as in the event.', z.string()) }),
);

const suppressionListResponse = name('SuppressionList', z.object({ suppressions: z.array(listedSuppression), next }));

/** The responses of the one path, with and without an address. */
name('SuppressionsOrList', z.union([suppressionListResponse, suppressionsResponse]));

const suppressionCheckResponse = name(
  'SuppressionCheck',
  z.object({
    recipients: described('In the order of the request.', z.array(suppressionsResponse)),
    suppressed: count('How many of the addresses should not be sent to.'),
  }),
);

export type ListedSuppressionEntry = z.infer<typeof listedSuppression>;
export type SuppressionListResponse = z.infer<typeof suppressionListResponse>;
export type SuppressionCheckResponse = z.infer<typeof suppressionCheckResponse>;
export type SuppressionEntry = z.infer<typeof suppression>;
export type SuppressionsResponse = z.infer<typeof suppressionsResponse>;
export type CauseEntry = z.infer<typeof cause>;
