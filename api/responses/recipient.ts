import * as z from 'zod/mini';
import { direction } from './events.ts';
import { confirmed, count, described, epochSeconds, name, next, status, unconfirmed } from './schema.ts';

const engagement = name(
  'Engagement',
  described(
    'Opens and clicks; null unless requested with `engagement=true`.',
    z.nullable(
      z.object({
        opens: count('By people.'),
        clicks: count('By people.'),
        machineOpens: count('By proxies and scanners, as Mailgun marks them.'),
        machineClicks: count('By proxies and scanners, as Mailgun marks them.'),
        countsComplete: described('False if the mail has more events than are counted here.', z.boolean()),
      }),
    ),
  ),
);

export type EngagementEntry = NonNullable<z.infer<typeof engagement>>;

export const recipientMessage = name(
  'RecipientMessage',
  z.object({
    messageId: described('Null for events that belong to no message.', z.nullable(z.string())),
    status,
    reason: z.nullable(z.string()),
    statusAt: epochSeconds,
    firstAt: described('Epoch seconds of the first event, usually `accepted`.', z.number()),
    subject: described(
      'Subject from the event that decided the status; null if that has none.',
      z.nullable(z.string()),
    ),
    tags: described('Tags from that event, in lower case.', z.array(z.string())),
    domain: described('The sending domain; null until the deciding event is stored.', z.nullable(z.string())),
    testMode: described('True if it was sent in test mode, so to no one.', z.boolean()),
    direction,
    unconfirmed,
    confirmed,
    engagement,
  }),
);

export const searched = name(
  'SearchedMessages',
  described(
    'How far a filtered page has searched, since it may contain fewer messages than `limit`; null without filters.',
    z.nullable(
      z.object({
        messages: count('Messages searched.'),
        until: described(
          '`firstAt` of the last of them, `acceptedAt` in a list of mail; null if there were none.',
          z.nullable(z.number()),
        ),
      }),
    ),
  ),
);

const recipientResponse = name(
  'RecipientMessages',
  z.object({
    recipient: described('The address as parsed.', z.string()),
    messages: z.array(recipientMessage),
    searched,
    next,
  }),
);

export type RecipientMessageEntry = z.infer<typeof recipientMessage>;
export type RecipientResponse = z.infer<typeof recipientResponse>;
