import { rowOf } from '../../../../lambdas/adapters/table/delivery-repository.ts';
import { historyEntries } from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { eventHash } from '../../../../lambdas/domain/canonical-json.ts';
import { dayPartition } from '../../../../lambdas/domain/events/day-index.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../lambdas/domain/events/mailgun-event.ts';
import { markerKey, recipientKey, suppressionPartition } from '../../../../lambdas/domain/keys.ts';
import { erasureHash } from '../../../../lambdas/domain/recipients/erasure.ts';
import { statusOrder } from '../../../../lambdas/domain/status/decide-status.ts';
import { statusUpdateOf } from '../../../../lambdas/domain/status/status-update.ts';
import { judgeClaim } from '../../../../lambdas/domain/webhooks/claim.ts';
import { deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { CLAIM, ERASURE_KEY, EVENT, MARKER, STATUS, SUPPRESSION } from '../../../support/stacks/first-release.ts';

// What the first release wrote. Ledger items are read from an engine, in the integration test of this name.

const event = deliveredEvent();
const identity = identify(event, 'mg.example.com');

test('an event and status of the first release are read', () => {
  expect([...historyEntries([EVENT, STATUS])]).toEqual([
    {
      sort: EVENT.sk,
      event: {
        eventKey: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
        recipientKey: 'ada@example.org',
        domain: 'mg.example.com',
        event,
        source: 'webhook',
        receivedAtMs: 1_770_000_000_000,
        atMs: 1_769_999_990_123,
      },
    },
    {
      sort: STATUS.sk,
      status: {
        recipientKey: 'ada@example.org',
        recipient: 'Ada@Example.org',
        status: 'DELIVERED',
        reason: null,
        statusAtMs: 1_769_999_990_123,
        decidedBy: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
        domain: 'mg.example.com',
        firstAtMs: 1_769_999_990_123,
      },
    },
  ]);
});

test('a repeated event finds what the first release stored', () => {
  expect(identity).toMatchObject({ partition: EVENT.pk, eventSort: EVENT.sk, statusSort: STATUS.sk });
  expect(dayPartition('mg.example.com', EVENT.at, event)).toBe(EVENT.dayKey);
});

test('a status of the first release is not updated by the event that decided it', () => {
  expect(statusOrder(statusUpdateOf(parseEvent(event)), EVENT.at, identity.eventKey)).toBe(STATUS.order);
});

test('a claim of the first release matches its event', () => {
  const mine = (hash: string) => ({ key: '5f1d', id: 'mine', hash, expiresAt: 0 });

  expect(judgeClaim(CLAIM, mine(eventHash(event)))).toBe('same-event');
  expect(judgeClaim(CLAIM, mine(eventHash(deliveredEvent({ id: 'another' }))))).toBe('other-event');
});

test('suppressions and erasures of the first release still hold', () => {
  expect(suppressionPartition(recipientKey('ADA@example.org'))).toBe(SUPPRESSION.pk);
  expect(markerKey(erasureHash(ERASURE_KEY, 'ADA@example.org'))).toEqual(MARKER);
});

test('a status and a suppression of the first release are published', () => {
  const common = { recipient: 'Ada@Example.org', reason: null, domain: 'mg.example.com' };
  expect(rowOf(STATUS)).toEqual({
    type: 'status',
    partition: STATUS.pk,
    sort: STATUS.sk,
    ...common,
    order: STATUS.order,
    status: 'DELIVERED',
    statusAtMs: 1_769_999_990_123,
    decidedBy: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
  });
  expect(rowOf(SUPPRESSION)).toEqual({
    type: 'suppression',
    partition: SUPPRESSION.pk,
    sort: SUPPRESSION.sk,
    ...common,
    kind: 'complaint',
    scope: '*',
    source: 'event',
    eventKey: 'complained#Zq3vYt0ZS2aB7nWmXc9LdB',
    sinceMs: 1_769_999_990_123,
    lastAtMs: 1_769_999_999_000,
    liftedAtMs: null,
  });
});
