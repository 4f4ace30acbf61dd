import { eventHash } from '../../../../lambdas/domain/canonical-json.ts';
import { parseJsonWebhook } from '../../../../lambdas/domain/webhooks/webhook-body.ts';
import { createIngest } from '../../../../lambdas/ingest/ingest.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { InMemoryKeyRing, InMemoryLedger } from '../../../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import {
  DOMAIN,
  deliveredEvent,
  jsonBody,
  KEY,
  NOW_MS,
  PARENT_KEY,
  PREVIOUS_KEY,
  signed,
} from '../../../support/fixtures/webhooks.ts';

let ledger: InMemoryLedger;
let keys: InMemoryKeyRing;
let verified: unknown[] = [];

beforeEach(() => {
  verified = [];
  ledger = new InMemoryLedger();
  keys = new InMemoryKeyRing({ current: KEY, previous: PREVIOUS_KEY, parent: PARENT_KEY });
});

function ingest(bytes: Uint8Array, parse = parseJsonWebhook, knownDomains?: () => Promise<string[]>) {
  let claims = 0;
  return createIngest({
    keys,
    claims: ledger,
    events: ledger,
    firstWebhook: ledger,
    queue: ledger,
    domains: knownDomains ? [] : [DOMAIN],
    knownDomains,
    hashEvent: eventHash,
    now: () => NOW_MS,
    newClaimId: () => `claim-${++claims}-${Math.random()}`,
    onVerified: (...each) => verified.push(each),
  })({ bytes, parse });
}

async function drain() {
  const store = createProcess({ records: ledger, retentionDays: 400, ...LONE_PROCESS });
  for (const message of ledger.takeMessages()) await store(message);
}

test('a valid webhook is claimed, queued with its whole event, and acknowledged', async () => {
  expect(await ingest(jsonBody(deliveredEvent()))).toEqual({ ok: true });
  expect(ledger.claims.size).toBe(1);
  expect(ledger.takeMessages()).toEqual([
    { source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event: deliveredEvent() },
  ]);
});

test.each<[string, Record<string, unknown>, string]>([
  ['of a domain that is not known', { domain: { name: 'New.example.com' } }, 'new.example.com'],
  ['of what is no host name', { domain: { name: 'new#example' } }, '-'],
  ['of a known domain that only its message id says', { domain: undefined }, DOMAIN],
  ['of no domain', { domain: undefined, message: { headers: { 'message-id': 'a@north.example' } } }, '-'],
])('with all domains of the account, ingest acknowledges a webhook %s', async (_, over, domain) => {
  expect(await ingest(jsonBody(deliveredEvent(over)), parseJsonWebhook, async () => [DOMAIN])).toEqual({ ok: true });
  expect(ledger.takeMessages().map((message) => message.domain)).toEqual([domain]);
});

test('with all domains of the account, ingest reads the table only for an event without a domain', async () => {
  const unreadable = () => Promise.reject(new Error('the table is down'));
  expect(await ingest(jsonBody(deliveredEvent()), parseJsonWebhook, unreadable)).toEqual({ ok: true });
  const nameless = jsonBody(deliveredEvent({ domain: undefined }));
  expect(await ingest(nameless, parseJsonWebhook, unreadable)).toMatchObject({ reason: 'table-unavailable' });
});

test('an acknowledged webhook needs no lookup of the event', async () => {
  ledger.isStored = () => Promise.reject(new Error('unexpected call'));
  expect(await ingest(jsonBody(deliveredEvent()))).toEqual({ ok: true });
});

test('a refusal after the signature check names the message, if there is one', async () => {
  const messageId = '20260202023950.1.ABCDEF@mg.example.com';
  expect(await ingest(jsonBody(deliveredEvent(), signed(KEY, old)))).toEqual({
    ok: false,
    reason: 'stale',
    messageId,
    signedAt: Number(old.timestamp),
  });
  const route = () => ({ ok: true as const, webhook: { signature: signed(KEY, old) } });
  expect(await ingest(new Uint8Array(), route)).toEqual({
    ok: false,
    reason: 'stale',
    signedAt: Number(old.timestamp),
  });
});

test('a claim expires one hour after its signature', async () => {
  await ingest(jsonBody(deliveredEvent()));
  expect([...ledger.claims.values()][0]?.expiresAt).toBe(NOW_MS / 1000 + 86_400 + 3600);
});

const old = { timestamp: String(NOW_MS / 1000 - 86_401) };
const ahead = { timestamp: String(NOW_MS / 1000 + 601) };
const padded = (size: number) => Buffer.concat([jsonBody(deliveredEvent()), Buffer.alloc(size, ' ')]).subarray(0, size);

/** A signed body of this many bytes, nearly all of which the queue takes escaped only. */
function escaped(bytes: number): Uint8Array {
  const frame = jsonBody(deliveredEvent({ padding: '' })).length;
  return jsonBody(deliveredEvent({ padding: '\u007f'.repeat(bytes - frame) }));
}

