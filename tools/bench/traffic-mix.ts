import { createRandom, HEX } from '../mailgun-twin/random.ts';
import type { EventData, Mail, Moment } from '../mailgun-twin/traffic/event-parts.ts';
import type { EventBuilder } from '../mailgun-twin/traffic/events.ts';
import * as made from '../mailgun-twin/traffic/events.ts';

/** Outcomes of ordinary mail: the share of messages, and after how many further messages each is posted. */
const OUTCOMES: readonly { event: EventBuilder; share: number; later: number }[] = [
  { event: made.accepted, share: 1, later: 0 },
  { event: made.deferred(1, 600), share: 0.03, later: 3 },
  { event: made.delivered, share: 0.98, later: 8 },
  { event: made.bounced, share: 0.02, later: 8 },
  { event: made.opened('gmail'), share: 0.2, later: 12 },
  { event: made.opened(), share: 0.35, later: 40 },
  { event: made.clicked(), share: 0.06, later: 44 },
  { event: made.unsubscribed('*'), share: 0.003, later: 50 },
  { event: made.complained, share: 0.0005, later: 60 },
];

/** Average number of events per message. */
export const EVENTS_PER_MESSAGE = OUTCOMES.reduce((sum, { share }) => sum + share, 0);

/** The mix in readable form. */
export const TRAFFIC_MIX =
  'of 1,000 messages to one recipient each: 1,000 accepted, 30 deferred, 980 delivered, 20 bounced, 550 opened (200 by machines), 60 clicked, 3 unsubscribed, 0.5 complained of';

/**
 * Generates `count` events of ordinary mail in posting order; the same seed gives the same events. `now` stamps an
 * event when it is generated: epoch milliseconds.
 */
export function* ordinaryMail(count: number, domain: string, seed: number, now: () => number): Generator<EventData> {
  const random = createRandom(seed);
  const run = random.text(6, HEX);
  const due: Map<number, ((epochMs: number) => EventData)[]> = new Map();
  let given = 0;
  for (let nth = 0; ; nth += 1) {
    const mail: Mail = {
      domain,
      messageId: `20261101.${run}.${nth}@${domain}`,
      from: `"The shop" <hello@${domain}>`,
      to: [`reader-${random.below(1_000_000)}@north.example`],
      subject: 'Your order is on its way',
      tags: ['receipts'],
    };
    for (const { event, share, later } of OUTCOMES) {
      if (!random.chance(share)) continue;
      const moment = (epochMs: number): Moment => ({ mail, recipient: mail.to[0] ?? '', epochMs, random });
      due.set(nth + later, [...(due.get(nth + later) ?? []), (epochMs) => event(moment(epochMs))]);
    }
    for (const make of due.get(nth) ?? []) {
      if (given === count) return;
      given += 1;
      yield make(now());
    }
    due.delete(nth);
  }
}
