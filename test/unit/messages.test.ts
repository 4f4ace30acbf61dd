import { expect, test } from '@jest/globals';
import { createProcess } from '../../lambdas/process/process.ts';
import { createMessages } from '../../lambdas/read-api/messages.ts';
import { NOBODY_ERASED } from '../support/erasures.ts';
import { InMemoryLedger } from '../support/in-memory-ledger.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../support/webhooks.ts';

const MESSAGE_ID = '20260202023950.1.ABCDEF@mg.example.com';

async function historyOf(...events: Record<string, unknown>[]) {
  const ledger = new InMemoryLedger();
  const store = createProcess({ records: ledger, retentionDays: 400, ...NOBODY_ERASED });
  for (const over of events) {
    await store({ source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event: deliveredEvent(over) });
  }
  return createMessages(ledger)(MESSAGE_ID);
}

test('an unknown message has no history', async () => {
  expect(await historyOf()).toBeUndefined();
});

test('the history of a message follows the contract', async () => {
  expect(await historyOf({ timestamp: 1769999990.5 })).toEqual({
    messageId: MESSAGE_ID,
    recipients: [
      {
        recipient: 'Ada@Example.org',
        status: 'DELIVERED',
        reason: null,
        statusAt: 1769999990.5,
        decidedBy: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
        source: 'webhook',
        opens: 0,
        clicks: 0,
        machineOpens: 0,
        machineClicks: 0,
        unsubscribed: false,
      },
    ],
    events: [
      {
        key: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
        event: 'delivered',
        name: 'EMAIL_DELIVERED',
        recipient: 'Ada@Example.org',
        timestamp: 1769999990.5,
        receivedAt: '2026-02-02T02:40:00.000Z',
        source: 'webhook',
        severity: null,
        reason: null,
        tags: ['welcome'],
        userVariables: {},
        deliveryStatus: { code: 250, message: 'OK' },
        url: null,
      },
    ],
    next: null,
  });
});

test('opens and clicks are counted per recipient, humans and machines apart', async () => {
  const history = await historyOf(
    { event: 'opened', id: '1' },
    { event: 'opened', id: '2', 'client-info': { bot: 'apple' } },
    { event: 'opened', id: '3', 'client-info': { bot: '' } },
    { event: 'clicked', id: '4', 'client-info': { bot: 'generic' } },
    { event: 'clicked', id: '5', recipient: 'eve@example.org' },
    { event: 'unsubscribed', id: '6', recipient: 'eve@example.org' },
  );
  expect(history?.recipients).toMatchObject([
    { recipient: 'Ada@Example.org', opens: 2, machineOpens: 1, clicks: 0, machineClicks: 1, unsubscribed: false },
    { recipient: 'eve@example.org', opens: 0, machineOpens: 0, clicks: 1, machineClicks: 0, unsubscribed: true },
  ]);
});

test('events stand in the order of their time', async () => {
  const history = await historyOf({ id: 'b', timestamp: 30 }, { id: 'c', timestamp: 10 }, { id: 'a', timestamp: 30 });
  expect(history?.events.map(({ key }) => key)).toEqual(['delivered#c', 'delivered#a', 'delivered#b']);
});
