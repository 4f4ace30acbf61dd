import { EVENT_TYPES, OTHER_EVENT } from '../../../../../lambdas/domain/event-types.ts';
import {
  type DecidingEvent,
  decideStatus,
  eventKeyInOrder,
  readOrder,
  statusOrder,
} from '../../../../../lambdas/domain/status/decide-status.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const event = (name: string, atMs: number, distrustedAtMs?: number): DecidingEvent => ({
  event: deliveredEvent({ event: name }),
  atMs,
  eventKey: `${name}#${atMs}`,
  distrustedAtMs,
});
const accepted = event('accepted', 1);
const delivered = event('delivered', 2);
const forged = event('complained', 3, 9);

test.each<[name: string, events: DecidingEvent[], all: string | null, trusted: string | null, by: string]>([
  ['a forged complaint', [accepted, delivered, forged], 'COMPLAINED', 'DELIVERED', 'delivered#2'],
  ['several', [accepted, forged, event('delivered', 1, 9)], 'COMPLAINED', 'ACCEPTED', 'accepted#1'],
  ['one that decides nothing', [delivered, event('accepted', 3, 9)], 'DELIVERED', 'DELIVERED', 'delivered#2'],
  ['all there is', [forged, event('delivered', 2, 9)], 'COMPLAINED', null, 'delivered#2'],
  ['none', [accepted, delivered], 'DELIVERED', 'DELIVERED', 'delivered#2'],
])('of distrusted events, %s: the others decide, in any order', (_name, events, all, trusted, by) => {
  for (const list of [events, events.toReversed()]) {
    expect(decideStatus(list.map((each) => ({ ...each, distrustedAtMs: undefined })))?.status).toBe(all);
    expect(decideStatus(list)).toMatchObject({ status: trusted, eventKey: by });
    expect(eventKeyInOrder(decideStatus(list)?.order ?? '')).toBe(by);
  }
});

test('any trusted event counts more than a distrusted one, and that again once its mark is gone', () => {
  const { order: discarded = '' } = decideStatus([forged]) ?? {};
  expect(decideStatus([{ ...forged, distrustedAtMs: undefined }])?.status).toBe('COMPLAINED');
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
  expect(decideStatus([])).toBeUndefined();
});
