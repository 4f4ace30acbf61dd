import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { createEventQueue, createRetryControl } from '../../../../lambdas/adapters/aws/messaging.ts';
import { createCachedSecret, createKeyRing } from '../../../../lambdas/adapters/aws/secrets.ts';
import { createClaimRepository } from '../../../../lambdas/adapters/table/claim-repository.ts';
import {
  createCampaignReader,
  createDayEvents,
  createDayIndexRepository,
} from '../../../../lambdas/adapters/table/day-index-repository.ts';
import { rowOf } from '../../../../lambdas/adapters/table/delivery-repository.ts';
import {
  createErasureRepository,
  createEventCorrection,
  createEventRepository,
  writeSuppression,
} from '../../../../lambdas/adapters/table/event-repository.ts';
import {
  createMessageHistory,
  createSuppressionRepository,
} from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { createFirstWebhookRepository } from '../../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import {
  createDistrustMarks,
  createEventLookup,
  createRedactedCopyRepository,
  createStoredEventRepository,
} from '../../../../lambdas/adapters/table/stored-event-repository.ts';
import { INDEXES, RESTORED_ATTRIBUTE } from '../../../../lambdas/contract.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../lambdas/domain/events/mailgun-event.ts';
import { decodeQueueMessage } from '../../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../../lambdas/domain/json.ts';
import { markerKey, messagePartition, statusSort } from '../../../../lambdas/domain/keys.ts';
import { erasureHash } from '../../../../lambdas/domain/recipients/erasure.ts';
import { readOrder, statusOrder } from '../../../../lambdas/domain/status/decide-status.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { createTail } from '../../../../lambdas/read-api/tail/tail.ts';
import { tailStart } from '../../../../lambdas/read-api/tail/tail-position.ts';
import { decideAgain } from '../../../../lambdas/shared/decide-again.ts';
import type { Fault } from '../../../../tools/local-stack/aws/fault-rules.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';
import { wholeHistory } from '../../../support/fixtures/whole-history.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

let engines: TestEngines;
beforeAll(async () => {
  engines = await startTestEngines();
}, 60_000);
afterAll(() => engines?.close());
afterEach(() => engines.faults.replace([]));

const fault = (service: string, operation: string, mode: Fault['mode']) =>
  engines.faults.replace([{ service, operation, mode, percent: 100 }]);

describe('claims', () => {
  const claim = (over = {}) => ({ key: randomUUID(), id: 'mine', hash: '1:aa', expiresAt: 2000, ...over });

  test("accept a token's first event and its repeat, and distinguish another event", async () => {
    const claims = createClaimRepository(engines.table);
    const first = claim();

    expect(await claims.claim(first, 1000)).toBe('claimed');
    expect(await claims.claim({ ...first, id: 'other' }, 1000)).toBe('same-event');
    expect(await claims.claim({ ...first, id: 'other', hash: '1:bb' }, 1000)).toBe('other-event');
    expect(await claims.claim({ ...first, hash: '1:bb' }, 1000)).toBe('claimed');
  });

  test('are taken over once expired, although TTL has not deleted them yet', async () => {
    const claims = createClaimRepository(engines.table);
    const first = claim();
    await claims.claim(first, 1000);

    expect(await claims.claim({ ...first, id: 'other', hash: '1:bb' }, 1999)).toBe('other-event');
    expect(await claims.claim({ ...first, id: 'other', hash: '1:bb' }, 2000)).toBe('claimed');
  });

  test('without id and hash count as a repeat', async () => {
    const first = claim();
    const { client, name } = engines.table;
    const Item = { pk: `CLAIM#${first.key}`, sk: 'CLAIM', expiresAt: 2000 };
    await client.send(new PutCommand({ TableName: name, Item }));
    expect(await createClaimRepository(engines.table).claim(first, 1000)).toBe('same-event');
  });

  test('are won by exactly one of two concurrent requests', async () => {
    const claims = createClaimRepository(engines.table);
    const first = claim();
    const outcomes = await Promise.all(
      ['a', 'b', 'c', 'd'].map((id) => claims.claim({ ...first, id, hash: `1:${id}` }, 1000)),
    );
    expect(outcomes.toSorted()).toEqual(['claimed', 'other-event', 'other-event', 'other-event']);
  });

  test('give up a hanging table after three short attempts', async () => {
    fault('dynamodb', 'PutItem', 'hang');
    const client = DynamoDBDocumentClient.from(new DynamoDBClient(engines.hastyConfig));
    const claimed = createClaimRepository({ ...engines.table, client }).claim(claim(), 1000);
    await expect(claimed).rejects.toMatchObject({ name: 'TimeoutError', $metadata: { attempts: 3 } });
  });
});

