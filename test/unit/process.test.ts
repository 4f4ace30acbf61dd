import { expect, test } from '@jest/globals';
import type { QueueMessage } from '../../lambdas/domain/queue-message.ts';
import { createProcess } from '../../lambdas/process/process.ts';
import { InMemoryLedger } from '../support/in-memory-ledger.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../support/webhooks.ts';

const message = (over = {}, source: QueueMessage['source'] = 'webhook'): QueueMessage => ({
  source,
  receivedAt: NOW_MS,
  domain: DOMAIN,
  event: deliveredEvent(over),
});

function setUp() {
  const ledger = new InMemoryLedger();
  const calls: string[] = [];
  for (const name of ['suppress', 'joinStatus', 'putEvent'] as const) {
    const original = ledger[name].bind(ledger) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(ledger, {
      [name]: (...args: unknown[]) => {
        calls.push(name);
        return original(...args);
      },
    });
  }
  return { ledger, calls, store: createProcess({ records: ledger, retentionDays: 400 }) };
}

test('the event is put last, so that stored means all effects done', async () => {
  const { store, calls } = setUp();
  expect(await store(message({ event: 'complained' }))).toBe('stored');
  expect(calls).toEqual(['suppress', 'joinStatus', 'putEvent']);
});

test('a second delivery changes nothing', async () => {
  const { store, ledger } = setUp();
  await store(message());
  const before = structuredClone([ledger.events, ledger.statuses]);

  expect(await store({ ...message(), receivedAt: NOW_MS + 1 })).toBe('known');
  expect([ledger.events, ledger.statuses]).toEqual(before);
});

test('retention counts from receipt, not from the time of the event', async () => {
  const { store, ledger } = setUp();
  await store(message({ timestamp: 1521472262.908181 }));
  expect([...ledger.events.values()][0]).toMatchObject({
    atMs: 1521472262908,
    expiresAt: NOW_MS / 1000 + 400 * 86_400,
  });
});

test('an event without a time takes that of its receipt', async () => {
  const { store, ledger } = setUp();
  await store(message({ timestamp: undefined }));
  expect([...ledger.events.values()][0]?.atMs).toBe(NOW_MS);
});

test('a delayed bounce decides over an earlier delivery, in either order', async () => {
  const bounce = message({ event: 'failed', id: 'b', severity: 'permanent', reason: 'generic', timestamp: 1769999999 });
  for (const order of [
    [message(), bounce],
    [bounce, message()],
  ]) {
    const { store, ledger } = setUp();
    for (const each of order) await store(each);
    expect([...ledger.statuses.values()]).toMatchObject([
      { status: 'FAILED', reason: 'generic', decidedBy: 'failed#b' },
    ]);
  }
});
