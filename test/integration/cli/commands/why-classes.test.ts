import { classesText, openMailgunClasses } from '../../../../cli/commands/why.ts';
import type { HistoryEvent, HistoryRecipient } from '../../../../cli/event-history.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import type { EventData } from '../../../../tools/mailgun-twin/traffic/event-parts.ts';
import { API_DOMAIN } from '../../../support/doubles/mailgun-api.ts';
import { openStubAtMailgun, type StubAtMailgun } from '../../../support/doubles/stub-at-mailgun.ts';

const DAY = '2026-09-21';
const NOON_MS = Date.parse(`${DAY}T12:00:00Z`);
const HOUR_MS = 3_600_000;
const PLACE = { sendingDomain: API_DOMAIN, recipientDomain: 'north.example', day: DAY };
let stub: StubAtMailgun;
beforeEach(async () => {
  stub = await openStubAtMailgun();
});
afterEach(() => stub.api.close());

/** Adds a failure that Mailgun counts; the twin derives its class from the reason. */
function fail(nth: number, over: object = {}, atMs = NOON_MS): void {
  stub.log.add(API_DOMAIN, {
    event: 'failed',
    id: `failed-${nth}`,
    timestamp: atMs / 1000,
    domain: { name: API_DOMAIN },
    recipient: `r${nth}@north.example`,
    severity: 'permanent',
    reason: 'bounce',
    'delivery-status': { code: 550, message: 'no such mailbox' },
    ...over,
  } as EventData);
}

/** Returns a recipient's stored history with one event. */
function history(event = 'failed', over: Partial<HistoryRecipient> = {}): HistoryRecipient {
  const stored = { event: { event }, domain: API_DOMAIN, atMs: NOON_MS, eventKey: `${event}#1` };
  return { recipient: 'Ada@North.example', events: [stored as unknown as HistoryEvent], ...over } as HistoryRecipient;
}

const classesOf = (recipient = history(), deployment = stub.deployment()) => openMailgunClasses(deployment)(recipient);

test('why shows the classes of that day, sending domain and recipient domain, most frequent first', async () => {
  fail(3);
  for (const nth of [1, 2, 4, 5])
    fail(nth, { reason: 'espblock', 'delivery-status': { code: 554, message: 'blocked\u001b[2J' } });
  fail(6, { recipient: 'bob@south.example' });
  fail(7, {}, NOON_MS - 13 * HOUR_MS);
  fail(8, {}, NOON_MS + 12 * HOUR_MS);

  const found = await classesOf();
  expect(found).toMatchObject({
    ...PLACE,
    classes: [
      { entity: 'north.example', category: 'espblock', severity: 'permanent', failures: 4 },
      { category: 'bounce', explanation: 'no such mailbox', failures: 1 },
    ],
    unknown: null,
  });
  expect(found && classesText(found)).toEqual([
    `  Mailgun's classes of all that failed from ${API_DOMAIN} to north.example on ${DAY}:`,
    '    4 failures: north.example, espblock, permanent: blocked [2J',
    '    1 failure: north.example, bounce, permanent: no such mailbox',
  ]);
});

test('why shows no classes for a day that Mailgun has not classified', async () => {
  const found = await classesOf();
  expect(found).toEqual({ ...PLACE, classes: [], unknown: null });
  expect(found && classesText(found)[0]).toMatch(/: none$/);
});

test.each([
  ['a plan or key without them', () => stub.api.misbehave({ classesRefused: true }), 'none to this key or plan'],
  ['a Mailgun that fails', () => stub.api.misbehave({ fails: { mode: '500', percent: 100 } }), 'returned 500'],
  [
    'a list that is not whole',
    () => {
      for (let nth = 0; nth < 51; nth += 1) fail(nth, { reason: `reason-${nth}` });
    },
    'not list them as a whole',
  ],
] as const)('why shows classes as unknown with the reason after %s', async (_name, spoil, expected) => {
  spoil();
  const found = await classesOf();
  expect(found).toEqual({ ...PLACE, classes: [], unknown: expect.stringContaining(expected) });
  expect(found && classesText(found)).toEqual([expect.stringContaining('not known, ')]);
});

test('why shows classes as unknown without a stored API key', async () => {
  const found = await classesOf(history(), stub.deployment(''));
  expect(found?.unknown).toMatch(/no Mailgun API key/);
});

test('why reads classes only after a failure in a domain of the stack, and once for many recipients', async () => {
  const of = openMailgunClasses(stub.deployment());
  expect(await of(history('delivered'))).toBeUndefined();
  expect(await of(history('failed', { recipient: '-' }))).toBeUndefined();
  expect(
    await openMailgunClasses(stub.deployment(undefined, { domains: ['other.example'] }))(history()),
  ).toBeUndefined();
  expect(stub.api.counts().calls).toBe(0);
  await Promise.all([of(history()), of(history('failed', { recipient: 'bob@north.example' }))]);
  expect(stub.api.counts().calls).toBe(1);
});

test('why parses classes in both formats of official clients', async () => {
  const flat = {
    'entity-name': 'Gmail',
    category: 'unknown user',
    severity: 'high',
    explanation: 'The mailbox is gone',
  };
  const listed = Object.entries(flat).map(([dimension, value]) => ({ dimension, value }));
  const metrics = { classified_failures_count: 3 };
  const items = [
    { ...flat, metrics },
    { dimensions: listed, metrics },
  ];
  const server = await listenOnLoopback((_request, response) => {
    response.writeHead(200).end(JSON.stringify({ items, pagination: { total: 2 } }));
  });
  const found = await classesOf(history(), stub.deployment(undefined, { mailgunUrl: () => server.url }));
  await server.close();
  expect(found?.classes).toHaveLength(2);
  expect(found?.classes[0]).toEqual({ entity: 'Gmail', ...flat, 'entity-name': undefined, failures: 3 });
  expect(found?.classes[1]).toEqual(found?.classes[0]);
});
