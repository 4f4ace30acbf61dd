import { identify } from '../../lambdas/domain/events/identity.ts';
import type { QueueMessage } from '../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { parseMessageSort } from '../../lambdas/domain/keys.ts';
import { createProcess } from '../../lambdas/process/process.ts';
import { CRASH_MOMENTS, CrashableInvocation, type InjectedFailure } from '../support/doubles/crashable-invocation.ts';
import { InMemoryLedger } from '../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../support/fixtures/webhooks.ts';

const listed = deliveredEvent({ event: 'failed', severity: 'permanent', reason: 'bounce' });
const { recipient: _, ...absent } = listed;
const redactions: JsonObject[] = [absent, { ...listed, recipient: '***' }, { ...listed, recipient: 'a**@example.org' }];
const recipientKeyOf = (event: JsonObject) => parseMessageSort(identify(event, DOMAIN).eventSort).recipientKey;

const webhook = (event: JsonObject): QueueMessage => ({ source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event });
const fromListing: QueueMessage = {
  source: 'reconcile',
  receivedAt: NOW_MS + 3_600_000,
  domain: DOMAIN,
  event: listed,
  redactedAs: redactions.map(recipientKeyOf),
};

async function take(ledger: InMemoryLedger, message: QueueMessage, trouble?: InjectedFailure) {
  const invocation = new CrashableInvocation(trouble);
  const store = createProcess({
    ...LONE_PROCESS,
    retentionDays: 400,
    records: invocation.wrap('table', ledger),
    copies: invocation.wrap('table', ledger.copies),
  });
  const outcome = await invocation.run(() => store(message)).catch(() => 'failed' as const);
  return { outcome, points: invocation.points };
}

/** Asserts one event, as listed, brought by a webhook, with exactly its status and suppression. */
function expectMerged(ledger: InMemoryLedger): void {
  const [[, event] = [], ...others] = [...ledger.events];
  expect(others).toEqual([]);
  expect(event).toMatchObject({ event: listed, source: 'webhook', receivedAtMs: NOW_MS, webhookAt: NOW_MS });
  expect([...ledger.statuses.values()]).toMatchObject([{ recipient: listed.recipient, status: 'FAILED' }]);
  expect([...ledger.suppressions.keys()]).toEqual([expect.stringMatching(/^ada@example\.org /)]);
}

async function withCopies(): Promise<InMemoryLedger> {
  const ledger = new InMemoryLedger();
  for (const event of redactions) expect((await take(ledger, webhook(event))).outcome).toBe('stored');
  return ledger;
}

test('a redacted webhook suppresses no one', async () => {
  expect((await withCopies()).suppressions.size).toBe(0);
});

test('redacted copies are merged into the listed event, with the origin of the first copy', async () => {
  const ledger = await withCopies();
  expect((await take(ledger, fromListing)).outcome).toBe('known');
  expectMerged(ledger);
});

describe('a merge of redacted copies that is interrupted', () => {
  test('at any call and moment, by crash or fault, ends with the same result after a retry', async () => {
    const { points } = await take(await withCopies(), fromListing);
    expect(points).toHaveLength(11);
    for (const call of points.keys()) {
      for (const moment of CRASH_MOMENTS) {
        for (const kind of ['crash', 'fault'] as const) {
          const ledger = await withCopies();
          await take(ledger, fromListing, { call, moment, kind });
          expect((await take(ledger, fromListing)).outcome).toBe('known');
          expectMerged(ledger);
        }
      }
    }
  });
});

test('a repeat of a merged webhook leaves nothing behind, wherever it crashes', async () => {
  const settled = async () => {
    const ledger = await withCopies();
    await take(ledger, fromListing);
    return ledger;
  };
  const [event = absent] = redactions;
  const { points } = await take(await settled(), webhook(event));
  expect(points).toEqual(['table.upsertStatus', 'table.putEvent', 'table.dropStatus']);
  for (const call of points.keys()) {
    for (const moment of CRASH_MOMENTS) {
      const ledger = await settled();
      await take(ledger, webhook(event), { call, moment, kind: 'crash' });
      expect((await take(ledger, webhook(event))).outcome).toBe('known');
      expectMerged(ledger);
    }
  }
});

test('a merge between the status and the event of a repeat leaves nothing behind', async () => {
  const [event = absent] = redactions;
  const ledger = await withCopies();
  const put = ledger.putEvent.bind(ledger);
  let isBetween = true;
  ledger.putEvent = async (record) => {
    if (isBetween) {
      isBetween = false;
      await take(ledger, fromListing);
    }
    return put(record);
  };
  await take(ledger, webhook(event));
  expectMerged(ledger);
});

test('the listed event is stored even if its copies are gone', async () => {
  const ledger = new InMemoryLedger();
  expect((await take(ledger, fromListing)).outcome).toBe('stored');
  expect([...ledger.events.values()]).toMatchObject([{ source: 'reconcile', event: listed }]);
});