test('a body that fits into the queue when escaped is acknowledged', async () => {
  expect(await ingest(escaped(170_000))).toEqual({ ok: true });
  expect(Buffer.byteLength(ledger.queue[0] ?? '')).toBeLessThan(1_048_576);
});

test.each([
  ['256 KiB and one byte', padded(262_145), 'body-too-large'],
  ['what the queue cannot carry once escaped', escaped(240_501), 'body-too-large'],
  ['no JSON', Buffer.from('{'), 'malformed-body'],
  ['no event', jsonBody(undefined), 'malformed-webhook'],
  ['a wrong key', jsonBody(deliveredEvent(), signed('key-wrong')), 'unauthorized'],
  ['a parent key over the plain signature', jsonBody(deliveredEvent(), signed(PARENT_KEY)), 'unauthorized'],
  ['too old', jsonBody(deliveredEvent(), signed(KEY, old)), 'stale'],
  ['too far ahead', jsonBody(deliveredEvent(), signed(KEY, ahead)), 'stale'],
  ['a wrong key before too old', jsonBody(deliveredEvent(), signed('key-wrong', old)), 'unauthorized'],
  [
    'too old before a foreign domain',
    jsonBody(deliveredEvent({ domain: { name: 'x.example' } }), signed(KEY, old)),
    'stale',
  ],
  ['a foreign domain', jsonBody(deliveredEvent({ domain: { name: 'x.example' } })), 'foreign-domain'],
])('ingest refuses %s before any call to table or queue', async (_name, bytes, reason) => {
  expect(await ingest(bytes)).toMatchObject({ ok: false, reason });
  expect(ledger.claims.size + ledger.queue.length).toBe(0);
});

test('ingest accepts a body of exactly 256 KiB', async () => {
  expect(await ingest(padded(262_144))).toEqual({ ok: true });
});

test('ingest refuses an inbound Route post with a valid signature', async () => {
  const route = (key: string) => () => ({ ok: true as const, webhook: { signature: signed(key) } });
  expect(await ingest(new Uint8Array(), route('key-wrong'))).toMatchObject({ ok: false, reason: 'unauthorized' });
  expect(await ingest(new Uint8Array(), route(KEY))).toMatchObject({ ok: false, reason: 'not-an-event' });
});

const SAME = { timestamp: String(NOW_MS / 1000), token: 'b'.repeat(50) };
test.each([
  ['the current key', signed(KEY), ['current', KEY]],
  ['the previous key, and says so', signed(PREVIOUS_KEY), ['previous', PREVIOUS_KEY]],
  [
    'the parent key, and says so',
    { ...signed('key-other', SAME), 'parent-signature': signed(PARENT_KEY, SAME).signature },
    ['parent', PARENT_KEY],
  ],
  ['a timestamp as number', (() => ({ ...signed(KEY), timestamp: NOW_MS / 1000 }))(), ['current', KEY]],
])('ingest accepts a signature of %s', async (_name, signature, says) => {
  // The numeric timestamp is signed by its digits.
  expect(await ingest(jsonBody(deliveredEvent(), signature))).toEqual({ ok: true });
  expect(verified).toEqual([says]);
});

test('ingest accepts an event without a domain', async () => {
  expect(await ingest(jsonBody(deliveredEvent({ domain: undefined })))).toEqual({ ok: true });
});

test('a repeat before the event is stored is sent again; afterwards it is only acknowledged', async () => {
  const bytes = jsonBody(deliveredEvent());
  await ingest(bytes);
  expect(await ingest(bytes)).toEqual({ ok: true });
  expect(ledger.queue).toHaveLength(2);

  await drain();
  expect(await ingest(bytes)).toEqual({ ok: true });
  expect(ledger.queue).toHaveLength(0);
  expect(ledger.events.size).toBe(1);
});

test('a retry after a crash between claim and send sends the event', async () => {
  const bytes = jsonBody(deliveredEvent());
  const send = ledger.send;
  ledger.send = () => Promise.reject(new Error('killed'));
  expect(await ingest(bytes)).toMatchObject({ ok: false, reason: 'queue-unavailable' });

  ledger.send = send;
  expect(await ingest(bytes)).toEqual({ ok: true });
  expect(ledger.queue).toHaveLength(1);
});

test('a repeat records the webhook of an event that reconciliation had stored', async () => {
  const bytes = jsonBody(deliveredEvent());
  await ingest(bytes);
  const [message] = ledger.takeMessages();
  await createProcess({ records: ledger, retentionDays: 400, ...LONE_PROCESS })({ ...message!, source: 'reconcile' });

  expect(await ingest(bytes)).toEqual({ ok: true });
  expect([...ledger.events.values()][0]).toMatchObject({ source: 'reconcile', webhookAt: NOW_MS });
});

