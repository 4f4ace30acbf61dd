import { EVENT_TYPES, OTHER_EVENT } from '../../../../../lambdas/domain/event-types.ts';
import {
  type DecidingEvent,
  decideByConfirmed,
  decideStatus,
  eventKeyInOrder,
  readOrder,
  statusOrder,
} from '../../../../../lambdas/domain/status/decide-status.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const event = (name: string, atMs: number, unconfirmedSinceMs?: number): DecidingEvent => ({
  event: deliveredEvent({ event: name }),
  atMs,
  eventKey: `${name}#${atMs}`,
  unconfirmedSinceMs,
});
const accepted = event('accepted', 1);
const delivered = event('delivered', 2);
const forged = event('complained', 3, 9);

test.each<[name: string, events: DecidingEvent[], all: string | null, confirmed: string | null, by: string]>([
  ['a forged complaint', [accepted, delivered, forged], 'COMPLAINED', 'DELIVERED', 'delivered#2'],
  ['several', [accepted, forged, event('delivered', 1, 9)], 'COMPLAINED', 'ACCEPTED', 'accepted#1'],
  ['one that decides nothing', [delivered, event('accepted', 3, 9)], 'DELIVERED', 'DELIVERED', 'delivered#2'],
  ['all there is', [forged, event('delivered', 2, 9)], 'COMPLAINED', null, 'delivered#2'],
  ['none', [accepted, delivered], 'DELIVERED', 'DELIVERED', 'delivered#2'],
])('of unconfirmed events, %s: the confirmed ones decide, in any order', (_name, events, all, confirmed, by) => {
  for (const list of [events, events.toReversed()]) {
    expect(decideStatus(list)?.status).toBe(all);
    expect(decideByConfirmed(list)).toMatchObject({ status: confirmed, eventKey: by });
    expect(eventKeyInOrder(decideByConfirmed(list)?.order ?? '')).toBe(by);
  }
});

test('a later confirmation lets the event decide again, and any confirmed event counts more than a discarded one', () => {
  const { order: discarded = '' } = decideByConfirmed([forged]) ?? {};
  expect(decideByConfirmed([{ ...forged, unconfirmedSinceMs: undefined }])?.status).toBe('COMPLAINED');
  for (const each of [accepted, delivered]) expect((decideStatus([each])?.order ?? '') > discarded).toBe(true);
});

test.each([...Object.entries(EVENT_TYPES), ['another', OTHER_EVENT] as const])(
  'the order of an event gives its precedence and time: %s',
  (_name, { precedence, status }) => {
    const order = statusOrder({ precedence, status, reason: null }, 1_769_999_990_123, 'x#1');
    expect(readOrder(order)).toEqual({ status, atMs: 1_769_999_990_123, eventKey: 'x#1' });
  },
);

test('no events decide nothing', () => {
  expect([decideStatus([]), decideByConfirmed([])]).toEqual([undefined, undefined]);
});
