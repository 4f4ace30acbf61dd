import { identify } from '../../../../lambdas/domain/events/identity.ts';
import type { QueueMessage } from '../../../../lambdas/domain/events/queue-message.ts';
import { tombstoneIdentity } from '../../../../lambdas/domain/recipients/erasure.ts';
import type { EventRecord } from '../../../../lambdas/process/ports.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { InMemoryLedger } from '../../../support/doubles/in-memory-ledger.ts';
import { ERASURE_KEY, erasureKey, InMemoryErasures, LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';

const message = (over = {}, source: QueueMessage['source'] = 'webhook'): QueueMessage => ({
  source,
  receivedAt: NOW_MS,
  domain: DOMAIN,
  event: deliveredEvent(over),
});

function setUp() {
  const ledger = new InMemoryLedger();
  const calls: string[] = [];
  for (const name of ['suppress', 'upsertStatus', 'putEvent'] as const) {
    const original = ledger[name].bind(ledger) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(ledger, {
      [name]: (...args: unknown[]) => {
        calls.push(name);
        return original(...args);
      },
    });
  }
  const erasures = new InMemoryErasures();
  const implausible: [string, number][] = [];
  const onImplausible = (...reported: [string, number]) => void implausible.push(reported);
  return {
    implausible,
    ledger,
    calls,
    erasures,
    store: createProcess({ ...LONE_PROCESS, records: ledger, erasures, erasureKey, retentionDays: 400, onImplausible }),
  };
}

test('the event is put last, so that a stored event has had all effects', async () => {
  const { store, calls } = setUp();
  expect(await store(message({ event: 'complained' }))).toBe('stored');
  expect(calls).toEqual(['suppress', 'upsertStatus', 'putEvent']);
});

test('a second delivery changes nothing', async () => {
  const { store, ledger } = setUp();
  await store(message());
  const before = structuredClone([ledger.events, ledger.statuses]);

  expect(await store({ ...message(), receivedAt: NOW_MS + 1 })).toBe('known');
  expect([ledger.events, ledger.statuses]).toEqual(before);
});

test('an event dated after its receipt is reported once it is stored, and not again', async () => {
  const { store, implausible } = setUp();
  const hourAhead = { id: 'ahead', timestamp: NOW_MS / 1000 + 3600 };

  expect(await store(message({ timestamp: NOW_MS / 1000 + 600 }))).toBe('stored');
  expect(await store(message(hourAhead))).toBe('stored');
  expect(await store(message(hourAhead))).toBe('known');
  expect(implausible).toEqual([[DOMAIN, 3600]]);
});

test('retention counts from receipt, not from the time of the event', async () => {
  const { store, ledger } = setUp();
  await store(message({ timestamp: 1521472262.908181 }));
  expect([...ledger.events.values()][0]).toMatchObject({
    atMs: 1521472262908,
    expiresAt: NOW_MS / 1000 + 400 * 86_400,
  });
});

test('an event without a time gets the time of its receipt', async () => {
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

test.each(['suppress', 'upsertStatus'] as const)(
  'when %s fails, everything that was started has ended before the failure is reported',
  async (failing) => {
    const { store, ledger } = setUp();
    const other = failing === 'suppress' ? 'upsertStatus' : 'suppress';
    let hasEnded = false;
    Object.assign(ledger, {
      [failing]: async () => {
        throw new Error('down');
      },
      [other]: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        hasEnded = true;
      },
    });

    await expect(store(message({ event: 'complained' }))).rejects.toThrow('down');
    expect(hasEnded).toBe(true);
    expect(ledger.events.size).toBe(0);
  },
);

test('the event of a batch is stored without a status that stays accepted', async () => {
  const { store, ledger } = setUp();
  expect(await store(message({ event: 'accepted', recipient: undefined }))).toBe('stored');
  expect(ledger.statuses.size).toBe(0);
});

test('routed mail gets no status of ours, and suppresses no one', async () => {
  const { store, ledger } = setUp();
  const over = { event: 'failed', severity: 'permanent', reason: 'bounce', flags: { 'is-routed': true } };
  await store(message(over));
  expect([...ledger.statuses.values()]).toMatchObject([{ status: null, reason: null }]);
  expect(ledger.suppressions.size).toBe(0);
});

describe('once a recipient is erased', () => {
  test('their event is stored as a tombstone without effects', async () => {
    const { store, ledger, calls, erasures } = setUp();
    erasures.mark('ADA@example.ORG');
    const complaint = message({ event: 'complained' });

    expect(await store(complaint)).toBe('stored');
    expect(await store(complaint)).toBe('known');
    expect(calls).toEqual(['putEvent', 'putEvent']);
    const tombstone = tombstoneIdentity(identify(complaint.event, DOMAIN), ERASURE_KEY);
    expect([...ledger.events.keys()]).toEqual([`${tombstone.partition} ${tombstone.eventSort}`]);
    expect([...ledger.events.values()]).toMatchObject([
      {
        event: { event: 'complained', id: 'Kq3vYt0ZS2aB7nWmXc9LdA', domain: { name: DOMAIN }, tags: ['welcome'] },
        atMs: 1769999990123,
        source: 'webhook',
        webhookAt: NOW_MS,
      },
    ]);
  });

  test('a recipient with a display name is the same recipient', async () => {
    const { store, ledger, erasures } = setUp();
    erasures.mark('ada@example.org');
    await store(message({ recipient: 'Ada L. <Ada@example.org>' }));
    const kept = [...ledger.events].map(([key, { event }]) => [key, event]);
    expect(kept).toHaveLength(1);
    expect(JSON.stringify(kept)).not.toMatch(/ada(@| l)/i);
    expect(ledger.statuses.size).toBe(0);
  });

  test('their address is removed from the events of others, which keep all else', async () => {
    const { store, ledger, calls, erasures } = setUp();
    erasures.mark('ada@example.org');
    const headers = { 'message-id': 'm@mg.example.com', to: 'Ada <ada@example.org>, bob@example.org' };
    const bob = message({ recipient: 'bob@example.org', message: { headers } });
    await store(bob);

    expect(calls).toEqual(['upsertStatus', 'putEvent']);
    expect([...ledger.events.values()].map(({ event }) => event)).toEqual([
      { ...bob.event, message: { headers: { ...headers, to: 'Ada <erased>, bob@example.org' } } },
    ]);
    expect([...ledger.statuses.values()]).toMatchObject([{ recipient: 'bob@example.org', status: 'DELIVERED' }]);
  });

  test('a tag with their address is removed', async () => {
    const { store, ledger, erasures } = setUp();
    erasures.mark('ada@example.org');
    await store(message({ tags: ['to-ada@EXAMPLE.org', 'welcome'] }));
    expect([...ledger.events.values()].map(({ event }) => event.tags)).toEqual([['welcome']]);
  });
});

describe('a straggler is recorded before its event is stored', () => {
  const NOW = NOW_MS / 1000;
  const DAY = LONE_PROCESS.secondPassSeconds;
  test.each([
    { name: 'one second before the ledger begins', start: NOW - 50, at: NOW - 51, isNoted: true },
    { name: 'in the second in which the ledger begins', start: NOW - 50, at: NOW - 50, isNoted: false },
    { name: 'just old enough to lie before a ledger that begins now', at: NOW - 60, isNoted: true },
    { name: 'a second younger than that', at: NOW - 59, isNoted: false },
    { name: 'nearly as old as a second pass', start: 0, at: NOW - 0.95 * DAY, isNoted: true },
    { name: 'a second younger than that, in the ledger', start: 0, at: NOW - 0.95 * DAY + 1, isNoted: false },
    { name: 'of an unknown domain', start: 0, at: NOW, domain: '-', isNoted: true },
    { name: 'brought by reconcile', start: NOW, at: 0, source: 'reconcile' as const, isNoted: false },
  ])('$name', async ({ start, at, domain = DOMAIN, source, isNoted }) => {
    const ledger = new InMemoryLedger();
    const notes: unknown[] = [];
    const stragglers = {
      ledgerStart: async () => start,
      note: async (...note: unknown[]) => {
        expect(ledger.events.size).toBe(0);
        notes.push(note);
      },
    };
    const deps = { ...LONE_PROCESS, records: ledger, retentionDays: 400, now: () => NOW_MS };
    const store = createProcess({ ...deps, stragglers });
    expect(await store({ ...message({ timestamp: at }, source), domain })).toBe('stored');
    expect(notes).toEqual(isNoted ? [[domain, { at, notedAt: NOW_MS }]] : []);
  });
});

describe('an event from the archive', () => {
  const DAY_MS = 86_400_000;
  const bounced = { event: 'failed', severity: 'permanent', reason: 'bounce' };
  const restored = { atMs: NOW_MS - 7, byWebhook: true, unconfirmedSince: NOW_MS + 5 };

  async function restore(ageDays: number, over: Partial<QueueMessage> = {}) {
    const { ledger, erasures, implausible } = setUp();
    const notes: unknown[] = [];
    const stragglers = {
      ledgerStart: async () => undefined,
      note: async (...args: unknown[]) => void notes.push(args),
    };
    const now = () => NOW_MS + ageDays * DAY_MS;
    const deps = { ...LONE_PROCESS, records: ledger, erasures, erasureKey, stragglers, retentionDays: 90, now };
    const store = createProcess(deps);
    return { erasures, ledger, notes, implausible, store: () => store({ ...message(bounced), restored, ...over }) };
  }

  test('is stored unchanged, and requests no pass of reconciliation', async () => {
    const { ledger, notes, store } = await restore(30);

    expect(await store()).toBe('stored');

    const [stored] = ledger.events.values();
    expect(stored).toMatchObject({ source: 'webhook', atMs: NOW_MS - 7, receivedAtMs: NOW_MS, restored });
    expect(stored).not.toHaveProperty('storedAtMs');
    expect([ledger.statuses.size, ledger.suppressions.size, notes]).toEqual([1, 1, []]);
  });

  test('older than the table retention decides its status as long as statuses are kept', async () => {
    const { ledger, store } = await restore(399);

    expect(await store()).toBe('known');

    expect([ledger.events.size, ledger.statuses.size, ledger.suppressions.size]).toEqual([0, 1, 1]);
  });

  test('older than the retention of statuses only suppresses its recipient', async () => {
    const { ledger, store } = await restore(400);

    expect(await store()).toBe('known');

    expect([ledger.events.size, ledger.statuses.size, ledger.suppressions.size]).toEqual([0, 0, 1]);
  });

  test('that is a tombstone is stored under its old key without effects', async () => {
    const tombstone = { event: 'failed', id: 't', severity: 'permanent' };
    const event = { ...tombstone, message: { headers: { 'message-id': 'm@d' } } };
    const { ledger, store } = await restore(30, { event, restored: { ...restored, erasedAs: 'erased:ab12' } });

    expect(await store()).toBe('stored');

    const [kept] = ledger.events.values();
    expect(kept?.identity).toMatchObject({ partition: 'MSG#m@d', eventSort: 'R#erased:ab12#E#failed#t' });
    expect(kept?.event).toEqual(tombstone);
    expect([ledger.statuses.size, ledger.suppressions.size]).toEqual([0, 0]);
  });

  test('of an erased recipient leaves a tombstone until it expires', async () => {
    for (const [ageDays, events] of [
      [30, 1],
      [90, 0],
    ] as const) {
      const { ledger, erasures, store } = await restore(ageDays);
      erasures.mark('ada@example.org');
      await store();
      expect([ledger.events.size, ledger.statuses.size, ledger.suppressions.size]).toEqual([events, 0, 0]);
    }
  });
});

describe('a correction judges a status by what is stored', () => {
  const bounced = { event: 'failed', severity: 'permanent', id: 'bounce', timestamp: 1_770_000_000 };
  const correctDelivered = async (isGone: boolean) => {
    const ledger = new InMemoryLedger();
    const deps = { ...LONE_PROCESS, records: ledger, corrections: ledger, retentionDays: 400 };
    const store = createProcess(deps);
    await store(message({}));
    await store(message(bounced));
    if (isGone) {
      const [place = ''] = [...ledger.events].find(([, { event }]) => event.id === 'bounce') ?? [];
      ledger.events.delete(place);
    }
    expect(await store({ ...message({ tags: ['as-listed'] }), source: 'reconcile', corrects: true })).toBe('known');
    return [...ledger.statuses.values()].map(({ status, decidedBy }) => [status, decidedBy]);
  };

  test.each([
    ['stored', false],
    ['not stored any more, or not yet', true],
  ])('a higher status is kept if its event is %s', async (_, isGone) => {
    expect(await correctDelivered(isGone)).toEqual([['FAILED', 'failed#bounce']]);
  });

  test('a lower status is replaced, whatever became of its event', async () => {
    const ledger = new InMemoryLedger();
    const deps = { ...LONE_PROCESS, records: ledger, corrections: ledger, retentionDays: 400 };
    const store = createProcess(deps);
    await store(message({ ...bounced, severity: 'temporary' }));
    await store(message({}));
    const [place = ''] = [...ledger.events].find(([, { event }]) => event.event === 'delivered') ?? [];
    ledger.events.delete(place);
    await store({ ...message(bounced), source: 'reconcile', corrects: true });
    expect([...ledger.statuses.values()]).toMatchObject([{ status: 'FAILED', decidedBy: 'failed#bounce' }]);
  });
});

test('a status stays as long as statuses do, counted from its first event, and an event as long as events do', async () => {
  const ledger = new InMemoryLedger();
  const kept: [number, number][] = [];
  const records = Object.assign(ledger, {
    upsertStatus: async ({ expiresAt, statusExpiresAt }: EventRecord) => void kept.push([expiresAt, statusExpiresAt]),
  });
  await createProcess({ ...LONE_PROCESS, records, retentionDays: 90, statusDays: 400 })(message({}));
  expect(kept).toEqual([[NOW_MS / 1000 + 90 * 86_400, NOW_MS / 1000 + 400 * 86_400]]);
});