test('a repeat of an event that is erased just then is sent again, which process absorbs', async () => {
  const bytes = jsonBody(deliveredEvent());
  await ingest(bytes);
  await drain();
  const isStored = ledger.isStored.bind(ledger);
  ledger.isStored = async (identity) => {
    const found = await isStored(identity);
    ledger.events.clear();
    return found;
  };

  expect(await ingest(bytes)).toEqual({ ok: true });
  expect(ledger.queue).toHaveLength(1);
  expect(ledger.events.size).toBe(0);
});

test.each([
  ['recipient', { recipient: 'eve@example.org' }],
  ['severity', { severity: 'permanent' }],
  ['message id', { message: { headers: { 'message-id': '2@mg.example.com' } } }],
])('ingest refuses a used token with another %s', async (_name, over) => {
  const signature = signed();
  await ingest(jsonBody(deliveredEvent(), signature));
  expect(await ingest(jsonBody(deliveredEvent(over), signature))).toMatchObject({ ok: false, reason: 'token-reused' });
  expect(ledger.queue).toHaveLength(1);
});

test('ingest refuses the token of a subaccount with another body under either signature', async () => {
  const own = signed(KEY);
  const parent = signed(PARENT_KEY, own).signature;
  const unknown = { ...own, signature: 'f'.repeat(64) };
  expect(await ingest(jsonBody(deliveredEvent(), { ...own, 'parent-signature': parent }))).toEqual({ ok: true });

  const forged = deliveredEvent({ recipient: 'eve@example.org' });
  const byParent = await ingest(jsonBody(forged, { ...unknown, 'parent-signature': parent }));
  expect(byParent).toMatchObject({ ok: false, reason: 'token-reused' });
  expect(await ingest(jsonBody(forged, own))).toMatchObject({ ok: false, reason: 'token-reused' });
});

test.each([
  ['unset', new InMemoryKeyRing({}), 'signing-key-unset'],
  ['unreadable', new InMemoryKeyRing(new Error('denied')), 'signing-key-unreadable'],
  [
    'unreadable the second time',
    new InMemoryKeyRing({ current: 'old' }, new Error('denied')),
    'signing-key-unreadable',
  ],
])('ingest fails closed while the keys are %s', async (_name, ring, reason) => {
  keys = ring;
  expect(await ingest(jsonBody(deliveredEvent()))).toMatchObject({ ok: false, reason });
  expect(ledger.claims.size + ledger.queue.length).toBe(0);
});

test.each([
  ['unset', new InMemoryKeyRing({}), 'signing-key-unset'],
  ['unreadable', new InMemoryKeyRing(new Error('denied')), 'signing-key-unreadable'],
])('ingest reports whether webhooks were acknowledged before while the keys are %s', async (_name, ring, reason) => {
  keys = ring;
  const refusal = () => ingest(jsonBody(deliveredEvent()));
  expect(await refusal()).toMatchObject({ reason, wasInUse: false });
  await ledger.note(NOW_MS);
  expect(await refusal()).toMatchObject({ reason, wasInUse: true });
  ledger.isNoted = () => Promise.reject(new Error('down'));
  expect(await refusal()).toMatchObject({ reason, wasInUse: undefined });
});

test.each([
  ['a webhook that is taken', () => jsonBody(deliveredEvent())],
  ['a wrong key', () => jsonBody(deliveredEvent(), signed('key-wrong'))],
])('ingest does not read whether webhooks were acknowledged before for %s', async (_name, body) => {
  ledger.isNoted = () => {
    throw new Error('unexpected call');
  };
  expect(['unauthorized', undefined]).toContain(((await ingest(body())) as { reason?: string }).reason);
});

test('ingest reads the keys again only if none matches', async () => {
  keys = new InMemoryKeyRing({ current: 'key-before-the-rotation' }, { current: KEY });
  expect(await ingest(jsonBody(deliveredEvent()))).toEqual({ ok: true });
  expect(keys.rereads).toBe(1);

  keys = new InMemoryKeyRing({}, { current: KEY });
  expect(await ingest(jsonBody(deliveredEvent()))).toEqual({ ok: true });

  keys = new InMemoryKeyRing({ current: KEY }, { current: 'x' });
  expect(await ingest(jsonBody(deliveredEvent()))).toEqual({ ok: true });
  expect(keys.rereads).toBe(0);
});

test.each([
  ['claim', 'table-unavailable'],
  ['isStored', 'table-unavailable'],
  ['noteWebhook', 'table-unavailable'],
  ['send', 'queue-unavailable'],
] as const)('ingest responds with a retryable status if %s fails', async (call, reason) => {
  const bytes = jsonBody(deliveredEvent());
  if (call !== 'claim') await ingest(bytes);
  if (call === 'noteWebhook') await drain();
  Object.assign(ledger, { [call]: () => Promise.reject(new Error('down')) });
  expect(await ingest(bytes)).toMatchObject({ ok: false, reason, cause: new Error('down') });
});
