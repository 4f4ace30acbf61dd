import * as z from 'zod/mini';
import { asSent, epochSeconds, isoTime, name, next, says, source } from './schema.ts';

export const event = name(
  'Event',
  z.object({
    key: says('`<event>#<id>`, unique within message and recipient.', z.string()),
    event: says("Mailgun's name of it, in lower case.", z.string()),
    name: z.enum([
      'EMAIL_ACCEPTED',
      'EMAIL_DELIVERED',
      'EMAIL_FAILED',
      'EMAIL_TEMP_FAILED',
      'EMAIL_COMPLAINED',
      'EMAIL_OPENED',
      'EMAIL_CLICKED',
      'EMAIL_UNSUBSCRIBED',
      'EMAIL_REJECTED',
      'EMAIL_OTHER',
    ]),
    messageId: z.nullable(z.string()),
    domain: says('The sending domain, `-` where none is known.', z.string()),
    recipient: says('As sent; null where the recipient was erased or none is named.', z.nullable(z.string())),
    timestamp: epochSeconds,
    receivedAt: isoTime('When this stack received it.'),
    source,
    severity: asSent(),
    reason: asSent(),
    tags: says('As Mailgun sent them; empty where it sent none.', z.array(z.unknown())),
    userVariables: asSent('As Mailgun sent them; any JSON.'),
    userVariablesNote: says(
      '`lost-by-mailgun` where Mailgun sent its notice that it could not load them in place of the variables.',
      z.nullable(z.literal('lost-by-mailgun')),
    ),
    deliveryStatus: asSent(),
    url: asSent(),
  }),
);

export const eventsResponse = name('Events', z.object({ events: z.array(event), next }));

export type EventEntry = z.infer<typeof event>;
export type EventsResponse = z.infer<typeof eventsResponse>;
