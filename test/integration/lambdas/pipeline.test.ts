import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import type { LocalStack } from '../../../tools/local-ledger/local-ledger.ts';
import { DOMAIN, deliveredEvent, KEY } from '../../support/fixtures/webhooks.ts';
import { drained, postWebhook, signedNow, startTestStack } from '../../support/stacks/local-stack.ts';

// The whole pipeline as deployed: HTTP API, bundles in processes of their own, queue, table, read API.

let stack: LocalStack;

beforeAll(async () => {
  stack = await startTestStack();
}, 60_000);
afterAll(() => stack?.stop());

const sign = (over = {}) => signedNow(KEY, over);
const post = (event: JsonObject, signature?: object) => postWebhook(stack, event, signature);

async function read(path: string, token = stack.ready.apiToken) {
  const response = await fetch(stack.ready.apiUrl + path, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, headers: response.headers, body: (await response.json()) as JsonObject };
}

const eventOf = (messageId: string, over = {}) =>
  deliveredEvent({ id: randomUUID(), message: { headers: { 'message-id': messageId } }, ...over });

test('a webhook posted over HTTP is stored, and its status can be read', async () => {
  const messageId = `order/7&a=1#${randomUUID()}%2F+@${DOMAIN}`;
  const questionable = `order?${messageId}`;
  for (const id of [messageId, questionable]) expect(await post(eventOf(id))).toBe(200);
  await drained(stack);

  const byQuery = (id: string) => read(`/mailgun/messages?id=${encodeURIComponent(`<${id}>`)}`);
  for (const id of [messageId, questionable]) {
    expect(await byQuery(id)).toMatchObject({
      status: 200,
      body: { messageId: id, recipients: [{ status: 'DELIVERED' }] },
    });
  }
  // The gateway cuts a path at an escaped question mark, so only ids without one are found there.
  const byPath = await read(`/mailgun/messages/${encodeURIComponent(messageId)}`);
  expect(byPath.body).toEqual((await byQuery(messageId)).body);
});

test('the read API refuses readers without rights, and responds with 404 for an unknown message', async () => {
  expect(await read('/mailgun/messages/x', 'wrong')).toMatchObject({
    status: 401,
    body: { ok: false, reason: 'unauthorized' },
  });
  expect(await read('/mailgun/messages?id=unknown')).toMatchObject({
    status: 404,
    body: { ok: false, reason: 'unknown-message' },
  });
  expect(await read('/mailgun/messages')).toMatchObject({
    status: 400,
    body: { ok: false, reason: 'bad-parameter', parameter: 'id' },
  });
  expect((await read('/mailgun/messages/x', 'wrong')).headers.get('vary')).toBe('Origin');
});

test('one webhook costs ingest one write and one send', async () => {
  await drained(stack);
  const before = (await stack.stats()).byCaller.ingest?.calls ?? {};
  for (let n = 0; n < 5; n += 1) expect(await post(eventOf(randomUUID()))).toBe(200);
  const after = (await stack.stats()).byCaller.ingest?.calls ?? {};
  const made = Object.keys(after).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]);
  expect(Object.fromEntries(made.filter(([, calls]) => calls !== 0))).toEqual({
    'dynamodb.PutItem': 5,
    'sqs.SendMessage': 5,
  });
});

test('each function restarts after being killed, and acknowledged events are stored once', async () => {
  const messageId = randomUUID();
  const acknowledged: JsonObject[] = [];
  let killed = 0;
  const killer = (async () => {
    for (const name of ['ingest', 'process', 'ingest', 'process', 'process', 'ingest']) {
      await sleep(150);
      const pid = (await stack.stats()).processes[name];
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      killed += 1;
    }
  })();
  const send = async () => {
    // On a busy machine no webhook may get through between the kills.
    while (killed < 6 || acknowledged.length === 0) {
      const event = eventOf(messageId);
      if ((await post(event)) === 200) acknowledged.push(event);
    }
  };
  await Promise.all([killer, send(), send(), send()]);
  await drained(stack);

  const stored: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = (await read(`/mailgun/messages/${messageId}?limit=1000${cursor && `&cursor=${cursor}`}`)).body as {
      events: { key: string }[];
      next: string | null;
    };
    stored.push(...page.events.map(({ key }) => key));
    cursor = page.next;
  }
  expect(new Set(stored).size).toBe(stored.length);
  expect(stored).toEqual(expect.arrayContaining(acknowledged.map(({ id }) => `delivered#${id}`)));
}, 120_000);