test('batch reads with unprocessed keys are repeated until every key is read', async () => {
  const { client, name } = engines.table;
  const secret = 'a key of erasures';
  const addresses = Array.from({ length: 8 }, (_, n) => `erased-${n}-${randomUUID()}@example.org`);
  for (const address of addresses) {
    await client.send(new PutCommand({ TableName: name, Item: markerKey(erasureHash(secret, address)) }));
  }
  const { history, messageId } = await store(
    ...addresses.map((recipient) => deliveredEvent({ recipient, id: recipient })),
  );
  const places = history.events.map(({ event }) =>
    identify({ ...event, message: { headers: { 'message-id': messageId } } }, DOMAIN),
  );
  let reads = 0;
  const send = async (command: unknown) => {
    reads += 1;
    const mode = { service: 'dynamodb', operation: 'BatchGetItem', mode: 'partial', percent: 100 } as const;
    engines.faults.replace(reads % 3 === 0 ? [] : [mode]);
    return client.send(command as never);
  };
  const table = { name, client: Object.assign(Object.create(client), { send }) };

  const erased = await createErasureRepository(table, { read: async () => secret }).among(addresses);
  const stored = await createStoredEventRepository(table).lookUp(places);

  expect(reads).toBe(6);
  expect(erased).toEqual(addresses);
  expect(stored.size).toBe(8);
});

test('the time of the first webhook is recorded once, whatever comes later', async () => {
  const firstWebhook = createFirstWebhookRepository(engines.table);
  expect(await firstWebhook.isNoted()).toBe(false);
  await firstWebhook.note(1000);
  await firstWebhook.note(2000);

  expect(await firstWebhook.isNoted()).toBe(true);
  const { client, name } = engines.table;
  const { Item } = await client.send(new GetCommand({ TableName: name, Key: { pk: 'LEDGER', sk: 'FIRST-WEBHOOK' } }));
  expect(Item?.at).toBe(1000);
});

/** Stores events of a new message through process and the real table. */
async function store(...events: JsonObject[]) {
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const process = createProcess({
    records: createEventRepository(engines.table),
    ...LONE_PROCESS,
    retentionDays: 90,
  });
  for (const event of events) {
    const placed = { ...event, message: { headers: { 'message-id': messageId } } };
    await process({ source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event: placed });
  }
  return { messageId, history: await wholeHistory(createMessageHistory(engines.table), messageId) };
}

describe('redacted copies', () => {
  const readKeys = () => createDayIndexRepository(engines.table).keys(DOMAIN, NOW_MS - 3_600_000, NOW_MS);

  test('a copy is merged into the event that names its recipient, and is shown nowhere', async () => {
    const copies = createRedactedCopyRepository(engines.table, () => NOW_MS);
    const message = { headers: { 'message-id': `${randomUUID()}@${DOMAIN}` } };
    const process = createProcess({
      ...LONE_PROCESS,
      records: createEventRepository(engines.table),
      copies,
      retentionDays: 400,
    });
    const event: JsonObject = { ...deliveredEvent(), message };
    const { recipient: _, ...absent } = event;
    const webhook = { source: 'webhook' as const, domain: DOMAIN, receivedAt: NOW_MS };
    await process({ ...webhook, event: absent });
    await process({ ...webhook, event: { ...event, recipient: '***' } });
    const listed = {
      ...webhook,
      source: 'reconcile' as const,
      receivedAt: NOW_MS + 1,
      event,
      redactedAs: ['-', '***'],
    };

    expect(await process(listed)).toBe('known');
    expect(await process({ ...webhook, event: absent })).toBe('known');
    expect(await process(listed)).toBe('known');

    const history = createMessageHistory(engines.table);
    const whole = await wholeHistory(history, message.headers['message-id']);
    const { statuses, events } = whole;
    // The copies come first, and their remains are items.
    expect(await wholeHistory(history, message.headers['message-id'], 1)).toEqual(whole);
    expect(statuses).toMatchObject([{ recipient: 'Ada@Example.org', status: 'DELIVERED' }]);
    expect(events).toMatchObject([{ recipientKey: 'ada@example.org', source: 'webhook', receivedAtMs: NOW_MS, event }]);
    const { partition, eventSort, eventKey } = identify(event, DOMAIN);
    const own = (await readKeys()).filter((key) => key.partition === partition);
    expect(own).toEqual([{ partition, eventSort, atMs: 1769999990123 }]);
    const places = ['-', '***', 'ada@example.org'].map((key) => ({ partition, eventSort: `R#${key}#E#${eventKey}` }));
    const found = await createStoredEventRepository(engines.table).lookUp(places);
    expect([...found.values()]).toMatchObject([{ broughtByWebhook: true, event }]);
    const mails = [];
    for await (const mail of createCampaignReader(engines.table).mails(partition)) mails.push(mail);
    expect(mails).toMatchObject([{ recipientKey: 'ada@example.org', events: 1 }]);
  });
});

