import * as z from 'zod/mini';
import { SUPPRESSION_KINDS } from '../../lambdas/domain/event-types.ts';
import { confirmed, count, isoTime, name, next, says, unconfirmed } from './schema.ts';

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
    domain: says('The sending domain; `-` where the event names none, which suppresses for every domain.', z.string()),
    kind: z.enum(SUPPRESSION_KINDS),
    scope: says('`*`, or the tag that was unsubscribed from.', z.string()),
    reason: z.nullable(z.string()),
    source: says(
      '`mailgun` where the address is on a list of Mailgun itself, which does not even try.',
      z.enum(['event', 'mailgun']),
    ),
    since: isoTime('Time of the earliest event that says so.'),
    lastAt: isoTime('Time of the latest.'),
    eventKey: z.string(),
    causes: says(
      'Every event that it rests on, newest first, of the newest 100 messages to the address; null unless `causes=true` asks for them.',
      z.nullable(z.array(cause)),
    ),
    liftedAt: says('When it was lifted; it is in force again if `lastAt` is later.', z.nullable(z.iso.datetime())),
  }),
);

export const suppressionsResponse = name(
  'Suppressions',
  z.object({
    recipient: says('The address that was read.', z.string()),
    suppressed: says('Whether one of them is in force for the given domain and tags.', z.boolean()),
    suppressions: z.array(suppression),
  }),
);

const listedSuppression = name(
  'ListedSuppression',
  z.extend(suppression, { recipient: says('The address as it was sent to.', z.string()) }),
);

export const suppressionListResponse = name(
  'SuppressionList',
  z.object({ suppressions: z.array(listedSuppression), next }),
);

/** The responses of the one path, with and without an address. */
export const suppressionsOrListResponse = name(
  'SuppressionsOrList',
  z.union([suppressionListResponse, suppressionsResponse]),
);

export const suppressionCheckResponse = name(
  'SuppressionCheck',
  z.object({
    recipients: says('In the order of the request.', z.array(suppressionsResponse)),
    suppressed: count('How many of them should not be sent to.'),
  }),
);

export type ListedSuppressionEntry = z.infer<typeof listedSuppression>;
export type SuppressionListResponse = z.infer<typeof suppressionListResponse>;
export type SuppressionCheckResponse = z.infer<typeof suppressionCheckResponse>;
export type SuppressionEntry = z.infer<typeof suppression>;
export type SuppressionsResponse = z.infer<typeof suppressionsResponse>;
export type CauseEntry = z.infer<typeof cause>;
