import * as z from 'zod/mini';
import { direction, event } from './events.ts';
import { confirmed, count, described, epochSeconds, name, next, source, status, unconfirmed } from './schema.ts';

const recipientStatus = name(
  'RecipientStatus',
  z.object({
    recipient: described('As sent; null if the events name none.', z.nullable(z.string())),
    domain: described('The sending domain, or `-` if unknown.', z.string()),
    status,
    reason: described('Why it failed; `suppressed` if Mailgun did not try.', z.nullable(z.string())),
    statusAt: epochSeconds,
    decidedBy: described(
      'Key of the event that decided the status; the event itself may become readable a moment later.',
      z.string(),
    ),
    source: described('How the deciding event arrived; null until it is stored.', z.nullable(source)),
    testMode: described('True if its events on this page report test mode: the mail was sent to no one.', z.boolean()),
    direction,
    unconfirmed,
    confirmed,
    opens: count('By people.'),
    clicks: count('By people.'),
    machineOpens: count('By proxies and scanners, as Mailgun marks them.'),
    machineClicks: count('By proxies and scanners, as Mailgun marks them.'),
    unsubscribed: z.boolean(),
    unsubscribedFrom: described('Tags, or `*` for everything.', z.array(z.string())),
    countsComplete: described(
      'False if more events of this recipient follow on the next page; the last entry counts all.',
      z.boolean(),
    ),
  }),
);

const archivedEvents = name(
  'ArchivedEvents',
  z.object({
    bucket: z.string(),
    prefix: described('Prefix of the object keys, before `day=`.', z.string()),
    from: described('The first UTC day with events of this message, `YYYY-MM-DD`.', z.string()),
    to: described('The day of the status, `YYYY-MM-DD`; opens and clicks may be later.', z.string()),
  }),
);

const messageResponse = name(
  'Message',
  z.object({
    messageId: z.string(),
    recipients: z.array(recipientStatus),
    events: z.array(event),
    eventsUntil: described(
      'If events of this message may have left the table, the time (epoch seconds) before which they were received; otherwise null. Statuses are kept longer.',
      z.nullable(epochSeconds),
    ),
    archive: described('Location of those events; empty if they are not archived.', z.array(archivedEvents)),
    next,
  }),
);

export type RecipientStatus = z.infer<typeof recipientStatus>;
export type MessageResponse = z.infer<typeof messageResponse>;