describe('event records', () => {
  test('an event is read back whole, with its status', async () => {
    const { history, messageId } = await store(deliveredEvent());
    expect(history).toEqual({
      statuses: [
        {
          recipientKey: 'ada@example.org',
          recipient: 'Ada@Example.org',
          status: 'DELIVERED',
          reason: null,
          statusAtMs: 1769999990123,
          decidedBy: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
          domain: DOMAIN,
          firstAtMs: 1769999990123,
        },
      ],
      events: [
        {
          eventKey: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
          recipientKey: 'ada@example.org',
          domain: DOMAIN,
          event: deliveredEvent({ message: { headers: { 'message-id': messageId } } }),
          source: 'webhook',
          receivedAtMs: NOW_MS,
          atMs: 1769999990123,
        },
      ],
    });
  });

  test('a status outlives its events', async () => {
    const { messageId } = await store(deliveredEvent());
    const { Items = [] } = await engines.table.client.send(
      new QueryCommand({
        TableName: engines.table.name,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': messagePartition(messageId) },
      }),
    );
    const daysKept = (end: string) =>
      Items.filter(({ sk }) => (sk.endsWith('STATUS') ? 'STATUS' : 'event') === end).map(
        ({ expiresAt }) => (expiresAt - NOW_MS / 1000) / 86_400,
      );
    expect([daysKept('event'), daysKept('STATUS')]).toEqual([[90], [400]]);
  });

  test('the status never goes back, whatever event comes later', async () => {
    const bounce = deliveredEvent({ event: 'failed', id: 'b', severity: 'permanent', reason: 'bounce', timestamp: 20 });
    const { history } = await store(deliveredEvent(), bounce, deliveredEvent({ id: 'later', timestamp: 30 }), {
      ...bounce,
      id: 'a second bounce',
      timestamp: 25,
    });
    expect(history.statuses).toMatchObject([{ status: 'FAILED', reason: 'bounce', decidedBy: 'failed#b' }]);
    expect(history.events).toHaveLength(4);
  });

  test('opens and clicks raise a lower status, and write nothing over a higher one', async () => {
    const [accepted, opened] = ['accepted', 'opened'].map((event) => deliveredEvent({ event, id: event }));
    const updates = () => engines.usage.total().calls['dynamodb.UpdateItem'] ?? 0;
    const before = updates();
    const raised = await store(accepted!, opened!);
    expect(raised.history.statuses).toMatchObject([{ status: 'DELIVERED', decidedBy: 'opened#opened' }]);
    expect(updates() - before).toBe(2);

    const passed = await store(accepted!, deliveredEvent({ id: 'd' }), opened!);
    expect(passed.history.statuses).toMatchObject([{ status: 'DELIVERED', decidedBy: 'delivered#d' }]);
    expect(passed.history.events).toHaveLength(3);
    expect(updates() - before).toBe(4);
  });

  test('an event stored late is in the tail of its storing time, whenever it was received', async () => {
    const storedMs = NOW_MS + 5 * 3_600_000;
    const store = createProcess({
      records: createEventRepository(engines.table),
      retentionDays: 400,
      ...LONE_PROCESS,
      now: () => storedMs,
    });
    const domain = `${randomUUID()}.example.com`;
    await store({ event: deliveredEvent({ id: 'late' }), domain, source: 'webhook', receivedAt: NOW_MS } as never);
    const tail = createTail(createDayEvents(engines.table));
    const filter = { domains: [domain], types: ['delivered'], isWantedPlace: () => true, isWanted: () => true };
    const shown = async (fromMs: number) => {
      const page = await tail({ ...filter, limit: 10, position: tailStart(fromMs), nowMs: storedMs + 1_800_000 });
      const next = await tail({ ...filter, limit: 10, position: page.next, nowMs: storedMs + 1_800_000 });
      const last = await tail({ ...filter, limit: 10, position: next.next, nowMs: storedMs + 1_800_000 });
      return [page, next, last].flatMap(({ body }) => body.events.map(({ key }) => key));
    };

    expect([await shown(storedMs - 1), await shown(storedMs)]).toEqual([['delivered#late'], []]);
  });

  test('a correction without a status writes it whole, by the event that decides, and so that it expires', async () => {
    const { client, name } = engines.table;
    const message = { headers: { 'message-id': `${randomUUID()}@${DOMAIN}` } };
    const take = createProcess({
      records: createEventRepository(engines.table),
      retentionDays: 90,
      ...LONE_PROCESS,
      corrections: createEventCorrection(engines.table),
    });
    const delivered: JsonObject = { ...deliveredEvent({ id: 'd' }), message };
    const forged: JsonObject = { ...deliveredEvent({ event: 'opened', id: 'o', timestamp: 1 }), message };
    const webhook = { source: 'webhook' as const, domain: DOMAIN, receivedAt: NOW_MS };
    await take({ ...webhook, event: delivered });
    await take({ ...webhook, event: forged });
    const { partition: pk, statusSort: sk } = identify(delivered, DOMAIN);
    const readStatus = async () => (await client.send(new GetCommand({ TableName: name, Key: { pk, sk } }))).Item;
    const before = await readStatus();
    await client.send(new DeleteCommand({ TableName: name, Key: { pk, sk } }));

    const listed: JsonObject = { ...deliveredEvent({ event: 'opened', id: 'o' }), message };
    await take({ ...webhook, source: 'reconcile', event: listed, corrects: true });

    expect(before).toMatchObject({
      expiresAt: expect.any(Number),
      [INDEXES.byRecipient.partitionKey]: expect.any(String),
    });
    expect(await readStatus()).toEqual(before);
  });

  test('corrections count from the first that has to do with a status, and a repeat of one never', async () => {
    const unsubscribed = deliveredEvent({ event: 'unsubscribed', id: 'u' });
    const { messageId } = await store(unsubscribed);
    const identity = identify({ ...unsubscribed, message: { headers: { 'message-id': messageId } } }, DOMAIN);
    const record = { identity } as Parameters<ReturnType<typeof createEventCorrection>['resetStatus']>[0];
    const { client, name } = engines.table;
    const Key = { pk: identity.partition, sk: identity.statusSort };
    const correction = createEventCorrection(engines.table);
    const counts: unknown[] = [];
    for (const [status, atMs] of [
      [null, 1],
      [null, 3],
      [null, 2],
      ['DELIVERED', 2],
      [null, 2],
      [null, 1],
    ] as const) {
      const update = { precedence: status === null ? 0 : 30, status, reason: null };
      const order = statusOrder(update, atMs, identity.eventKey);
      const seen = (await correction.readOrder(record)) ?? '';
      for (const _ of ['first', 'repeat']) {
        const decided = { ...update, atMs, eventKey: identity.eventKey, order };
        expect(await correction.resetStatus(record, decided, seen)).toBe(true);
      }
      const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
      expect(Item).toMatchObject({ order });
      counts.push(Item?.corrections);
    }
    expect(counts).toEqual([undefined, undefined, undefined, 1, 2, 3]);
  });

  test('a correction that never counts is refused where others have counted since it read the status', async () => {
    const unsubscribed = deliveredEvent({ event: 'unsubscribed', id: 'u' });
    const { messageId } = await store(unsubscribed);
    const identity = identify({ ...unsubscribed, message: { headers: { 'message-id': messageId } } }, DOMAIN);
    const record = { identity } as Parameters<ReturnType<typeof createEventCorrection>['resetStatus']>[0];
    const { client, name } = engines.table;
    const correction = createEventCorrection(engines.table);
    const decide = (status: 'DELIVERED' | null, atMs: number) => {
      const update = { precedence: status === null ? 0 : 30, status, reason: null };
      return { ...update, atMs, eventKey: identity.eventKey, order: statusOrder(update, atMs, identity.eventKey) };
    };
    const seen = (await correction.readOrder(record)) ?? '';
    const [absent, delivered] = [{ ...decide(null, NOW_MS), order: seen }, decide('DELIVERED', 2)];
    let hasRaced = false;
    const send = async (command: Parameters<typeof client.send>[0]) => {
      const reply = await client.send(command);
      if (command instanceof GetCommand && !hasRaced) {
        hasRaced = true;
        expect(await correction.resetStatus(record, delivered, seen)).toBe(true);
        expect(await correction.resetStatus(record, absent, delivered.order)).toBe(true);
      }
      return reply;
    };
    const racing = createEventCorrection({ ...engines.table, client: { send } as unknown as typeof client });

    expect(await racing.resetStatus(record, decide(null, 1), seen)).toBe(false);

    const Key = { pk: identity.partition, sk: identity.statusSort };
    const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
    expect(Item).toMatchObject({ order: seen, corrections: 2 });
  });

  test('only an unconfirmed event is distrusted, a repeat leaves the mark, and the listing ends it', async () => {
    const event = deliveredEvent({ event: 'complained', id: randomUUID(), recipient: `${randomUUID()}@example.org` });
    const { messageId } = await store(event);
    const sent: JsonObject = { ...event, message: { headers: { 'message-id': messageId } } };
    const identity = identify(sent, DOMAIN);
    const { client, name } = engines.table;
    const Key = { pk: identity.partition, sk: identity.eventSort };
    const markOf = async () =>
      (await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }))).Item?.distrustedAt;
    const records = createEventRepository(engines.table);
    const corrections = createEventCorrection(engines.table);
    const stored = createStoredEventRepository(engines.table);
    const marks = createDistrustMarks(engines.table);
    const take = createProcess({ records, retentionDays: 90, ...LONE_PROCESS, corrections });
    const webhook = { source: 'webhook' as const, domain: DOMAIN, receivedAt: NOW_MS };
    const record = { identity } as Parameters<typeof records.isDistrusted>[0];
    const statusNow = async () => readOrder((await corrections.readOrder(record as never)) ?? '').status;
    const distrust = async (atMs: number) => {
      await marks.mark(identity, atMs);
      await decideAgain(corrections, record);
    };

    await distrust(1);
    expect([await markOf(), await records.isDistrusted(record)]).toEqual([undefined, false]);
    await stored.markUnconfirmed(identity, NOW_MS);
    for (const atMs of [2, 3]) await distrust(atMs);
    expect([await markOf(), await records.isDistrusted(record), await statusNow()]).toEqual([2, true, null]);

    for (const repeat of [sent, { ...sent, timestamp: Number(sent.timestamp) + 5 }]) {
      expect(await take({ ...webhook, event: repeat })).toBe('known');
      expect([await markOf(), await statusNow()]).toEqual([2, null]);
    }

    await expect(stored.markUnconfirmed(identity, undefined)).rejects.toThrow('is distrusted meanwhile');
    const facts = async () => [...(await stored.lookUp([identity])).values()];
    expect([await markOf(), await facts()]).toMatchObject([2, [{ isDistrusted: true }]]);
    await take({ ...webhook, source: 'reconcile', event: sent, corrects: true });
    expect([await markOf(), await statusNow()]).toEqual([undefined, 'COMPLAINED']);
    await marks.mark(identity, 4);
    expect([await markOf(), await facts()]).toMatchObject([undefined, [{ isDistrusted: false }]]);

    const gone = { ...identity, eventSort: `${identity.eventSort}-gone` };
    await marks.mark(gone, 5);
    expect((await stored.lookUp([gone])).size).toBe(0);
  });

  test('a distrusted delivery that comes again decides nothing', async () => {
    const delivered = deliveredEvent({ id: randomUUID() });
    const { messageId } = await store(delivered);
    const sent: JsonObject = { ...delivered, message: { headers: { 'message-id': messageId } } };
    const identity = identify(sent, DOMAIN);
    const corrections = createEventCorrection(engines.table);
    await createStoredEventRepository(engines.table).markUnconfirmed(identity, NOW_MS);
    await createDistrustMarks(engines.table).mark(identity, NOW_MS);
    const records = createEventRepository(engines.table);
    const take = createProcess({ records, retentionDays: 90, ...LONE_PROCESS, corrections });

    await take({ source: 'webhook', domain: DOMAIN, receivedAt: NOW_MS, event: sent });

    const order = await corrections.readOrder({ identity } as never);
    expect(readOrder(order ?? '')).toMatchObject({ status: null, eventKey: identity.eventKey });
  });

  test('a withdrawn suppression is on no list, and any event suppresses again, as if it had never been', async () => {
    const recipient = `${randomUUID()}@example.org`;
    const complaint = (id: string, timestamp: number) =>
      deliveredEvent({ event: 'complained', recipient, id, timestamp });
    const { client, name } = engines.table;
    const Key = { pk: `SUP#${recipient}`, sk: `${DOMAIN}#complaint#*` };
    const read = async () => (await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }))).Item;
    const list = createSuppressionRepository(engines.table);
    const correction = createEventCorrection(engines.table);
    const withdraw = (event: JsonObject) =>
      correction.withdrawSuppressions(
        { event: parseEvent(event), identity: identify(event, DOMAIN), domain: DOMAIN } as never,
        [],
      );
    const { byRecipient } = INDEXES;
    for (const [nth, [forged, next]] of [
      [complaint('forged', 300), complaint('earlier', 200)] as const,
      [complaint('earlier', 200), complaint('later', 400)] as const,
    ].entries()) {
      if (nth === 0) await store(forged);
      for (const _ of ['first', 'repeat']) await withdraw(forged);
      expect(await list.list(recipient)).toEqual([]);
      expect(rowOf((await read()) ?? {})).toMatchObject({ isWithdrawn: true, corrections: nth + 1 });
      expect((await read())?.[byRecipient.partitionKey]).toBeUndefined();

      await store(next);
      const atMs = Number(next.timestamp) * 1000;
      expect(await list.list(recipient)).toMatchObject([{ sinceMs: atMs, lastAtMs: atMs, liftedAtMs: null }]);
      expect(await read()).toMatchObject({ corrections: nth + 1, [byRecipient.sortKey]: atMs });
    }

    await store(complaint('last', 500));
    await withdraw(complaint('later', 400));
    expect(await list.list(recipient)).toMatchObject([{ sinceMs: 400_000, liftedAtMs: null, corrections: 2 }]);
  });

  test('an event suppresses with its own facts where an earlier one is withdrawn between its two writes', async () => {
    const recipient = `${randomUUID()}@example.org`;
    const complaint = (id: string, timestamp: number) =>
      deliveredEvent({ event: 'complained', recipient, id, timestamp });
    const [forged, genuine] = [complaint('forged', 300), complaint('genuine', 400)];
    const { client, name: TableName } = engines.table;
    const identity = (event: JsonObject) => identify(event, DOMAIN);
    const withdrawn = { event: parseEvent(forged), identity: identity(forged), domain: DOMAIN } as never;
    await store(forged);
    let writes = 0;
    const send = async (command: Parameters<typeof client.send>[0]) => {
      if (command instanceof UpdateCommand && ++writes === 2) {
        await createEventCorrection(engines.table).withdrawSuppressions(withdrawn, []);
      }
      return client.send(command);
    };
    const origin = { recipient, domain: DOMAIN, atMs: 400_000, eventKey: identity(genuine).eventKey };
    const suppression = { kind: 'complaint', scope: '*', reason: null, source: 'event' } as const;

    await writeSuppression({ ...engines.table, client: { send } as unknown as typeof client }, origin, suppression);

    expect(writes).toBe(3);
    const Key = { pk: `SUP#${recipient}`, sk: `${DOMAIN}#complaint#*` };
    const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
    expect(Item).toMatchObject({
      since: 400_000,
      lastAt: 400_000,
      eventKey: origin.eventKey,
      corrections: 1,
      [INDEXES.byRecipient.sortKey]: 400_000,
    });
  });

  test('a correction withdraws no suppression that was lifted: its lift stays', async () => {
    const recipient = `${randomUUID()}@example.org`;
    const complaint = deliveredEvent({ event: 'complained', recipient, id: 'c', timestamp: 300 });
    const { client, name: TableName } = engines.table;
    const Key = { pk: `SUP#${recipient}`, sk: `${DOMAIN}#complaint#*` };
    await store(complaint);
    const lift = { UpdateExpression: 'SET liftedAt = :at', ExpressionAttributeValues: { ':at': 300_000 } };
    await client.send(new UpdateCommand({ TableName, Key, ...lift }));
    const record = { event: parseEvent(complaint), identity: identify(complaint, DOMAIN), domain: DOMAIN };

    await createEventCorrection(engines.table).withdrawSuppressions(record as never, []);

    const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
    expect(Item).toMatchObject({ lastAt: 300_000, liftedAt: 300_000 });
    expect(Item?.corrections).toBeUndefined();
  });

  test('repeated events are known, and a later webhook is recorded on what reconciliation stored', async () => {
    const records = createEventRepository(engines.table);
    const event = deliveredEvent({ id: randomUUID() });
    const record = {
      identity: identify(event, DOMAIN),
      event: parseEvent(event),
      domain: DOMAIN,
      source: 'reconcile' as const,
      atMs: NOW_MS,
      receivedAtMs: NOW_MS,
      expiresAt: 2_000_000_000,
      statusExpiresAt: 2_000_000_000,
    };
    expect(await records.putEvent(record)).toBe('stored');
    expect(await records.putEvent(record)).toBe('known');
    expect(await records.putEvent({ ...record, source: 'webhook', receivedAtMs: NOW_MS + 5 })).toBe('known');
    expect(await createEventLookup(engines.table).isStored(record.identity)).toBe(true);

    const { Item } = await engines.table.client.send(
      new GetCommand({
        TableName: engines.table.name,
        Key: { pk: record.identity.partition, sk: record.identity.eventSort },
      }),
    );
    expect(Item).toMatchObject({ source: 'reconcile', webhookAt: NOW_MS + 5, expiresAt: 2_000_000_000 });
  });

  test('both indexes find stored events', async () => {
    const recipient = `${randomUUID()}@example.org`;
    await store(deliveredEvent({ recipient }), deliveredEvent({ recipient, event: 'opened', id: 'o' }));
    const find = async (index: { name: string; partitionKey: string }, key: string) =>
      (
        await engines.table.client.send(
          new QueryCommand({
            TableName: engines.table.name,
            IndexName: index.name,
            KeyConditionExpression: '#key = :key',
            ExpressionAttributeNames: { '#key': index.partitionKey },
            ExpressionAttributeValues: { ':key': key },
          }),
        )
      ).Items ?? [];

    expect(await find(INDEXES.byRecipient, `R#${recipient}`)).toMatchObject([{ sk: `R#${recipient}#STATUS` }]);
    const opened = await find(INDEXES.byDay, `${DOMAIN}#2026-02-02#opened`);
    expect(opened).toContainEqual(expect.objectContaining({ sk: `R#${recipient}#E#opened#o`, at: 1769999990123 }));
  });

  test('the earliest event decides a suppression', async () => {
    const recipient = `${randomUUID()}@example.org`;
    const complaint = (id: string, timestamp: number) =>
      deliveredEvent({ event: 'complained', recipient, id, timestamp });
    await store(complaint('late', 300), complaint('early', 100), complaint('middle', 200));
    const { Item } = await engines.table.client.send(
      new GetCommand({
        TableName: engines.table.name,
        Key: { pk: `SUP#${recipient}`, sk: `${DOMAIN}#complaint#*` },
      }),
    );
    expect(Item).toMatchObject({ since: 100_000, eventKey: 'complained#early', kind: 'complaint', scope: '*' });
  });

  test('restored items are marked as unchanged until something else changes them, and what was there is not', async () => {
    const recipient = `${randomUUID()}@example.org`;
    const messageId = randomUUID();
    const complaint = (id: string, timestamp: number) =>
      deliveredEvent({
        event: 'complained',
        recipient,
        id,
        timestamp,
        message: { headers: { 'message-id': messageId } },
      });
    const { client, name: TableName } = engines.table;
    const keys = [
      { pk: `SUP#${recipient}`, sk: `${DOMAIN}#complaint#*` },
      { pk: messagePartition(messageId), sk: statusSort(recipient) },
    ];
    const marks = () =>
      Promise.all(
        keys.map(async (Key) => (await client.send(new GetCommand({ TableName, Key }))).Item?.[RESTORED_ATTRIBUTE]),
      );
    const records = createEventRepository(engines.table);
    const take = createProcess({ ...LONE_PROCESS, records, retentionDays: 400 });
    const message = { source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN } as const;

    await take({ ...message, event: complaint('old', 200), restored: { atMs: 200_000, byWebhook: true } });
    await take({ ...message, event: complaint('older', 100), restored: { atMs: 100_000, byWebhook: true } });
    expect(await marks()).toEqual([true, true]);

    await take({ ...message, event: complaint('later', 300) });
    await take({ ...message, event: complaint('first', 50) });
    expect(await marks()).toEqual([undefined, undefined]);

    for (const [id, timestamp] of [['raises', 20] as const, ['again', 10] as const]) {
      await take({
        ...message,
        event: complaint(id, timestamp),
        restored: { atMs: timestamp * 1000, byWebhook: true },
      });
      expect(await marks()).toEqual([expect.any(String), expect.any(String)]);
    }
    await take({ ...message, event: complaint('new', 5) });
    expect(await marks()).toEqual([undefined, undefined]);
  });

  test.each([
    [[100, 200, 300]],
    [[100, 300, 200]],
    [[200, 100, 300]],
    [[200, 300, 100]],
    [[300, 100, 200]],
    [[300, 200, 100]],
  ])('the latest event decides whether a lifted suppression holds, in the order %p', async (order) => {
    const recipient = `${randomUUID()}@example.org`;
    const Key = { pk: `SUP#${recipient}`, sk: `${DOMAIN}#complaint#*` };
    for (const timestamp of [...order, ...order]) {
      await store(deliveredEvent({ event: 'complained', recipient, id: `at ${timestamp}`, timestamp }));
    }
    const { Item } = await engines.table.client.send(new GetCommand({ TableName: engines.table.name, Key }));
    expect(Item).toMatchObject({ since: 100_000, lastAt: 300_000, eventKey: 'complained#at 100' });
  });

  test('a write whose reply was lost takes effect once', async () => {
    const messageId = randomUUID();
    const event = deliveredEvent({ message: { headers: { 'message-id': messageId } } });
    const process = createProcess({
      records: createEventRepository(engines.table),
      retentionDays: 400,
      ...LONE_PROCESS,
    });
    const message = { source: 'webhook' as const, receivedAt: NOW_MS, domain: DOMAIN, event };
    fault('dynamodb', 'UpdateItem', 'drop-reply');
    await expect(process(message)).rejects.toThrow();
    engines.faults.replace([]);
    expect(await process(message)).toBe('stored');
    expect(await process(message)).toBe('known');
    const history = await wholeHistory(createMessageHistory(engines.table), messageId);
    expect([history.statuses.length, history.events.length]).toEqual([1, 1]);
  });
});

