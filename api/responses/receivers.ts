import * as z from 'zod/mini';
import { count, isoTime, name, next, says } from './schema.ts';

const columns = {
  published: count('Noted as published to this receiver.'),
  acknowledged: count('Responded to with 2xx.'),
  waiting: count('In the queue: before the first attempt, or between two.'),
  dead: count('In the DLQ: no attempt was acknowledged.'),
  unaccounted: count('Neither acknowledged nor dead, and no message in the queue will bring them on.'),
};

const deliveryLedger = name('DeliveryLedger', z.object(columns));
const deliveryHour = name('DeliveryHour', z.object({ hour: isoTime('Start of the hour.'), ...columns }));

const receiver = name(
  'Receiver',
  z.object({
    name: z.string(),
    state: says(
      '`failing`: no attempt was acknowledged since then. `disabled`: it gets no requests, and its deliveries wait.',
      z.enum(['enabled', 'failing', 'disabled']),
    ),
    since: says('Since when it fails or is disabled.', z.nullable(z.iso.datetime())),
    reason: says(
      'Why it is disabled. `gone`: it responded 410. `failing`: every attempt failed for days.',
      z.nullable(z.enum(['gone', 'failing', 'operator'])),
    ),
    lastStatus: says(
      'Of the attempt that disabled it; 0 where there was no response.',
      z.nullable(z.int().check(z.gte(0))),
    ),
    queue: says('Messages in its queue; null where that is not known.', z.nullable(z.int().check(z.gte(0)))),
    deadLetters: says('Messages in its DLQ; null where that is not known.', z.nullable(z.int().check(z.gte(0)))),
    ledger: deliveryLedger,
    hours: says('Newest first; an hour without deliveries is left out.', z.array(deliveryHour)),
    countedFrom: isoTime(
      'Since when deliveries are counted; later than asked for where there are more than 10,000 of them.',
    ),
    unaccounted: says(
      'The names of what is unaccounted for, up to 100 of them, oldest first.',
      z.array(z.object({ id: z.string(), publishedAt: z.iso.datetime() })),
    ),
  }),
);

export const receiversResponse = name('Receivers', z.object({ receivers: z.array(receiver) }));

const attempt = name(
  'Attempt',
  z.object({
    at: isoTime('When the request began.'),
    ms: count('Milliseconds until the response, or until it was given up.'),
    status: says('Null where there was no response.', z.nullable(z.int())),
    error: says('Why there was no response, such as `TimeoutError`.', z.nullable(z.string())),
  }),
);

const delivery = name(
  'Delivery',
  z.object({
    id: says('The `webhook-id` of its requests, and `data.id` of their body.', z.string()),
    publishedAt: z.iso.datetime(),
    type: says('Of the body: `message.status.changed`, `suppression.changed` or `receiver.test`.', z.string()),
    messageId: says('Null for what is about no message.', z.nullable(z.string())),
    state: says(
      '`published`: no attempt yet. `waiting`: the next attempt is planned. `dead`: in the DLQ.',
      z.enum(['published', 'waiting', 'acknowledged', 'dead']),
    ),
    attempts: says('Oldest first.', z.array(attempt)),
    nextAt: says('When the next attempt is planned.', z.nullable(z.iso.datetime())),
    settledAt: says('When it became acknowledged or dead.', z.nullable(z.iso.datetime())),
    response: says(
      'The beginning of the last response that was no acknowledgement, without addresses.',
      z.nullable(z.string()),
    ),
  }),
);

export const deliveriesResponse = name(
  'Deliveries',
  z.object({
    deliveries: z.array(delivery),
    searched: name(
      'SearchedDeliveries',
      says(
        'How far a page with filters has looked, since it may hold fewer deliveries than fit; null without filters.',
        z.nullable(
          z.object({
            deliveries: count('Deliveries that were looked at.'),
            until: says(
              'Epoch seconds at which the last of them was published; null where there was none.',
              z.nullable(z.number()),
            ),
          }),
        ),
      ),
    ),
    next,
  }),
);

export type ReceiverEntry = z.infer<typeof receiver>;
export type ReceiversResponse = z.infer<typeof receiversResponse>;
export type DeliveryEntry = z.infer<typeof delivery>;
export type DeliveriesResponse = z.infer<typeof deliveriesResponse>;
