import {
  type Attempt,
  afterAttempt,
  type Delivery,
  deliveryBody,
  encodeQueuedEvent,
  eventWithoutAddress,
  isSettled,
  parseQueuedEvent,
} from '../../../../../lambdas/domain/publishing/delivery.ts';
import { receiverAfter } from '../../../../../lambdas/domain/publishing/receiver-state.ts';
import { retryAfterSeconds } from '../../../../../lambdas/domain/publishing/retry-schedule.ts';

const NOW = 1_790_000_000_000;
const schedule = { waits: [5, 300], random: () => 0 };
const attempt = (over: Partial<Attempt> = {}): Attempt => ({ at: NOW, ms: 20, status: 500, ...over });
const failures = (count: number, requestedAt = 0) => {
  let delivery: Delivery | undefined;
  for (let nth = 0; nth < count; nth += 1) delivery = afterAttempt(delivery, attempt(), requestedAt, schedule);
  return delivery as Delivery;
};

describe('afterAttempt', () => {
  test.each([
    { name: '200', over: { status: 200 }, state: 'acknowledged' },
    { name: '299', over: { status: 299 }, state: 'acknowledged' },
    { name: '199', over: { status: 199 }, state: 'waiting' },
    { name: '301, for redirects are not followed', over: { status: 301 }, state: 'waiting' },
    { name: '410', over: { status: 410 }, state: 'waiting' },
    { name: 'no response', over: { status: undefined, error: 'TimeoutError' }, state: 'waiting' },
  ])('returns $state after $name', ({ over, state }) => {
    expect(afterAttempt(undefined, attempt(over), 0, schedule).state).toBe(state);
  });

  test('waits by the schedule, and the delivery is dead after the last wait', () => {
    expect(failures(1)).toMatchObject({ state: 'waiting', nextAt: NOW + 20 + 5000 });
    expect(failures(2)).toMatchObject({ state: 'waiting', nextAt: NOW + 20 + 300_000 });
    expect(failures(3)).toMatchObject({ state: 'dead', settledAt: NOW + 20 });
    expect(failures(3).nextAt).toBeUndefined();
  });

  test('adds at most a fifth of the wait as jitter', () => {
    const latest = afterAttempt(undefined, attempt(), 0, { waits: [100], random: () => 1 });
    expect(latest.nextAt).toBe(NOW + 20 + 120_000);
  });

  test('lets a receiver request a longer wait of up to a day, never a shorter one', () => {
    const nextAt = (seconds: number) => afterAttempt(undefined, attempt(), 0, schedule, seconds).nextAt;
    expect(nextAt(60)).toBe(NOW + 20 + 60_000);
    expect(nextAt(1)).toBe(NOW + 20 + 5000);
    expect(nextAt(1e9)).toBe(NOW + 20 + 86_400_000);
  });

  test('keeps a delivery acknowledged if another copy of the message fails', () => {
    const acknowledged = afterAttempt(undefined, attempt({ status: 200 }), 0, schedule);
    const after = afterAttempt(acknowledged, attempt(), 0, schedule);
    expect(after).toMatchObject({ state: 'acknowledged', settledAt: acknowledged.settledAt, version: 2 });
    expect(after.attempts).toHaveLength(2);
  });

  test('keeps a delivery acknowledged if the last attempt of a later request fails', () => {
    const acknowledged = afterAttempt(undefined, attempt({ status: 200 }), 0, schedule);
    const requestedAt = NOW + 1000;
    const again = afterAttempt(acknowledged, attempt({ at: requestedAt }), requestedAt, { waits: [], random: () => 0 });
    expect(isSettled(acknowledged, requestedAt)).toBe(true);
    expect(again).toMatchObject({ state: 'acknowledged', settledAt: acknowledged.settledAt });
  });

  test('restarts the schedule of a delivery that an operator requests again', () => {
    const dead = failures(3);
    const requestedAt = NOW + 1000;
    expect(isSettled(dead, 0)).toBe(true);
    expect(isSettled(dead, requestedAt)).toBe(false);
    expect(isSettled(dead, dead.settledAt ?? 0)).toBe(false);
    const again = afterAttempt(dead, attempt({ at: requestedAt }), requestedAt, schedule);
    expect(again).toMatchObject({ state: 'waiting', nextAt: requestedAt + 20 + 5000 });
  });
});

test.each([
  { header: '120', status: 429, seconds: 120 },
  { header: '120', status: 503, seconds: 120 },
  { header: '120', status: 500, seconds: 0 },
  { header: new Date(NOW + 90_000).toUTCString(), status: 429, seconds: 90 },
  { header: new Date(NOW - 90_000).toUTCString(), status: 429, seconds: 0 },
  { header: 'soon', status: 429, seconds: 0 },
  { header: undefined, status: 429, seconds: 0 },
])('Retry-After: $header of a $status is $seconds s', ({ header, status, seconds }) => {
  expect(retryAfterSeconds(status, header, NOW)).toBe(seconds);
});