test('a table that refuses every write of process loses nothing and sends nothing to the DLQ', async () => {
  const messageId = randomUUID();
  stack.setFaults([{ service: 'dynamodb', operation: 'UpdateItem', mode: '500', percent: 100 }]);
  for (let n = 0; n < 10; n += 1) expect(await post(eventOf(messageId))).toBe(200);
  await sleep(5_000);
  expect((await read(`/mailgun/messages?id=${messageId}`)).status).toBe(404);

  stack.setFaults([]);
  await drained(stack);
  expect((await read(`/mailgun/messages/${messageId}`)).body.events).toHaveLength(10);
  expect((await stack.stats()).deadLetters).toBe(0);
}, 120_000);

test('while a service fails, ingest responds 503, which Mailgun retries', async () => {
  for (const [service, operation] of [
    ['dynamodb', 'PutItem'],
    ['sqs', 'SendMessage'],
  ] as const) {
    stack.setFaults([{ service, operation, mode: 'refuse', percent: 100 }]);
    expect(await post(eventOf(randomUUID()))).toBe(503);
    stack.setFaults([{ service, operation, mode: 'hang', percent: 100 }]);
    expect(await post(eventOf(randomUUID()))).toBe(503);
  }
  stack.setFaults([]);
  expect(await post(eventOf(randomUUID()))).toBe(200);
}, 60_000);

test('no log line contains personal data of a webhook', async () => {
  const secrets = {
    recipient: `secret-${randomUUID()}@example.org`,
    subject: `subject ${randomUUID()}`,
    ip: '203.0.113.77',
    url: `https://example.org/${randomUUID()}`,
    variable: `variable-${randomUUID()}`,
    messageId: `secret-message-${randomUUID()}@${DOMAIN}`,
  };
  const event = eventOf(secrets.messageId, {
    event: 'clicked',
    recipient: secrets.recipient,
    ip: secrets.ip,
    url: secrets.url,
    'user-variables': { v: secrets.variable },
    message: { headers: { 'message-id': secrets.messageId, subject: secrets.subject, to: secrets.recipient } },
  });
  const good = sign();
  const statuses = [
    await post(event, good),
    await post({ ...event, id: 'other' }, good),
    await post(event, { ...sign(), signature: 'f'.repeat(64) }),
    await post(event, sign({ timestamp: '1700000000' })),
    await post({ ...event, domain: { name: 'foreign.example.net' } }),
    await post({ ...event, event: '' }),
  ];
  expect(statuses).toEqual([200, 406, 401, 406, 406, 400]);
  stack.setFaults([{ service: 'sqs', operation: 'SendMessage', mode: 'refuse', percent: 100 }]);
  expect(await post({ ...event, id: randomUUID() })).toBe(503);
  stack.setFaults([{ service: 'dynamodb', operation: 'PutItem', mode: '500', percent: 100 }]);
  expect(await post({ ...event, id: randomUUID() })).toBe(503);
  stack.setFaults([]);
  await drained(stack);
  await read(`/mailgun/messages/${encodeURIComponent(secrets.messageId)}`);
  await read('/mailgun/messages/x', 'wrong-token-0123');
  await stack.reconcile();

  const lines = stack.logs();
  expect(lines.map(({ source }) => source)).toContainEqual(expect.stringMatching(/^reconcile\[/));
  const log = lines.map(({ line }) => line).join('\n');
  for (const reason of [
    'token-reused',
    'unauthorized',
    'stale',
    'foreign-domain',
    'malformed-webhook',
    'queue-unavailable',
    'table-unavailable',
  ]) {
    expect(log).toContain(`"reason":"${reason}"`);
  }
  const forbidden = [
    ...Object.values(secrets),
    good.token,
    good.signature,
    KEY,
    stack.ready.apiToken,
    'wrong-token-0123',
  ];
  for (const value of [...forbidden, encodeURIComponent(secrets.messageId)]) expect(log).not.toContain(value);
}, 60_000);
