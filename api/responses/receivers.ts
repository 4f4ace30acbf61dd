import * as z from 'zod/mini';
import { count, described, isoTime, name, next } from './schema.ts';

const columns = {
  published: count('Published to this receiver.'),
  acknowledged: count('Responded to with 2xx.'),
  waiting: count('In the queue, before the first attempt or between attempts.'),
  dead: count('In the DLQ: no attempt was acknowledged.'),
  unaccounted: count('Neither acknowledged nor dead, and not in the queue.'),
};

const deliveryLedger = name('DeliveryLedger', z.object(columns));
const deliveryHour = name('DeliveryHour', z.object({ hour: isoTime('Start of the hour.'), ...columns }));

const receiver = name(
  'Receiver',
  z.object({
    name: z.string(),
    state: described(
      '`failing`: no attempt was acknowledged since then. `disabled`: it receives no requests, and its deliveries wait.',
      z.enum(['enabled', 'failing', 'disabled']),
    ),
    since: described('When it began to fail or was disabled.', z.nullable(z.iso.datetime())),
    reason: described(
      'Why it is disabled. `gone`: it responded with 410. `failing`: every attempt failed for days.',
      z.nullable(z.enum(['gone', 'failing', 'operator'])),
    ),
    lastStatus: described(
      'HTTP status of the attempt that disabled it; 0 if there was no response.',
      z.nullable(z.int().check(z.gte(0))),
    ),
    queue: described('Messages in its queue; null if unknown.', z.nullable(z.int().check(z.gte(0)))),
    deadLetters: described('Messages in its DLQ; null if unknown.', z.nullable(z.int().check(z.gte(0)))),
    ledger: deliveryLedger,
    hours: described('Newest first, without hours that had no deliveries.', z.array(deliveryHour)),
    countedFrom: isoTime('Start of the counted time; later than requested if there are more than 10,000 deliveries.'),
    unaccounted: described(
      'Deliveries that are unaccounted for, at most 100, oldest first.',
      z.array(z.object({ id: z.string(), publishedAt: z.iso.datetime() })),
    ),
  }),
);

const receiversResponse = name('Receivers', z.object({ receivers: z.array(receiver) }));

const attempt = name(
  'Attempt',
  z.object({
    at: isoTime('When the request began.'),
    ms: count('Milliseconds until the response or the timeout.'),
    status: described('HTTP status; null if there was no response.', z.nullable(z.int())),
    error: described('Why there was no response, such as `TimeoutError`.', z.nullable(z.string())),
  }),
);

const delivery = name(
  'Delivery',
  z.object({
    id: described('The `webhook-id` of its requests, and `data.id` of their body.', z.string()),
    publishedAt: z.iso.datetime(),
    type: described(
      '`type` of the body: `message.status.changed`, `suppression.changed` or `receiver.test`.',
      z.string(),
    ),
    messageId: described('Null if it concerns no message.', z.nullable(z.string())),
    state: described(
      '`published`: no attempt yet. `waiting`: the next attempt is planned. `dead`: in the DLQ.',
      z.enum(['published', 'waiting', 'acknowledged', 'dead']),
    ),
    attempts: described('Oldest first.', z.array(attempt)),
    nextAt: described('When the next attempt is planned.', z.nullable(z.iso.datetime())),
    settledAt: described('When it became acknowledged or dead.', z.nullable(z.iso.datetime())),
    response: described(
      'The start of the last response that did not acknowledge, without addresses.',
      z.nullable(z.string()),
    ),
  }),
);

const deliveriesResponse = name(
  'Deliveries',
  z.object({
    deliveries: z.array(delivery),
    searched: name(
      'SearchedDeliveries',
      described(
        'How far a filtered page has searched, since it may contain fewer deliveries than `limit`; null without filters.',
        z.nullable(
          z.object({
            deliveries: count('Deliveries searched.'),
            until: described(
              'Epoch seconds at which the last of them was published; null if there were none.',
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
