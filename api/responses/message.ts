import * as z from 'zod/mini';
import { direction, event } from './events.ts';
import { count, epochSeconds, name, next, says, source, status, unconfirmed } from './schema.ts';

const recipientStatus = name(
  'RecipientStatus',
  z.object({
    recipient: says('As sent; null where the events name none.', z.nullable(z.string())),
    status,
    reason: says('Why it failed; `suppressed` where Mailgun did not try.', z.nullable(z.string())),
    statusAt: epochSeconds,
    decidedBy: says(
      'Key of the event that decided the status; the event itself may follow a moment later.',
      z.string(),
    ),
    source: says('What brought the deciding event; null until it is there.', z.nullable(source)),
    testMode: says('Whether its events of this page say that it was sent in test mode, and so to nobody.', z.boolean()),
    direction,
    unconfirmed,
    opens: count('By people.'),
    clicks: count('By people.'),
    machineOpens: count('By proxies and scanners, as Mailgun marks them.'),
    machineClicks: count('By proxies and scanners, as Mailgun marks them.'),
    unsubscribed: z.boolean(),
    unsubscribedFrom: says('Tags, or `*` for everything.', z.array(z.string())),
    countsComplete: says(
      'False where more events of this recipient follow on the next page; the last entry has counted all.',
      z.boolean(),
    ),
  }),
);

export const messageResponse = name(
  'Message',
  z.object({ messageId: z.string(), recipients: z.array(recipientStatus), events: z.array(event), next }),
);

export type RecipientStatus = z.infer<typeof recipientStatus>;
export type MessageResponse = z.infer<typeof messageResponse>;
