import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../lambdas/domain/events/mailgun-event.ts';
import { type DecidedStatus, decideStatus } from '../../../../lambdas/domain/status/decide-status.ts';
import { createCorrect } from '../../../../lambdas/process/correct-event.ts';
import type { EventRecord, Records } from '../../../../lambdas/process/ports.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { InMemoryLedger } from '../../../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';

test('a correction changes the reason of a status too, though the same event decides it', async () => {
  const failure = (code: number) =>
    deliveredEvent({ event: 'failed', severity: 'permanent', reason: 'bounce', 'delivery-status': { code } });
  const listed = failure(605);
  const identity = identify(listed, DOMAIN);
  const place = { atMs: NOW_MS, eventKey: identity.eventKey };
  const held = { event: failure(550), ...place };
  const written: DecidedStatus[] = [];
  const correct = createCorrect({
    records: { suppress: async () => {} } as unknown as Records,
    corrections: {
      siblings: async () => [held],
      readOrder: async () => decideStatus([held])?.order,
      resetStatus: async (_record, decided) => written.push(decided) > 0,
      withdrawSuppressions: async () => {},
      replaceEvent: async () => {},
    },
  });

  await correct({ event: parseEvent(listed), identity, domain: DOMAIN, atMs: NOW_MS } as EventRecord, false);

  expect(written).toMatchObject([{ status: 'FAILED', reason: 'suppressed' }]);
});

describe('a correction that finds no status', () => {
  const webhook = { source: 'webhook' as const, receivedAt: NOW_MS, domain: DOMAIN };
  const setUp = () => {
    const ledger = new InMemoryLedger();
    const store = createProcess({ ...LONE_PROCESS, records: ledger, corrections: ledger, retentionDays: 400 });
    return { ledger, store };
  };

  test('writes none for the acceptance of a batch as a whole', async () => {
    const { ledger, store } = setUp();
    const { recipient: _, ...batch } = deliveredEvent({ event: 'accepted', id: 'b' });
    await store({ ...webhook, event: { ...batch, timestamp: Number(batch.timestamp) - 60 } });
    await store({ ...webhook, event: batch, source: 'reconcile', corrects: true });
    expect([...ledger.statuses.values()]).toEqual([]);
  });

  test('fails where a copy with other content writes one meanwhile', async () => {
    const { ledger, store } = setUp();
    const event = deliveredEvent({ event: 'failed', severity: 'temporary', id: 'x' });
    const forged = deliveredEvent({ event: 'failed', severity: 'permanent', id: 'x' });
    await store({ ...webhook, event: forged });
    ledger.statuses.clear();
    const readOrder = ledger.readOrder.bind(ledger);
    ledger.readOrder = async (record) => {
      const seen = await readOrder(record);
      if (seen === undefined) await store({ ...webhook, event: forged });
      return seen;
    };
    await expect(store({ ...webhook, event, source: 'reconcile', corrects: true })).rejects.toThrow('status changed');
  });
});
