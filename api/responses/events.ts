import * as z from 'zod/mini';
import { EVENT_TYPES, OTHER_EVENT } from '../../lambdas/domain/event-types.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../lambdas/domain/status/failure-class.ts';
import {
  asSent,
  confirmed,
  count,
  described,
  epochSeconds,
  isoTime,
  name,
  next,
  source,
  unconfirmed,
} from './schema.ts';

export const direction = name(
  'Direction',
  described(
    '`inbound`: received mail that a route forwarded; its deliveries, bounces and suppressions are not ours.',
    z.enum(['inbound', 'outbound']),
  ),
);

const HISTORY_NAMES: readonly string[] = [...Object.values(EVENT_TYPES), OTHER_EVENT].map(
  ({ historyName }) => historyName,
);

const eventDetails = name(
  'EventDetails',
  described(
    'The rest of the event, each field as Mailgun sent it, or null if absent.',
    z.object({
      subject: asSent('`message.headers.subject`; absent from opens, clicks and unsubscribes.'),
      flags: asSent('`flags`'),
      template: asSent('`template`'),
      recipientProvider: asSent('`recipient-provider`'),
      mxHost: asSent('`delivery-status.mx-host`'),
      sendingIp: asSent('`envelope.sending-ip`'),
      reject: asSent('`reject`: why Mailgun refused the mail.'),
      mailingList: asSent('`mailing-list`'),
      storageKey: asSent('`storage.key`'),
      retrySeconds: asSent('`delivery-status.retry-seconds`: the delay before Mailgun retries.'),
      client: asSent('`client-info`'),
      geolocation: asSent('`geolocation`'),
      ip: asSent('`ip`'),
      other: described('All fields that are not shown elsewhere.', z.record(z.string(), z.unknown())),
    }),
  ),
);

export const event = name(
  'Event',
  z.object({
    key: described('`<event>#<id>`, unique per message and recipient.', z.string()),
    event: described("Mailgun's event type, in lower case.", z.string()),
    name: z.enum(HISTORY_NAMES),
    messageId: z.nullable(z.string()),
    domain: described('The sending domain, or `-` if unknown.', z.string()),
    recipient: described('As sent; null if the recipient was erased or is absent.', z.nullable(z.string())),
    timestamp: epochSeconds,
    receivedAt: isoTime('When this stack received it.'),
    source,
    severity: asSent(),
    reason: asSent(),
    failureClass: described(
      "Why the mail failed, derived from the server's codes and texts; null if the event is not a failure.",
      z.nullable(z.enum(Object.keys(FAILURE_CLASSES) as FailureClass[])),
    ),
    tags: described('As Mailgun sent them; empty if it sent none.', z.array(z.unknown())),
    userVariables: asSent('As Mailgun sent them; any JSON.'),
    userVariablesNote: described(
      '`lost-by-mailgun` if Mailgun sent, in place of the variables, its notice that it could not load them.',
      z.nullable(z.literal('lost-by-mailgun')),
    ),
    deliveryStatus: asSent('As Mailgun sent it; null if the event has none.'),
    url: asSent(),
    testMode: described(
      'True for a mail in test mode, which Mailgun reports as delivered but does not send.',
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
  described(
    'How far a filtered page has searched, since it may contain fewer events than `limit`; null without filters.',
    z.nullable(
      z.object({
        events: count('Events searched.'),
        until: described('Time of the oldest of them; null if there were none.', z.nullable(z.number())),
      }),
    ),
  ),
);

const eventsResponse = name('Events', z.object({ events: z.array(event), searched, next }));

const tailResponse = name(
  'Tail',
  z.object({
    events: z.array(event),
    behind: described('True if the next page can be read at once, otherwise in a few seconds.', z.boolean()),
    next: described('Cursor of the next page; never null.', z.string()),
  }),
);

export type EventEntry = z.infer<typeof event>;
export type EventsResponse = z.infer<typeof eventsResponse>;
export type TailResponse = z.infer<typeof tailResponse>;