describe('receiverAfter', () => {
  const DAY = 86_400_000;
  test('disables a receiver at once after a 410', () => {
    expect(receiverAfter({}, attempt({ status: 410 }), DAY, 's#bounced')).toEqual({
      failingSince: NOW,
      disabledAt: NOW + 20,
      disabledReason: 'gone',
      lastStatus: 410,
      lastId: 's#bounced',
    });
  });

  test('disables a receiver if nothing was acknowledged for the whole time', () => {
    const failing = receiverAfter({}, attempt(), DAY);
    expect(failing).toEqual({ failingSince: NOW });
    const later = (ms: number) => attempt({ at: NOW + ms, status: undefined });
    expect(receiverAfter(failing, later(DAY - 21), DAY)).toBe(failing);
    expect(receiverAfter(failing, later(DAY - 20), DAY)).toMatchObject({ disabledReason: 'failing', lastStatus: 0 });
  });

  test('resets the failures of a receiver after an acknowledgement, and writes nothing if there are none', () => {
    const healthy = {};
    expect(receiverAfter({ failingSince: NOW }, attempt({ status: 204 }), DAY)).toEqual({});
    expect(receiverAfter(healthy, attempt({ status: 204 }), DAY)).toBe(healthy);
  });

  test('keeps a receiver disabled until an operator enables it', () => {
    const disabled = receiverAfter({}, attempt({ status: 410 }), DAY);
    expect(receiverAfter(disabled, attempt({ status: 200 }), DAY)).toBe(disabled);
  });
});

describe('queued events', () => {
  const event = {
    detailType: 'SuppressionChanged',
    publishedAt: NOW / 1000,
    detail: { id: 's#bounced', subject: 's', recipient: 'zoë@example.org' },
    requestedAt: 0,
  };

  test('are parsed from an envelope of the bus and from a message of an operator', () => {
    expect(parseQueuedEvent(encodeQueuedEvent(event))).toEqual(event);
    expect(parseQueuedEvent(encodeQueuedEvent({ ...event, requestedAt: NOW }))).toEqual({ ...event, requestedAt: NOW });
  });

  test('are dated by the queue where an operator requested them, not where the bus or deliver sent them', () => {
    const requested = { ...event, requestedAt: NOW };
    const times = [encodeQueuedEvent(event), encodeQueuedEvent(requested), encodeQueuedEvent(requested, true)]
      .map((body) => parseQueuedEvent(body, NOW + 5))
      .map((parsed) => (typeof parsed === 'string' ? parsed : parsed.requestedAt));
    expect(times).toEqual([0, NOW + 5, NOW]);
  });

  test.each([
    { body: '{', reason: 'not-json' },
    { body: '[]', reason: 'not-an-event' },
    { body: '{"detail-type":"Other","time":"2026-11-28T00:00:00Z","detail":{"id":"a"}}', reason: 'unknown-type' },
    { body: '{"detail-type":"ReceiverTest","time":"2026-11-28T00:00:00Z","detail":{}}', reason: 'no-id' },
    { body: '{"detail-type":"ReceiverTest","time":"once","detail":{"id":"a"}}', reason: 'no-time' },
  ])('are refused as $reason: $body', ({ body, reason }) => {
    expect(parseQueuedEvent(body)).toBe(reason);
  });

  test('lose an erased address, and keep their id and the recipients of others', () => {
    const detail = { id: 's#bounced#zoë@example.org', recipient: 'Zoë@example.org', reason: '550 zoë@example.org' };
    const cleaned = eventWithoutAddress({ ...event, detail }, 'zoë@example.org');

    expect(cleaned.detail).toEqual({ id: 's#bounced#zoë@example.org', reason: '550 erased' });
    expect(eventWithoutAddress(cleaned, 'zoë@example.org')).toBe(cleaned);
    const ofAnother = { ...event, detail: { ...detail, recipient: 'bob@example.org' } };
    expect(eventWithoutAddress(ofAnother, 'zoë@example.org').detail.recipient).toBe('bob@example.org');
    expect(eventWithoutAddress(event, 'bob@example.org')).toBe(event);
  });

  test('become an ASCII body of type, time and data, which names the recipient only where it may', () => {
    const body = deliveryBody(event);
    expect(body).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(body)).toEqual({
      type: 'suppression.changed',
      timestamp: new Date(NOW).toISOString(),
      data: event.detail,
    });
    expect(JSON.parse(deliveryBody(eventWithoutAddress(event, 'zoë@example.org'))).data).toEqual({
      id: 's#bounced',
      subject: 's',
    });
  });
});