describe('queues', () => {
  test('an event arrives in the queue as it was sent, whatever its characters', async () => {
    const queueUrl = engines.output('QueueUrl');
    const event = deliveredEvent({ recipient: '🦄\ufffe\ud800\u0000' });
    await createEventQueue(engines.queues, queueUrl).send({ source: 'webhook', receivedAt: 1, domain: DOMAIN, event });

    const [message] = await engines.receive(queueUrl);
    expect(decodeQueueMessage(message?.Body ?? '')).toEqual({
      ok: true,
      message: { source: 'webhook', receivedAt: 1, domain: DOMAIN, event },
    });
  });

  test('the largest webhook still fits into a message', async () => {
    const event = deliveredEvent({ tags: ['é'.repeat(131_000)] });
    const queue = createEventQueue(engines.queues, engines.output('QueueUrl'));
    await expect(queue.send({ source: 'webhook', receivedAt: 1, domain: DOMAIN, event })).resolves.toBeUndefined();
  });

  test('a message sent to the DLQ is there with its reason', async () => {
    const deadLettersUrl = engines.output('DeadLettersUrl');
    await createRetryControl(engines.queues, engines.output('QueueUrl'), deadLettersUrl).sendToDlq(
      '{',
      'not-json',
      'character 1',
    );
    const [message] = await engines.receive(deadLettersUrl);
    expect(message).toMatchObject({
      Body: '{',
      MessageAttributes: { reason: { StringValue: 'not-json' }, detail: { StringValue: 'character 1' } },
    });
  });
});

