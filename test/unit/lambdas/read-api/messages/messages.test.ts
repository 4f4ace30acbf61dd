import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import { createProcess } from '../../../../../lambdas/process/process.ts';
import { createMessages, type MessagePosition } from '../../../../../lambdas/read-api/messages/messages.ts';
import { InMemoryLedger, RETENTION } from '../../../../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../../support/fixtures/webhooks.ts';
import fc from '../../../../support/property.ts';

const MESSAGE_ID = '20260202023950.1.ABCDEF@mg.example.com';

/** Returns a ledger in which the events of these webhooks are stored. */
async function ledgerOf(...events: Record<string, unknown>[]) {
  const ledger = new InMemoryLedger();
  const store = createProcess({ records: ledger, retentionDays: 400, ...LONE_PROCESS });
  for (const over of events) {
    await store({ source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event: deliveredEvent(over) });
  }
  return ledger;
}

async function historyOf(...events: Record<string, unknown>[]) {
  const ledger = await ledgerOf(...events);
  return (await createMessages(ledger, RETENTION)({ messageId: MESSAGE_ID, limit: 100 }))?.body;
}

test('an unknown message has no history', async () => {
  expect(await historyOf()).toBeUndefined();
});

test('the history of a message matches the schema', async () => {
  expect(await historyOf({ timestamp: 1769999990.5 })).toEqual({
    messageId: MESSAGE_ID,
    recipients: [
      {
        recipient: 'Ada@Example.org',
        domain: DOMAIN,
        status: 'DELIVERED',
        reason: null,
        statusAt: 1769999990.5,
        decidedBy: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
        source: 'webhook',
        testMode: false,
        direction: 'outbound',
        unconfirmed: false,
        confirmed: false,
        opens: 0,
        clicks: 0,
        machineOpens: 0,
        machineClicks: 0,
        unsubscribed: false,
        unsubscribedFrom: [],
        countsComplete: true,
      },
    ],
    eventsUntil: null,
    archive: [],
    events: [
      {
        key: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
        event: 'delivered',
        name: 'EMAIL_DELIVERED',
        messageId: MESSAGE_ID,
        domain: DOMAIN,
        recipient: 'Ada@Example.org',
        timestamp: 1769999990.5,
        receivedAt: '2026-02-02T02:40:00.000Z',
        source: 'webhook',
        severity: null,
        failureClass: null,
        reason: null,
        tags: ['welcome'],
        userVariables: {},
        userVariablesNote: null,
        deliveryStatus: { code: 250, message: 'OK' },
        url: null,
        testMode: false,
        direction: 'outbound',
        unconfirmed: false,
        confirmed: false,
        details: {
          subject: null,
          flags: null,
          template: null,
          recipientProvider: null,
          mxHost: null,
          sendingIp: null,
          reject: null,
          mailingList: null,
          storageKey: null,
          retrySeconds: null,
          client: null,
          geolocation: null,
          ip: null,
          other: { domain: { name: DOMAIN }, message: { headers: { 'message-id': MESSAGE_ID } } },
        },
      },
    ],
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

test('events of a message are in order of time', async () => {
  const history = await historyOf({ id: 'b', timestamp: 30 }, { id: 'c', timestamp: 10 }, { id: 'a', timestamp: 30 });
  expect(history?.events.map(({ key }) => key)).toEqual(['delivered#c', 'delivered#a', 'delivered#b']);
});

test('an unsubscribe with tags is from all mail', async () => {
  const history = await historyOf(
    { event: 'unsubscribed', id: '1', tags: ['spring', 'news'] },
    { event: 'unsubscribed', id: '2', tags: ['news'] },
    { event: 'unsubscribed', id: '3', tags: [], recipient: 'eve@example.org' },
  );
  expect(history?.recipients).toMatchObject([
    { unsubscribed: true, unsubscribedFrom: ['*'] },
    { unsubscribed: true, unsubscribedFrom: ['*'] },
  ]);
});

test.each([
  [{ order: 7 }, null],
  [[], null],
  ['{"order":7}', null],
  ['Could not load user-variables. They were either truncated or invalid JSON', 'lost-by-mailgun'],
])('user variables are returned unchanged: %j', async (variables, note) => {
  const history = await historyOf({ 'user-variables': variables });
  expect(history?.events[0]).toMatchObject({ userVariables: variables, userVariablesNote: note });
});

test('an event with only a name is shown with its name', async () => {
  const ledger = new InMemoryLedger();
  const event = { event: 'opened', id: '1', timestamp: 30, domain: { name: DOMAIN }, tags: ['news'] };
  const partition = `MSG#${MESSAGE_ID}`;
  const identity = { partition, eventSort: 'R#erased:0f#E#opened#1', statusSort: '', eventKey: 'opened#1' };
  const record = {
    identity,
    event: parseEvent(event),
    domain: DOMAIN,
    source: 'webhook' as const,
    receivedAtMs: NOW_MS,
    expiresAt: 0,
    statusExpiresAt: 0,
  };
  await ledger.putEvent({ ...record, atMs: 30_000 });
  const page = await createMessages(ledger, RETENTION)({ messageId: MESSAGE_ID, limit: 100 });
  expect(page?.body).toMatchObject({
    recipients: [],
    events: [
      { key: 'opened#1', name: 'EMAIL_OPENED', recipient: null, messageId: null, tags: ['news'], timestamp: 30 },
    ],
  });
});

test('a page ends before the response gets too large', async () => {
  const variables = 'x'.repeat(1_000_000);
  const ledger = await ledgerOf(
    ...Array.from({ length: 10 }, (_, n) => ({ id: `big${n}`, 'user-variables': variables })),
  );
  const messages = createMessages(ledger, RETENTION);
  const keys: string[] = [];
  const sizes: number[] = [];
  for (let position: MessagePosition | undefined, isFirst = true; isFirst || position; isFirst = false) {
    const page = await messages({ messageId: MESSAGE_ID, limit: 1000, position });
    keys.push(...(page?.body.events ?? []).map(({ key }) => key));
    sizes.push(page?.body.events.length ?? 0);
    position = page?.next;
  }
  expect(new Set(keys).size).toBe(10);
  expect(sizes).toEqual([3, 3, 3, 1]);
});

test.each([1, 2, 3])('the counts of a recipient go on from page to page, %d events each', async (limit) => {
  const ledger = await ledgerOf(...Array.from({ length: 7 }, (_, n) => ({ event: 'opened', id: `o${n}` })));
  const messages = createMessages(ledger, RETENTION);
  const reported: [opens: number, isComplete: boolean][] = [];
  for (let position: MessagePosition | undefined, isFirst = true; isFirst || position; isFirst = false) {
    const page = await messages({ messageId: MESSAGE_ID, limit, position });
    reported.push(
      ...(page?.body.recipients ?? []).map((each) => [each.opens, each.countsComplete] as (typeof reported)[0]),
    );
    position = page?.next;
  }
  const pages = Math.ceil(7 / limit);
  expect(reported).toEqual(Array.from({ length: pages }, (_, n) => [Math.min(7, (n + 1) * limit), n === pages - 1]));
});

test('the counts of a recipient go on over pages of merged copies', async () => {
  const ledger = await ledgerOf(...Array.from({ length: 9 }, (_, n) => ({ event: 'opened', id: `o${n}` })));
  for (const { identity } of [...ledger.events.values()].slice(1, -1)) await ledger.copies.merge(identity);
  const read = createMessages(ledger, RETENTION);
  const opens: number[] = [];
  for (let position: MessagePosition | undefined, isFirst = true; isFirst || position; isFirst = false) {
    const page = await read({ messageId: MESSAGE_ID, limit: 1, position });
    opens.push(...(page?.body.recipients ?? []).map((each) => each.opens));
    position = page?.next;
  }
  // The status is on a page of its own.
  expect(opens).toEqual([1, 2, 2]);
});

test('pages of every size hold the whole history once, however many merged copies lie between', async () => {
  const item = fc.record({
    recipient: fc.constantFrom('***', 'ada@example.org'),
    name: fc.constantFrom('opened', 'clicked', 'complained'),
    isMerged: fc.constantFrom(true, true, false),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 20 }), fc.integer({ min: 1, max: 4 }), async (items, limit) => {
      const ledger = await ledgerOf(
        ...items.map(({ recipient, name }, n) => ({ event: name, id: `e${n}`, recipient })),
      );
      for (const { identity } of [...ledger.events.values()]) {
        const { isMerged } = items[Number(identity.eventKey.split('#e')[1])] ?? {};
        if (!isMerged) continue;
        await ledger.copies.merge(identity);
        await ledger.copies.dropStatus(identity);
      }
      const read = createMessages(ledger, RETENTION);
      const whole = (await read({ messageId: MESSAGE_ID, limit: 100 }))?.body;

      const keys: string[] = [];
      const recipients = new Map<string | null, unknown>();
      let position: MessagePosition | undefined;
      for (let pages = 0; pages === 0 || position; pages += 1) {
        if (pages > items.length) throw new Error('the pages do not end');
        const page = await read({ messageId: MESSAGE_ID, limit, position });
        if (page === undefined) break;
        keys.push(...page.body.events.map(({ key }) => key));
        for (const each of page.body.recipients) recipients.set(each.recipient, each);
        position = page.next;
      }
      expect(keys.toSorted()).toEqual((whole?.events ?? []).map(({ key }) => key).toSorted());
      // What was counted of a recipient goes on from page to page.
      expect([...recipients.values()]).toEqual(whole?.recipients ?? []);
    }),
  );
});

test('an event without a recipient has null for it, and a batch has no recipient that stays accepted', async () => {
  const nameless = { recipient: undefined };
  expect(await historyOf({ event: 'accepted', ...nameless })).toMatchObject({
    recipients: [],
    events: [{ event: 'accepted', recipient: null }],
  });
  expect(await historyOf({ event: 'rejected', ...nameless })).toMatchObject({
    recipients: [{ recipient: null, status: 'FAILED' }],
    events: [{ event: 'rejected', recipient: null }],
  });
});

test('the raw event is returned with every field', async () => {
  const fields = {
    flags: { 'is-test-mode': true },
    template: { name: 'receipt' },
    'recipient-provider': 'Gmail',
    'delivery-status': { code: 451, 'mx-host': 'mx.example.org', 'retry-seconds': 600 },
    envelope: { 'sending-ip': '192.0.2.1', transport: 'smtp' },
    reject: { reason: 'policy', description: 'no' },
    'mailing-list': { address: 'list@mg.example.com' },
    storage: { key: 'k', url: 'https://storage.example' },
    'client-info': { bot: '' },
    geolocation: { country: 'NZ' },
    'a-new-field': [1],
  };
  const history = await historyOf(fields);
  expect(history?.events[0]).toMatchObject({
    testMode: true,
    details: {
      flags: fields.flags,
      template: fields.template,
      recipientProvider: 'Gmail',
      mxHost: 'mx.example.org',
      sendingIp: '192.0.2.1',
      reject: fields.reject,
      mailingList: fields['mailing-list'],
      storageKey: 'k',
      retrySeconds: 600,
      client: fields['client-info'],
      geolocation: fields.geolocation,
      other: { envelope: fields.envelope, storage: fields.storage, 'a-new-field': [1] },
    },
  });
  expect(history?.recipients).toMatchObject([{ testMode: true, direction: 'outbound' }]);
});

test('mail that was routed to us is inbound', async () => {
  expect((await historyOf({ flags: { 'is-routed': true } }))?.events).toMatchObject([{ direction: 'inbound' }]);
});

test('an event without a delivery status has null for it', async () => {
  expect((await historyOf({ 'delivery-status': {} }))?.events[0]?.deliveryStatus).toBeNull();
});

test('an event that Mailgun does not list is marked, and so is the status that it decides', async () => {
  const ledger = await ledgerOf({ id: 'listed' }, { event: 'complained', id: 'forged' });
  for (const event of ledger.events.values()) {
    if (event.identity.eventKey === 'complained#forged') Object.assign(event, { unconfirmedSinceMs: NOW_MS });
  }
  const read = createMessages(ledger, RETENTION);
  const whole = await read({ messageId: MESSAGE_ID, limit: 100 });
  expect(whole?.body).toMatchObject({
    recipients: [{ status: 'COMPLAINED', unconfirmed: true }],
    events: [
      { key: 'complained#forged', unconfirmed: true },
      { key: 'delivered#listed', unconfirmed: false },
    ],
  });
  // The event that decides is on the page before.
  const first = await read({ messageId: MESSAGE_ID, limit: 1 });
  const second = await read({ messageId: MESSAGE_ID, limit: 1, position: first?.next });
  expect(second?.body).toMatchObject({ recipients: [{ unconfirmed: true }], events: [{ key: 'delivered#listed' }] });
});

describe('a message says that its events may have left the table', () => {
  const read = async (days: number, archiveBucket?: string, laterMs = 0) => {
    const ledger = new InMemoryLedger();
    const store = createProcess({ records: ledger, retentionDays: 400, ...LONE_PROCESS });
    for (const [event, timestamp] of [
      ['accepted', 1_769_904_000],
      ['delivered', 1_769_990_400],
    ] as const)
      await store({
        source: 'webhook',
        receivedAt: timestamp * 1000,
        domain: DOMAIN,
        event: deliveredEvent({ event, id: event, timestamp }),
      });
    const retention = { days, archiveBucket, now: () => 1_769_990_400_000 + 90 * 86_400_000 + laterMs };
    return (await createMessages(ledger, retention)({ messageId: MESSAGE_ID, limit: 100 }))?.body;
  };

  test('never while its first event is within the retention', async () => {
    expect(await read(92, 'archive')).toMatchObject({ eventsUntil: null, archive: [] });
  });

  test('once its first event is past it, with the days to search in the archive', async () => {
    expect(await read(90, 'archive')).toMatchObject({
      recipients: [{ status: 'DELIVERED' }],
      eventsUntil: 1_769_990_400,
      archive: [{ bucket: 'archive', prefix: `events/domain=${DOMAIN}/`, from: '2026-02-01', to: '2026-02-02' }],
    });
  });

  test('and the response is the same all day, for conditional requests', async () => {
    const [first, last] = [await read(90, 'archive', 1000), await read(90, 'archive', 86_399_000)];
    expect(first).toMatchObject({ eventsUntil: 1_769_990_400 + 86_400 });
    expect(last).toEqual(first);
  });

  test('and without an archive names no days', async () => {
    expect(await read(90)).toMatchObject({ eventsUntil: 1_769_990_400, archive: [] });
  });

  test('and does not read the deciding event of a status whose events are gone', async () => {
    const recipients = ['ada@example.org', 'bob@example.org'];
    const ledger = await ledgerOf(...recipients.map((recipient) => ({ recipient, id: recipient })));
    ledger.events.clear();
    let reads = 0;
    const history = {
      page: ledger.page.bind(ledger),
      status: ledger.status.bind(ledger),
      originOf: async () => {
        reads += 1;
      },
    };
    const readAfter = (days: number) =>
      createMessages(history as never, { days: 90, archiveBucket: undefined, now: () => NOW_MS + days * 86_400_000 })({
        messageId: MESSAGE_ID,
        limit: 100,
      });
    await readAfter(91);
    expect(reads).toBe(0);
    await readAfter(1);
    expect(reads).toBe(2);
  });
});
