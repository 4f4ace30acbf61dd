import * as z from 'zod/mini';
import { direction, event } from './events.ts';
import { confirmed, count, epochSeconds, name, next, says, source, status, unconfirmed } from './schema.ts';

const recipientStatus = name(
  'RecipientStatus',
  z.object({
    recipient: says('As sent; null where the events name none.', z.nullable(z.string())),
    domain: says('The sending domain, `-` where none is known.', z.string()),
    status,
    reason: says('Why it failed; `suppressed` where Mailgun did not try.', z.nullable(z.string())),
    statusAt: epochSeconds,
    decidedBy: says(
      'Key of the event that decided the status; the event itself may follow a moment later.',
      z.string(),
    ),
    source: says('What brought the deciding event; null until it is there.', z.nullable(source)),
    testMode: says('Whether its events of this page say that it was sent in test mode, and so to no one.', z.boolean()),
    direction,
    unconfirmed,
    confirmed,
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

const archivedEvents = name(
  'ArchivedEvents',
  z.object({
    bucket: z.string(),
    prefix: says('What the keys of the objects start with, before `day=`.', z.string()),
    from: says('The first UTC day with events of this message, `YYYY-MM-DD`.', z.string()),
    to: says('The day of the status, `YYYY-MM-DD`; opens and clicks may be later.', z.string()),
  }),
);

export const messageResponse = name(
  'Message',
  z.object({
    messageId: z.string(),
    recipients: z.array(recipientStatus),
    events: z.array(event),
    eventsUntil: says(
      'Where events of this message may have left the table, the time (epoch seconds) before which received events have; statuses stay longer. Else null.',
      z.nullable(epochSeconds),
    ),
    archive: says('Where those events are; empty where they are in no archive.', z.array(archivedEvents)),
    next,
  }),
);

export type RecipientStatus = z.infer<typeof recipientStatus>;
export type MessageResponse = z.infer<typeof messageResponse>;
