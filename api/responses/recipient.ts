import * as z from 'zod/mini';
import { direction } from './events.ts';
import { confirmed, count, epochSeconds, name, next, says, status, unconfirmed } from './schema.ts';

const engagement = name(
  'Engagement',
  says(
    'Who opened and clicked; null unless `engagement=true` asks for it.',
    z.nullable(
      z.object({
        opens: count('By people.'),
        clicks: count('By people.'),
        machineOpens: count('By proxies and scanners, as Mailgun marks them.'),
        machineClicks: count('By proxies and scanners, as Mailgun marks them.'),
        countsComplete: says('False where the mail has more events than are counted here.', z.boolean()),
      }),
    ),
  ),
);

export type EngagementEntry = NonNullable<z.infer<typeof engagement>>;

export const recipientMessage = name(
  'RecipientMessage',
  z.object({
    messageId: says('Null for events that belong to no message.', z.nullable(z.string())),
    status,
    reason: z.nullable(z.string()),
    statusAt: epochSeconds,
    firstAt: says('Epoch seconds of the event that came first, mostly of its acceptance.', z.number()),
    subject: says('Of the event that decided the status; null where that carries none.', z.nullable(z.string())),
    tags: says('The same of its tags, in lower case.', z.array(z.string())),
    domain: says('The sending domain; null until the event that decided is stored.', z.nullable(z.string())),
    testMode: says('Whether it was in test mode, and so reached no one.', z.boolean()),
    direction,
    unconfirmed,
    confirmed,
    engagement,
  }),
);

export const searched = name(
  'SearchedMessages',
  says(
    'How far a page with filters has looked, since it may hold fewer messages than fit; null without filters.',
    z.nullable(
      z.object({
        messages: count('Messages that were looked at.'),
        until: says(
          '`firstAt` of the last of them, `acceptedAt` in a list of mail; null where there was none.',
          z.nullable(z.number()),
        ),
      }),
    ),
  ),
);

export const recipientResponse = name(
  'RecipientMessages',
  z.object({
    recipient: says('The address that was read.', z.string()),
    messages: z.array(recipientMessage),
    searched,
    next,
  }),
);

export type RecipientMessageEntry = z.infer<typeof recipientMessage>;
export type RecipientResponse = z.infer<typeof recipientResponse>;
