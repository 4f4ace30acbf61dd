import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { createClaimRepository } from '../../../../lambdas/adapters/table/claim-repository.ts';
import { rowOf } from '../../../../lambdas/adapters/table/delivery-repository.ts';
import { createErasureRepository, createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import {
  createMessageHistory,
  createRecipientHistory,
  createSuppressionRepository,
  recipientKeys,
} from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { createReconciliationStateRepository } from '../../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createSliceRepository } from '../../../../lambdas/adapters/table/slice-repository.ts';
import { createStoredEventRepository } from '../../../../lambdas/adapters/table/stored-event-repository.ts';
import { eventHash } from '../../../../lambdas/domain/canonical-json.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { placeName } from '../../../../lambdas/domain/ledger/ledger-name.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { createRecipientSearch } from '../../../../lambdas/read-api/recipients/recipient-search.ts';
import { createRecipients } from '../../../../lambdas/read-api/recipients/recipients.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';
import * as FIRST_RELEASE from '../../../support/stacks/first-release.ts';

// A table as the first release left it, read by the current code.

const { ERASURE_KEY, ...ITEMS } = FIRST_RELEASE;
const { EVENT, CLAIM, SLICE, OPEN, CURSOR } = ITEMS;
const event = deliveredEvent();

let engines: TestEngines;
beforeAll(async () => {
  engines = await startTestEngines();
  const { client, name } = engines.table;
  for (const Item of Object.values(ITEMS)) await client.send(new PutCommand({ TableName: name, Item }));
}, 60_000);
afterAll(() => engines?.close());

test('a message of the first release is read, and found by its recipient', async () => {
  const { entries } = await createMessageHistory(engines.table).page('20260202023950.1.ABCDEF@mg.example.com', 10);
  expect([...entries].map((entry) => ('event' in entry ? entry.event.event : entry.status.status))).toEqual([
    event,
    'DELIVERED',
  ]);

  const recipients = createRecipientHistory(engines.table);
  const { places } = await recipients.newest('ada@example.org', { fromMs: 0, toMs: 9e12 }, 10);
  expect(await recipients.messages('ada@example.org', places)).toMatchObject([{ status: { status: 'DELIVERED' } }]);
});

test('a status of the first release is updated without losing a fact, in fewer bytes', async () => {
  const { client, name: TableName } = engines.table;
  const Key = { pk: 'MSG#again@mg.example.com', sk: ITEMS.STATUS.sk };
  const read = async () => (await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item ?? {};
  await client.send(new PutCommand({ TableName, Item: { ...ITEMS.STATUS, ...Key } }));
  const complained = deliveredEvent({
    event: 'complained',
    id: 'c',
    recipient: 'ada@example.org',
    message: { headers: { 'message-id': 'again@mg.example.com' } },
  });
  const store = createProcess({ ...LONE_PROCESS, records: createEventRepository(engines.table), retentionDays: 90 });
  await store({ source: 'webhook', domain: DOMAIN, event: complained, receivedAt: EVENT.receivedAt });

  const { order, ...item } = await read();
  const { expiresAt, recipientKey, recipientAt } = ITEMS.STATUS;
  expect(item).toEqual({ ...Key, expiresAt, recipientKey, recipientAt });
  expect(rowOf({ ...item, order })).toMatchObject({
    status: 'COMPLAINED',
    decidedBy: 'complained#c',
    statusAtMs: EVENT.at,
    order,
    recipient: 'ada@example.org',
    domain: DOMAIN,
    reason: null,
  });
});

test('an event of the first release counts as stored, and as brought by a webhook', async () => {
  const identity = identify(event, DOMAIN);
  const found = await createStoredEventRepository(engines.table).lookUp([identity]);

  expect(found.get(placeName(identity))).toMatchObject({ atMs: EVENT.at, source: 'webhook', broughtByWebhook: true });
});

test('a claim of the first release still protects its token', async () => {
  const claims = createClaimRepository(engines.table);
  const claim = { key: '5f1d', id: 'mine', hash: eventHash(event), expiresAt: CLAIM.expiresAt };

  expect(await claims.claim(claim, CLAIM.expiresAt - 1)).toBe('same-event');
  expect(await claims.claim({ ...claim, hash: '1:00' }, CLAIM.expiresAt - 1)).toBe('other-event');
});

test('suppressions and erasures of the first release stay in force', async () => {
  expect(await createSuppressionRepository(engines.table).list('ada@example.org')).toMatchObject([
    { domain: DOMAIN, kind: 'complaint', scope: '*', liftedAtMs: null },
  ]);
  const erasures = createErasureRepository(engines.table, { read: async () => ERASURE_KEY });
  expect(await erasures.among(['ada@example.org', 'eve@example.org'])).toEqual(['ada@example.org']);
});

test.each(['ada@b\u00fccher.example', 'ADA@BU\u0308CHER.example', 'ada@xn--bcher-kva.example'])(
  'a suppression under a Unicode domain is found by %s',
  async (recipient) => {
    const found = await createSuppressionRepository(engines.table).list(recipient);
    expect(found).toMatchObject([{ domain: DOMAIN, kind: 'complaint' }]);
  },
);

test.each(['ada@b\u00fccher.example', 'ADA@BU\u0308CHER.example', 'ada@xn--bcher-kva.example'])(
  'the messages and events under a Unicode domain are found by %s',
  async (recipient) => {
    const history = createRecipientHistory(engines.table);
    const keys = recipientKeys(recipient);
    const ever = { fromMs: 0, toMs: 9e12 };
    const all = { status: undefined, tag: undefined, position: undefined, limit: 10 };
    const { body } = await createRecipients(history, async (events) => events.map(() => false))({
      recipient,
      keys,
      range: ever,
      ...all,
    });
    const found = await createRecipientSearch(history)({ keys, ...ever, predicate: undefined, limit: 10 });

    expect(body.messages).toMatchObject([
      { messageId: '20260202023950.2.UNICODE@mg.example.com', status: 'DELIVERED' },
    ]);
    expect(found.body.events).toMatchObject([{ key: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA' }]);
    expect(found.next).toBeUndefined();
  },
);

test('the ledger of the first release continues from its watermarks', async () => {
  const ledger = createReconciliationStateRepository(engines.table);
  const { pk: _pk, sk: _sk, ...open } = OPEN;

  expect(await ledger.readWatermarks(DOMAIN)).toEqual({ position: CURSOR.position, second: CURSOR.second });
  expect(await ledger.readMarkers(DOMAIN)).toEqual({ open: [open], stragglers: [] });
});

test('a slice of the first release is read with zeros for newer counts, and can be passed again', async () => {
  const slices = createSliceRepository(engines.table);
  const { pk: _pk, sk: _sk, tags, ...rest } = SLICE;
  const slice = {
    ...rest,
    tags: JSON.parse(tags),
    dimensions: { provider: {}, ip: {}, policy: {}, failure: {} },
    altered: {},
    short: 0,
    accepted: 0,
    startedAt: null,
    finalAt: null,
    unconfirmedNames: [],
  };

  const read = await slices.read(DOMAIN, SLICE.start);
  expect(read).toEqual(slice);
  expect(await slices.write({ ...slice, passes: 3, version: slice.version + 1 }, read)).toBe(true);
});
