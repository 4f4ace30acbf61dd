import * as z from 'zod/mini';
import { EVENT_TYPES, OTHER_EVENT } from '../../lambdas/domain/event-types.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../lambdas/domain/status/failure-class.ts';
import { asSent, confirmed, count, epochSeconds, isoTime, name, next, says, source, unconfirmed } from './schema.ts';

export const direction = name(
  'Direction',
  says(
    '`inbound`: mail that came in and was routed on, of which no delivery, bounce or suppression is ours.',
    z.enum(['inbound', 'outbound']),
  ),
);

const HISTORY_NAMES: readonly string[] = [...Object.values(EVENT_TYPES), OTHER_EVENT].map(
  ({ historyName }) => historyName,
);

const eventDetails = name(
  'EventDetails',
  says(
    'The rest of the event, each field as Mailgun sent it and null where it sent none.',
    z.object({
      subject: asSent('`message.headers.subject`; opens, clicks and unsubscribes carry none.'),
      flags: asSent('`flags`'),
      template: asSent('`template`'),
      recipientProvider: asSent('`recipient-provider`'),
      mxHost: asSent('`delivery-status.mx-host`'),
      sendingIp: asSent('`envelope.sending-ip`'),
      reject: asSent('`reject`: why Mailgun refused the mail.'),
      mailingList: asSent('`mailing-list`'),
      storageKey: asSent('`storage.key`'),
      retrySeconds: asSent('`delivery-status.retry-seconds`: when Mailgun tries again.'),
      client: asSent('`client-info`'),
      geolocation: asSent('`geolocation`'),
      ip: asSent('`ip`'),
      other: says('Every field that is shown nowhere else.', z.record(z.string(), z.unknown())),
    }),
  ),
);

export type EventDetails = z.infer<typeof eventDetails>;

export const event = name(
  'Event',
  z.object({
    key: says('`<event>#<id>`, unique within message and recipient.', z.string()),
    event: says("Mailgun's name of it, in lower case.", z.string()),
    name: z.enum(HISTORY_NAMES),
    messageId: z.nullable(z.string()),
    domain: says('The sending domain, `-` where none is known.', z.string()),
    recipient: says('As sent; null where the recipient was erased or none is named.', z.nullable(z.string())),
    timestamp: epochSeconds,
    receivedAt: isoTime('When this stack received it.'),
    source,
    severity: asSent(),
    reason: asSent(),
    failureClass: says(
      'Why the mail failed, read from the codes and texts of the server; null for what is no failure.',
      z.nullable(z.enum(Object.keys(FAILURE_CLASSES) as FailureClass[])),
    ),
    tags: says('As Mailgun sent them; empty where it sent none.', z.array(z.unknown())),
    userVariables: asSent('As Mailgun sent them; any JSON.'),
    userVariablesNote: says(
      '`lost-by-mailgun` where Mailgun sent its notice that it could not load them in place of the variables.',
      z.nullable(z.literal('lost-by-mailgun')),
    ),
    deliveryStatus: asSent('As Mailgun sent it; null where it reports no delivery.'),
    url: asSent(),
    testMode: says(
      'Whether it is of a mail in test mode, which Mailgun marks as delivered and does not send.',
      z.boolean(),
    ),
    direction,
    unconfirmed,
    confirmed,
    details: eventDetails,
  }),
);

const searched = name(
  'Searched',
  says(
    'How far a page with filters has looked, since it may hold fewer events than fit; null without filters.',
    z.nullable(
      z.object({
        events: count('Events that were looked at.'),
        until: says('Time of the oldest of them; null where there was none.', z.nullable(z.number())),
      }),
    ),
  ),
);

export const eventsResponse = name('Events', z.object({ events: z.array(event), searched, next }));

export const tailResponse = name(
  'Tail',
  z.object({
    events: z.array(event),
    behind: says('Whether the next page is to be read at once; otherwise in a few seconds.', z.boolean()),
    next: says('The cursor of the next page, which there always is.', z.string()),
  }),
);

export type Searched = z.infer<typeof searched>;

export type EventEntry = z.infer<typeof event>;
export type EventsResponse = z.infer<typeof eventsResponse>;
export type TailResponse = z.infer<typeof tailResponse>;
