import * as z from 'zod/mini';
import { isoTime, name, says } from './schema.ts';

const suppression = name(
  'Suppression',
  z.object({
    domain: says('The sending domain; `-` where the event names none, which suppresses for every domain.', z.string()),
    kind: z.enum(['bounce', 'complaint', 'unsubscribe']),
    scope: says('`*`, or the tag that was unsubscribed from.', z.string()),
    reason: z.nullable(z.string()),
    source: says(
      '`mailgun` where the address is on a list of Mailgun itself, which does not even try.',
      z.enum(['event', 'mailgun']),
    ),
    since: isoTime('Time of the earliest event that says so.'),
    lastAt: isoTime('Time of the latest.'),
    eventKey: z.string(),
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

export type SuppressionEntry = z.infer<typeof suppression>;
export type SuppressionsResponse = z.infer<typeof suppressionsResponse>;
