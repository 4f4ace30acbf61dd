import { testButtonEvent, testButtonMessageId } from '../api/test-button.ts';
import {
  accepted,
  bounced,
  clicked,
  complained,
  deferred,
  delayedBounce,
  delivered,
  opened,
  suppressed,
  tooOld,
  unsubscribed,
} from './events.ts';
import { at, decisive, type Timeline } from './timeline.ts';

const MINUTE = 60;
const HOUR = 3600;

/** Lives of messages, from ordinary to strange, each with the expected record. */
export const TIMELINES: readonly Timeline[] = [
  {
    name: 'delivered',
    messages: 8,
    steps: () => [at(0, accepted), decisive(3, delivered)],
    expected: [{ status: 'DELIVERED', events: 2 }],
  },
  {
    name: 'accepted, nothing since',
    messages: 2,
    steps: () => [decisive(0, accepted)],
    expected: [{ status: 'ACCEPTED', events: 1 }],
  },
  {
    name: 'deferred, still waiting',
    messages: 2,
    steps: () => [at(0, accepted), decisive(2, deferred(1, 600)), at(602, deferred(2, 900))],
    expected: [{ status: 'DEFERRED', events: 3 }],
  },
  {
    name: 'deferred, then delivered',
    messages: 5,
    steps: () => [at(0, accepted), at(2, deferred(1, 600)), at(602, deferred(2, 900)), decisive(1502, delivered)],
    expected: [{ status: 'DELIVERED', events: 4 }],
  },
  {
    name: 'too old after eight hours',
    messages: 2,
    steps: () => [
      at(0, accepted),
      at(2, deferred(1, 10 * MINUTE)),
      at(10 * MINUTE, deferred(2, 15 * MINUTE)),
      at(25 * MINUTE, deferred(3, 30 * MINUTE)),
      at(55 * MINUTE, deferred(4, 1 * HOUR)),
      at(115 * MINUTE, deferred(5, 2 * HOUR)),
      at(235 * MINUTE, deferred(6, 4 * HOUR)),
      decisive(8 * HOUR, tooOld),
    ],
    expected: [{ status: 'FAILED', reason: 'old', events: 8 }],
  },
  {
    name: 'bounced',
    messages: 4,
    steps: () => [at(0, accepted), decisive(2, bounced)],
    expected: [{ status: 'FAILED', reason: 'bounce', events: 2 }],
  },
  {
    name: 'bounced long after delivery',
    messages: 3,
    // The second message's delivery is reported after its bounce.
    steps: (nth) => [
      at(0, accepted),
      at(3, delivered, { heldSeconds: nth === 1 ? 4 * HOUR : 0 }),
      decisive(2 * HOUR, delayedBounce),
    ],
    expected: [{ status: 'FAILED', reason: 'generic', events: 3 }],
  },
  {
    name: 'on a suppression list',
    messages: 3,
    steps: (nth) => [at(0, accepted), decisive(1, suppressed(nth === 0 ? 605 : nth === 1 ? 606 : 607))],
    expected: [{ status: 'FAILED', reason: 'suppressed', events: 2 }],
  },
  {
    name: 'opened and clicked',
    messages: 6,
    steps: () => [
      at(0, accepted),
      decisive(3, delivered),
      at(20 * MINUTE, opened()),
      at(21 * MINUTE, clicked()),
      at(3 * HOUR, opened()),
    ],
    expected: [{ status: 'DELIVERED', events: 5, opens: 2, clicks: 1 }],
  },
  {
    name: 'opened by machines alone',
    messages: 3,
    steps: () => [
      at(0, accepted),
      decisive(3, delivered),
      at(4, opened('apple')),
      at(5, clicked('generic')),
      at(2 * HOUR, opened('gmail')),
    ],
    expected: [{ status: 'DELIVERED', events: 5, machineOpens: 2, machineClicks: 1 }],
  },
  {
    name: 'opened, delivery reported last',
    messages: 3,
    steps: () => [at(0, accepted), decisive(3, delivered, { heldSeconds: 2 * HOUR }), at(10 * MINUTE, opened())],
    expected: [{ status: 'DELIVERED', events: 3, opens: 1 }],
  },
  {
    name: 'opened, delivery never reported',
    messages: 1,
    steps: () => [at(0, accepted), decisive(10 * MINUTE, opened())],
    expected: [{ status: 'DELIVERED', events: 2, opens: 1 }],
  },
  {
    name: 'unsubscribed',
    messages: 3,
    steps: (nth) => [
      at(0, accepted),
      decisive(3, delivered),
      at(40 * MINUTE, opened()),
      at(41 * MINUTE, unsubscribed(nth === 0 ? 'newsletter' : '*')),
    ],
    expected: [{ status: 'DELIVERED', events: 4, opens: 1, unsubscribed: true }],
  },
  {
    name: 'complained',
    messages: 3,
    steps: () => [at(0, accepted), at(3, delivered), at(1 * HOUR, opened()), decisive(62 * MINUTE, complained)],
    expected: [{ status: 'COMPLAINED', events: 4, opens: 1 }],
  },
  {
    name: 'four recipients, four outcomes',
    messages: 2,
    steps: () => [
      ...[0, 1, 2, 3].map((recipient) => at(0, accepted, { recipient })),
      decisive(3, delivered, { recipient: 0 }),
      at(30 * MINUTE, clicked(), { recipient: 0 }),
      decisive(2, bounced, { recipient: 1 }),
      decisive(2, deferred(1, 600), { recipient: 2 }),
      at(4, delivered, { recipient: 3 }),
      decisive(5 * HOUR, complained, { recipient: 3 }),
    ],
    expected: [
      { status: 'DELIVERED', events: 3, clicks: 1 },
      { status: 'FAILED', reason: 'bounce', events: 2 },
      { status: 'DEFERRED', events: 2 },
      { status: 'COMPLAINED', events: 3 },
    ],
  },
  {
    name: "a sender's own message id",
    messages: 1,
    steps: () => [at(0, accepted), decisive(3, delivered)],
    expected: [{ status: 'DELIVERED', events: 2 }],
    messageId: (domain, run) => `orders/${run}?copy=2&of=50%#a+b@${domain}`,
  },
  {
    name: 'test button, pressed three times',
    messages: 1,
    steps: () => [0, 1, 2].map((press) => decisive(press * HOUR, ({ mail }) => testButtonEvent(mail.domain))),
    expected: [{ status: 'DELIVERED', events: 1 }],
    listed: false,
    messageId: testButtonMessageId,
    recipients: ['alice@example.com'],
  },
];

/** Legacy webhooks have no event id, so they cannot be matched with listed events. */
export const LEGACY_TIMELINES: readonly Timeline[] = [
  {
    name: 'legacy form, urlencoded',
    messages: 1,
    steps: () => [decisive(0, delivered), at(10 * MINUTE, opened())],
    expected: [{ status: 'DELIVERED', events: 2, opens: 1 }],
    encoding: 'urlencoded',
    listed: false,
  },
  {
    name: 'legacy form, multipart',
    messages: 1,
    steps: () => [at(0, delivered), decisive(10 * MINUTE, complained)],
    expected: [{ status: 'COMPLAINED', events: 2 }],
    encoding: 'multipart',
    listed: false,
  },
];

/** Verifiable only by a receiver that has the primary account's key. */
export const SUBACCOUNT_TIMELINE: Timeline = {
  name: 'sent by a subaccount',
  messages: 1,
  steps: () => [at(0, accepted), decisive(3, delivered)],
  expected: [{ status: 'DELIVERED', events: 2 }],
  fromSubaccount: true,
};