describe('secrets', () => {
  const put = (text: string) => engines.putKeys(text);

  test('of a newly deployed stack hold no key until one is put', async () => {
    let nowMs = 0;
    const ring = createKeyRing(
      createCachedSecret(engines.secrets, engines.output('SigningKeysSecretArn'), () => nowMs),
    );
    expect(await ring.read()).toEqual({});

    await put('{"current":" key-1\\n","previous":"","parent":"key-p"}');
    expect(await ring.read()).toEqual({});
    expect(await ring.reread()).toBeUndefined();
    nowMs = 30_000;
    expect(await ring.reread()).toEqual({ current: 'key-1', parent: 'key-p' });
    await put('{"current":"key-2","previous":"key-1"}');
    nowMs = 329_999;
    expect(await ring.read()).toEqual({ current: 'key-1', parent: 'key-p' });
    nowMs = 330_000;
    expect(await ring.read()).toEqual({ current: 'key-2', previous: 'key-1' });
  });

  test('that cannot be read are an error, and are read again the next time', async () => {
    const secret = createCachedSecret(engines.secrets, engines.output('SigningKeysSecretArn'), () => 0);
    fault('secretsmanager', 'GetSecretValue', '500');
    await expect(secret.read()).rejects.toThrow();
    engines.faults.replace([]);
    await put('{"current":"key-3"}');
    expect(await secret.read()).toBe('{"current":"key-3"}');
  });

  test('that are not JSON are an error without a quote, and are read again after 30 seconds', async () => {
    await put('key-in-the-clear');
    let nowMs = 0;
    const secret = createCachedSecret(engines.secrets, engines.output('SigningKeysSecretArn'), () => nowMs);
    const ring = createKeyRing(secret);
    await expect(ring.read()).rejects.toThrow(/^the signing-key secret is not a JSON object$/);

    await put('{"current":"key-4"}');
    await expect(ring.read()).rejects.toThrow();
    nowMs = 30_000;
    expect(await ring.read()).toEqual({ current: 'key-4' });
  });
});
